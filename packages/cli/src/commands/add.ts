import { add } from '@nv2/client'
import type { Run } from '../context.js'
import { workbench } from './publishing.js'
import { storedJson, storedText } from './stored-text.js'

export const run: Run<{
  readonly image?: string
  readonly sbom?: string
  readonly source?: string
  readonly file?: readonly string[]
}> = async (context, [name = ''], { image, sbom, source, file }) => {
  const bench = await workbench(context)
  const views = await bench.repositories.all()
  const drafts = views.flatMap((view) => view.allDrafts())
  const stored = await add(context.home, bench.config, drafts, {
    name,
    ...(image !== undefined && { image }),
    ...(sbom !== undefined && { sbom }),
    ...(source !== undefined && { source }),
    ...(file && { files: file }),
  })
  context.out.result(storedJson(stored), storedText(stored))
}
