import { openWorkbench, type Edited, type Workbench } from '@nv2/client'
import type { Context } from '../context.js'
import { duration } from '../duration.js'
import { usage } from '../errors.js'

/** What every publishing command begins with. */
export async function workbench(context: Context, expires?: string): Promise<Workbench> {
  return openWorkbench({
    home: context.home,
    ask: context.ask,
    now: context.clock(),
    signal: context.interrupted(),
    ...(expires !== undefined && { life: duration(expires, '--expires') }),
  })
}

export function count(text: string, option: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text))
    throw usage(`${option} ${JSON.stringify(text)} is no number from 1 to 9999`)
  return Number(text)
}

export function warnings(context: Context, bench: Workbench, more: readonly string[]): void {
  for (const notice of [...bench.repositories.notices, ...more]) context.out.warn(notice)
}

export function editedJson({ repo, role, version, path, signatures }: Edited): Record<string, unknown> {
  return { repo, role, version, draft: path, signatures }
}

/** `wabbit-networks version 1 (draft in public): 1 of 2 signatures by alice; missing: bob` */
export function editedText({ repo, role, version, signatures }: Edited): string {
  const { signed, missing, threshold } = signatures
  const by = signed.length === 0 ? '' : ` by ${signed.join(', ')}`
  const where = repo.startsWith('_') ? 'draft, no repository yet' : `draft in ${repo}`
  if (threshold === null)
    return `${role} version ${version} (${where}): ${signed.length === 0 ? 'not signed yet' : `signed${by}`}; nobody known here delegates to it`
  const open = signed.length < threshold && missing.length > 0 ? `; missing: ${missing.join(', ')}` : ''
  return `${role} version ${version} (${where}): ${signed.length} of ${threshold} signatures${by}${open}`
}
