import { edgesTo, roleKeys, withDelegation, withoutDelegation } from '@nv2/tuf'
import type { Delegation, JsonObject, PublicKey, RoleKeys, RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import { editRole, type Edited } from './edit.js'
import { chooseKeys, requireUnshared } from './key-choice.js'
import { keyOf } from './keyring.js'
import type { Workbench } from './workbench.js'

export interface RevokeRequest {
  readonly from: RoleName
  readonly to: RoleName
  /** Names of keys, or the beginning of their key ids. */
  readonly keys: readonly string[]
  readonly replace?: readonly string[]
  /** Leave a TAP 3 entry without keys: its group can then never agree. */
  readonly force?: boolean
  readonly repo?: string
  readonly allowSharedKey?: boolean
}

export interface Revoked extends Edited {
  /** The whole delegation is gone. */
  readonly removed: boolean
}

/** Takes keys away from a role in the draft of `from`, in every delegation that names it (protocol D1), as a stated revocation. */
export async function revoke(bench: Workbench, request: RevokeRequest): Promise<Revoked> {
  const { from, to } = request
  if (from === 'root')
    throw new ClientError('USAGE', `the keys of ${to} are stated by root: that takes a new root, not revoke`)
  const view = await bench.repositories.holding(from, request.repo)
  const base = await view.newest(from)
  const edges = base ? edgesTo(base.envelope.signed, to) : []
  const [edge] = edges
  if (!edge) throw new ClientError('ROLE_UNKNOWN', `${from} does not delegate to ${to} in ${view.repo}`)
  const held = edge.vote.keys
  const gone = await Promise.all(request.keys.map((name) => find(bench, held, name, to)))
  const spare =
    request.replace === undefined || request.replace.length === 0
      ? []
      : [...(await chooseKeys(to, request.replace, 1, bench.keyring, bench.imported)).keys.values()]
  const left = [...held.keys.values()].filter((key) => !gone.includes(key))
  const again = spare.find((key) => keyOf(held, key))
  if (again) throw new ClientError('USAGE', `--replace names a key that ${to} has or that is being revoked`)
  const keys = roleKeys([...left, ...spare], held.threshold)
  const removed = keys.keyids.length === 0 && !edges.some(({ delegation }) => delegation.multi)
  requireEnough(
    to,
    keys,
    edges.map(({ delegation }) => delegation),
    request,
    removed,
  )
  if (request.allowSharedKey !== true)
    await requireUnshared(
      view.repo,
      to,
      roleKeys(spare, 1),
      await bench.repositories.all(),
      bench.keyring,
      bench.imported,
    )
  const change = (tree: JsonObject): JsonObject =>
    edges.reduce(
      (now, { delegation }) =>
        removed
          ? withoutDelegation(now, delegation.name)
          : withDelegation(now, withKeys(delegation, to, keys)),
      tree,
    )
  return { ...(await editRole(view, from, change, bench, true)), removed }
}

function requireEnough(
  role: RoleName,
  keys: RoleKeys,
  delegations: readonly Delegation[],
  request: RevokeRequest,
  removed: boolean,
): void {
  const count = keys.keyids.length
  if (removed || count >= keys.threshold) return
  const group = delegations.find((delegation) => delegation.multi)
  if (group && count === 0) {
    if (request.force === true) return
    throw new ClientError(
      'THRESHOLD_IMPOSSIBLE',
      `this is the last key of ${role}, which must agree with others on ${group.name}: without it nobody can sign there. ` +
        'Give its successor with --replace; --force leaves it so',
    )
  }
  throw new ClientError(
    'THRESHOLD_IMPOSSIBLE',
    `${role} needs ${keys.threshold} signatures and would have ${count} ${count === 1 ? 'key' : 'keys'} left: give a successor with --replace`,
  )
}

function withKeys(delegation: Delegation, role: RoleName, keys: RoleKeys): Delegation {
  return {
    ...delegation,
    votes: delegation.votes.map((vote) => (vote.role === role ? { role, keys } : vote)),
  }
}

/** A key that is being revoked may be lost: its id is enough. */
async function find(bench: Workbench, held: RoleKeys, name: string, role: RoleName): Promise<PublicKey> {
  const stored = await bench.keyring.find(name)
  const byName = stored && keyOf(held, stored.key)
  if (byName) return byName
  const byId = /^[0-9a-f]{8,}$/.test(name) ? held.keyids.filter((keyid) => keyid.startsWith(name)) : []
  const key = byId.length === 1 ? held.keys.get(byId[0] ?? '') : undefined
  if (key) return key
  const labels = await Promise.all(
    held.keyids.map((keyid) => bench.keyring.label(keyid, held.keys.get(keyid))),
  )
  throw new ClientError(
    'KEY_NOT_DELEGATED',
    `${name} is no key of ${role}; its keys are ${labels.join(', ')}`,
  )
}
