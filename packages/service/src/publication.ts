import { createSettled, replaceSettled, TIMESTAMP, type Entry, type MetadataStore } from '@nv2/store'
import {
  fileName,
  metaFileOf,
  newSnapshot,
  newTimestamp,
  parse,
  requireThreshold,
  TufError,
  type Envelope,
  type MetaFile,
  type RoleName,
  type Root,
  type Snapshot,
} from '@nv2/tuf'
import type { Lifetimes } from './lifetimes.js'
import type { OnlineKeys, OnlineRole } from './online-keys.js'
import type { Plan, Taken } from './plan.js'
import { withOwners, type Published } from './published.js'

/** Creates the plan's role files. Those whose names hold other bytes already are the answer: the plan was made without them. */
export async function createRoleFiles(store: MetadataStore, plan: Plan): Promise<ReadonlyMap<string, Taken>> {
  const entries: Entry[] = [...plan.files].map(([name, { bytes }]) => ({ name, bytes }))
  const taken = new Map<string, Taken>()
  const outcomes = await store.createAll(entries).catch(() => [])
  for (const [i, { name, bytes }] of entries.entries()) {
    if (outcomes[i] === 'done' || (await createSettled(store, name, bytes)) === 'done') continue
    const held = await readTaken(store, name)
    if (held) taken.set(name, held)
  }
  return taken
}

export async function readTaken(store: MetadataStore, name: string): Promise<Taken | null> {
  const stored = await store.read(name)
  if (!stored) return null
  try {
    return { bytes: stored.bytes, payload: parse('targets', stored.bytes).payload }
  } catch (error) {
    if (!(error instanceof TufError)) throw error
    return { bytes: stored.bytes, payload: null }
  }
}

/** The snapshot of a plan under a number that nobody has used: one that a dead publisher left is skipped (protocol P1). */
export async function createSnapshot(
  store: MetadataStore,
  plan: Plan,
  keys: OnlineKeys,
  roots: readonly Root[],
  lifetimes: Lifetimes,
): Promise<Envelope<Snapshot>> {
  const { published, now } = plan.input
  const meta = new Map<RoleName, MetaFile>(published.meta)
  for (const role of plan.changed) {
    const envelope = plan.view.roles.get(role)
    if (envelope) meta.set(role, metaFileOf(envelope.bytes, envelope.signed.version))
  }
  const expires = new Date(now.getTime() + lifetimes.snapshotMs)
  for (let version = (published.snapshot?.signed.version ?? 0) + 1; ; version++) {
    const tree = withOwners(newSnapshot({ version, expires, meta }), plan.view)
    const envelope = parse('snapshot', await keys.sign('snapshot', tree, roots))
    requireOwn('snapshot', envelope, roots)
    if ((await createSettled(store, fileName('snapshot', version), envelope.bytes)) === 'done')
      return envelope
  }
}

/** Signs the timestamp and swaps it in. The signed bytes leave this function only by the swap (protocol P1). */
export async function swapTimestamp(
  store: MetadataStore,
  published: Published,
  snapshot: Envelope<Snapshot>,
  keys: OnlineKeys,
  roots: readonly Root[],
  expires: Date,
): Promise<number | null> {
  const version = (published.timestamp?.envelope.signed.version ?? 0) + 1
  const tree = newTimestamp({
    version,
    expires,
    snapshot: metaFileOf(snapshot.bytes, snapshot.signed.version),
  })
  const envelope = parse('timestamp', await keys.sign('timestamp', tree, roots))
  requireOwn('timestamp', envelope, roots)
  const revision = published.timestamp?.revision ?? null
  return (await replaceSettled(store, TIMESTAMP, envelope.bytes, revision)) === 'done' ? version : null
}

/** A signer that gives wrong signatures (a key store that was reconfigured) must not reach a reader. */
function requireOwn(role: OnlineRole, envelope: Envelope, roots: readonly Root[]): void {
  for (const root of roots) requireThreshold(root.roles[role], envelope, role, `root ${root.version}`)
}
