import { signArtifact, signDraft } from '@nv2/client'
import type { Run } from '../context.js'
import { usage } from '../errors.js'
import { editedJson, editedText, warnings, workbench } from './publishing.js'

export const run: Run<{
  readonly role?: string
  readonly repo?: string
  readonly keep?: boolean
  readonly expires?: string
}> = async (context, [first = '', second], { role, repo, keep, expires }) => {
  if (second === undefined && role === undefined)
    throw usage('say `nv2 sign NAME KEY`, or `nv2 sign --role ROLE KEY` for the draft of a role')
  const bench = await workbench(context, expires)
  const where = repo === undefined ? {} : { repo }
  if (second === undefined) {
    const edited = await signDraft(bench, { role: role ?? '', key: first, ...where })
    warnings(context, bench, edited.warnings)
    context.out.result(editedJson(edited), editedText(edited))
    return
  }
  const signed = await signArtifact(bench, {
    name: first,
    key: second,
    keep: keep ?? false,
    ...(role !== undefined && { role }),
    ...where,
  })
  warnings(context, bench, signed.warnings)
  context.out.result(
    { name: signed.name, digest: signed.digest, ...editedJson(signed), targets: signed.paths },
    [`signed ${signed.name}`, `  digest  ${signed.digest}`, `  role    ${editedText(signed)}`].join('\n'),
  )
}
