import { revoke } from '@nv2/client'
import type { Run } from '../context.js'
import { editedJson, editedText, warnings, workbench } from './publishing.js'

export const run: Run<{
  readonly key?: readonly string[]
  readonly replace?: readonly string[]
  readonly force?: boolean
  readonly allowSharedKey?: boolean
  readonly repo?: string
  readonly expires?: string
}> = async (context, [from = '', to = ''], { key = [], replace, force, allowSharedKey, repo, expires }) => {
  const bench = await workbench(context, expires)
  const revoked = await revoke(bench, {
    from,
    to,
    keys: key,
    ...(replace && { replace }),
    force: force ?? false,
    allowSharedKey: allowSharedKey ?? false,
    ...(repo !== undefined && { repo }),
  })
  warnings(context, bench, revoked.warnings)
  const what = revoked.removed
    ? `the delegation to ${to} is gone`
    : `${key.join(', ')} no longer signs for ${to}`
  context.out.result(
    { ...editedJson(revoked), revoked: key, from: to, removed: revoked.removed },
    `${what}, once this is uploaded: ${editedText(revoked)}`,
  )
}
