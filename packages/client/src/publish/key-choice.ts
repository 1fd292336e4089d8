import { roleKeys, type PublicKey, type RoleKeys, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import { keyOf, type Keyring } from './keyring.js'
import type { RepoView } from './repo-view.js'

/** A role of another repository whose keys were pinned from its verified edge there (protocol D5). */
export interface ImportedRole {
  readonly role: RoleName
  readonly keys: RoleKeys
  /** Sha256 of the first known root of the repository that it comes from. */
  readonly origin: string
}

export interface ImportedRoles {
  find(role: RoleName): Promise<ImportedRole | null>
}

/** KEY arguments of one role: names of keys here, or the name of an imported role for all of its keys. */
export async function chooseKeys(
  role: RoleName,
  names: readonly string[],
  threshold: number | undefined,
  keyring: Keyring,
  imported: ImportedRoles,
): Promise<RoleKeys> {
  const chosen = new Map<string, PublicKey>()
  let pinned: number | undefined
  for (const name of names) {
    const stored = await keyring.find(name)
    const origin = stored ? null : await imported.find(name)
    if (origin) pinned = origin.keys.threshold
    const keys = stored ? [stored.key] : [...(origin?.keys.keys.values() ?? [(await keyring.get(name)).key])]
    for (const key of keys) {
      const id = key.fingerprint ?? key.keyid
      if (chosen.has(id))
        throw new ClientError(
          'USAGE',
          `${name} is named twice for ${role}: one key is one signature, whatever it is called`,
        )
      chosen.set(id, key)
    }
  }
  const wanted = threshold ?? pinned ?? 1
  if (chosen.size === 0) throw new ClientError('USAGE', `${role} needs at least one --key`)
  if (wanted < 1 || wanted > chosen.size) throw unreachable(role, wanted, chosen.size)
  return roleKeys([...chosen.values()], wanted)
}

export function unreachable(role: RoleName, threshold: number, keys: number): ClientError {
  return new ClientError(
    'THRESHOLD_IMPOSSIBLE',
    `${role} would need ${threshold} signatures and has ${keys} ${keys === 1 ? 'key' : 'keys'}: nobody could ever sign for it`,
  )
}

/**
 * Protocol P5: metadata does not say which role or repository it is for, so what a key signs as one role passes as another.
 * Keys pinned from an imported role serve that same role elsewhere: this is what importing means. Throws KEY_SHARED.
 */
export async function requireUnshared(
  repo: string,
  role: RoleName,
  keys: RoleKeys,
  views: readonly RepoView[],
  keyring: Keyring,
  imported: ImportedRoles,
): Promise<void> {
  const origin = await imported.find(role)
  for (const keyid of keys.keyids) {
    const key = keys.keys.get(keyid)
    if (!key || (origin && keyOf(origin.keys, key))) continue
    for (const view of views) {
      const other = (await view.allEdges()).find(
        (edge) => keyOf(edge.vote.keys, key) && !(edge.vote.role === role && isSame(view, repo)),
      )
      if (!other) continue
      throw new ClientError(
        'KEY_SHARED',
        `${await keyring.label(keyid, key)} already signs for ${other.vote.role} in ${place(view)}: what it signs there would count ` +
          `as ${role} too. Make a key for this role; --allow-shared-key takes the risk`,
        { detail: { role: other.vote.role, repo: view.repo } },
      )
    }
  }
}

function isSame(view: RepoView, repo: string): boolean {
  return view.repo === repo || view.repo.startsWith('_') || repo.startsWith('_')
}

function place(view: RepoView): string {
  return view.repo.startsWith('_') ? 'drafts here' : `the repository ${view.repo}`
}
