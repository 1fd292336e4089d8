import { StoreError, TIMESTAMP, type MetadataStore } from '@nv2/store'
import {
  edgesTo,
  fileName,
  isObject,
  jsonObject,
  nextRoot,
  parse,
  requireHashes,
  TufError,
  type Envelope,
  type JsonObject,
  type MetaFile,
  type RepositoryView,
  type RoleName,
  type Snapshot,
  type Targets,
  type Timestamp,
  type TrustedRoot,
} from '@nv2/tuf'
import { ServiceError } from './errors.js'
import { verifiesUnder } from './online-keys.js'

/** What clients see at one revision of the timestamp. */
export interface Published {
  /** From the repository's first stored root to its newest. */
  readonly roots: readonly TrustedRoot[]
  readonly newest: TrustedRoot
  readonly timestamp: { readonly envelope: Envelope<Timestamp>; readonly revision: string } | null
  readonly snapshot: Envelope<Snapshot> | null
  readonly meta: ReadonlyMap<RoleName, MetaFile>
  readonly view: RepositoryView
  /** Roles whose files cannot be read: they stay listed, and nothing can be built on them. */
  readonly unreadable: readonly RoleName[]
}

/** In the snapshot, beside `meta`: whose edge a name belongs to where the default rule would say another (protocol P6). */
const OWNERS = 'nv2_owners'

/** The roots that follow those in hand. A root that the chain refuses is damage: only this service wrote it. */
export async function extendRoots(
  store: MetadataStore,
  roots: readonly TrustedRoot[],
): Promise<readonly TrustedRoot[]> {
  const chain = [...roots]
  for (;;) {
    const newest = chain.at(-1)
    if (!newest) throw new ServiceError('REPOSITORY_DAMAGED', 'the repository has no root')
    const stored = await store.read(fileName('root', newest.root.version + 1))
    if (!stored) return chain.length === roots.length ? roots : chain
    chain.push(nextRoot(newest, stored.bytes))
  }
}

export async function readTimestamp(store: MetadataStore): Promise<Published['timestamp']> {
  const stored = await store.read(TIMESTAMP)
  return stored ? { envelope: parse('timestamp', stored.bytes), revision: stored.revision } : null
}

/** Reads what this timestamp names. `before`: files of the same version are taken from there instead of the store. */
export async function readPublished(
  store: MetadataStore,
  roots: readonly TrustedRoot[],
  timestamp: Published['timestamp'],
  before: Published | null,
): Promise<Published> {
  const newest = roots.at(-1)
  if (!newest) throw new ServiceError('REPOSITORY_DAMAGED', 'the repository has no root')
  if (!timestamp) return empty(roots, newest)
  // Its version is what the next one counts from; one that nobody trusted could count to the end of the numbers.
  if (!roots.some(({ root }) => verifiesUnder(root, 'timestamp', timestamp.envelope)))
    throw new ServiceError(
      'REPOSITORY_DAMAGED',
      'the stored timestamp is not signed by any root of this repository',
    )
  const snapshot = await readSnapshot(store, timestamp.envelope.signed.snapshot, before)
  const meta = snapshot.signed.meta
  const roles = new Map<RoleName, Envelope<Targets>>()
  const unreadable: RoleName[] = []
  for (const [role, file] of meta) {
    const envelope = await readRole(store, role, file, before)
    if (envelope) roles.set(role, envelope)
    else unreadable.push(role)
  }
  const owners = readOwners(snapshot.tree, roles)
  return { roots, newest, timestamp, snapshot, meta, view: { root: newest.root, roles, owners }, unreadable }
}

function empty(roots: readonly TrustedRoot[], newest: TrustedRoot): Published {
  const view = { root: newest.root, roles: new Map(), owners: new Map() }
  return { roots, newest, timestamp: null, snapshot: null, meta: new Map(), view, unreadable: [] }
}

async function readSnapshot(
  store: MetadataStore,
  file: MetaFile,
  before: Published | null,
): Promise<Envelope<Snapshot>> {
  if (before?.snapshot?.signed.version === file.version) return before.snapshot
  const stored = await store.read(fileName('snapshot', file.version))
  if (!stored)
    throw new ServiceError(
      'REPOSITORY_DAMAGED',
      `snapshot ${file.version} is named by the timestamp and not there`,
    )
  if (file.hashes) requireHashes('snapshot', stored.bytes, file.hashes)
  return parse('snapshot', stored.bytes)
}

async function readRole(
  store: MetadataStore,
  role: RoleName,
  file: MetaFile,
  before: Published | null,
): Promise<Envelope<Targets> | null> {
  const known = before?.view.roles.get(role)
  if (known?.signed.version === file.version) return known
  try {
    const stored = await store.read(fileName(role, file.version))
    if (!stored) return null
    if (file.hashes) requireHashes(role, stored.bytes, file.hashes)
    return parse('targets', stored.bytes, { role })
  } catch (error) {
    // Damage to one file must not stop the renewal of the rest (protocol P9).
    if (error instanceof StoreError || error instanceof TufError) return null
    throw error
  }
}

function readOwners(
  tree: JsonObject,
  roles: ReadonlyMap<RoleName, Envelope<Targets>>,
): ReadonlyMap<RoleName, RoleName> {
  const owners = defaultOwners(roles)
  const stated = tree.get(OWNERS)
  if (isObject(stated))
    for (const [role, owner] of stated) if (typeof owner === 'string') owners.set(role, owner)
  return owners
}

/** The tree of a snapshot with the owners that cannot be guessed from what it lists. */
export function withOwners(tree: JsonObject, view: RepositoryView): JsonObject {
  const guessed = defaultOwners(view.roles)
  const stated = [...view.owners].filter(([role, owner]) => role !== 'targets' && guessed.get(role) !== owner)
  return stated.length === 0 ? tree : new Map([...tree, [OWNERS, jsonObject(stated)]])
}

/** Who delegates to each role: top-level targets before the roles above it by name, those before others. */
function defaultOwners(roles: ReadonlyMap<RoleName, Envelope<Targets>>): Map<RoleName, RoleName> {
  const owners = new Map<RoleName, RoleName>()
  const rank = (delegator: RoleName, role: RoleName): number =>
    delegator === 'targets' ? 0 : role.startsWith(`${delegator}/`) ? delegator.length : Infinity
  const claim = (delegator: RoleName, role: RoleName): void => {
    const held = owners.get(role)
    if (!roles.has(role) || role === 'targets') return
    const better = held === undefined ? 1 : rank(held, role) - rank(delegator, role)
    if (better > 0 || (Number.isNaN(better) && held !== undefined && delegator < held))
      owners.set(role, delegator)
  }
  for (const [delegator, { signed }] of roles) {
    for (const { votes } of signed.delegations) for (const vote of votes) claim(delegator, vote.role)
    if (signed.succinct)
      for (const role of roles.keys()) if (edgesTo(signed, role).length > 0) claim(delegator, role)
  }
  return owners
}
