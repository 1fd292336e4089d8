import type { MetadataStore } from '@nv2/store'
import {
  edgesTo,
  fileName,
  nextRoot,
  pinRoot,
  requireFreshRoot,
  sha256Hex,
  trustSnapshot,
  trustTargets,
  trustTimestamp,
  verifyRole,
  type RoleName,
  type SnapshotFloor,
  type TimestampFloor,
} from '@nv2/tuf'
import { NOW } from './keys.js'

export interface Client {
  readonly root: number
  readonly timestamp: number
  readonly snapshot: number
  readonly roles: ReadonlyMap<RoleName, number>
  readonly floors: { timestamp: TimestampFloor; snapshot: SnapshotFloor }
}

/** All that a client checks, and every role that it can reach; throws TufError at the first thing that is wrong. */
export async function client(
  store: MetadataStore,
  options: { root?: number; now?: Date; floors?: Client['floors'] | undefined } = {},
): Promise<Client> {
  const now = options.now ?? NOW
  const get = async (name: string): Promise<Uint8Array> => {
    const stored = await store.read(name)
    if (!stored) throw new Error(`${name} is missing`)
    return stored.bytes
  }
  let root = pinRoot(await get(fileName('root', options.root ?? 1)))
  for (;;) {
    const next = await store.read(fileName('root', root.root.version + 1))
    if (!next) break
    root = nextRoot(root, next.bytes)
  }
  const timestampBytes = await get('timestamp.json')
  const timestamp = trustTimestamp(
    requireFreshRoot(root, now),
    timestampBytes,
    now,
    options.floors?.timestamp,
  )
  const named = timestamp.envelope.signed.snapshot
  const snapshotBytes = await get(fileName('snapshot', named.version))
  const snapshot = trustSnapshot(timestamp, snapshotBytes, now, options.floors?.snapshot)
  const file = async (role: RoleName): Promise<Uint8Array> =>
    get(fileName(role, snapshot.envelope.signed.meta.get(role)?.version ?? 0))
  const targets = trustTargets(snapshot, await file('targets'), now)
  const roles = new Map([['targets', targets.envelope.signed.version]])
  const queue = [targets.envelope]
  for (const { signed } of queue)
    for (const role of signed.delegations.flatMap((one) => one.votes.map((vote) => vote.role))) {
      if (roles.has(role) || !snapshot.envelope.signed.meta.has(role)) continue
      for (const edge of edgesTo(signed, role)) {
        const envelope = verifyRole(snapshot, edge.vote, await file(role), now)
        roles.set(role, envelope.signed.version)
        queue.push(envelope)
      }
    }
  return {
    root: root.root.version,
    timestamp: timestamp.envelope.signed.version,
    snapshot: named.version,
    roles,
    floors: {
      timestamp: {
        version: timestamp.envelope.signed.version,
        sha256: sha256Hex(timestampBytes),
        snapshotVersion: named.version,
      },
      snapshot: {
        version: named.version,
        sha256: sha256Hex(snapshotBytes),
        roles: new Map([...snapshot.envelope.signed.meta].map(([role, meta]) => [role, meta.version])),
      },
    },
  }
}
