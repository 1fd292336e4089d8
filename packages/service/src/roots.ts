import { nextRoot, type Envelope, type RepositoryView, type Root, type TrustedRoot } from '@nv2/tuf'
import { ServiceError } from './errors.js'
import { verifiesUnder, type OnlineKeys } from './online-keys.js'
import type { Published } from './published.js'

/**
 * What a staged root must be (protocol P7): the next of the chain, and one under which this service can go on publishing
 * for clients that anybody has. Once `N+1.root.json` stands it cannot be taken back. Throws ROOT_REFUSED, or the chain's own.
 */
export function checkNextRoot(
  current: TrustedRoot,
  bytes: Uint8Array,
  keys: OnlineKeys,
  now: Date,
): TrustedRoot {
  const next = nextRoot(current, bytes)
  const { root } = next
  const refuse = (why: string): ServiceError =>
    new ServiceError('ROOT_REFUSED', `root ${root.version} ${why}`, { detail: { role: 'root' } })
  if (root.expires.getTime() <= now.getTime()) throw refuse('has expired: every client would stop at it')
  if (!root.consistentSnapshot)
    throw refuse('turns consistent_snapshot off, without which clients can meet half a publication')
  for (const [role, { keyids, keys: held, threshold }] of Object.entries(root.roles)) {
    const usable = new Set([...held.values()].flatMap((key) => key.fingerprint ?? []))
    if (usable.size < threshold)
      throw refuse(`demands ${threshold} signatures for ${role} and names ${usable.size} usable keys`)
    // Stock clients refuse a root whose role names a key that the root does not hold.
    if (keyids.some((keyid) => !held.has(keyid)))
      throw refuse(`names a key for ${role} that it does not hold`)
  }
  const problem = keys.problem(root)
  if (problem) throw refuse(`cannot be served: ${problem.message}`)
  return next
}

/** Targets must verify under a root that is about to be created, or every client stops there (protocol P7). */
export function requireTargetsUnder(next: Root, view: RepositoryView): void {
  const targets = view.roles.get('targets')
  if (targets && !verifiesUnder(next, 'targets', targets))
    throw new ServiceError(
      'ROOT_REFUSED',
      `root ${next.version} changes the keys of targets, and targets version ${targets.signed.version} is not signed with the new ones: ` +
        'send targets signed with the old and the new keys in the same set',
      { detail: { role: 'targets' } },
    )
}

/** True when a client that has just read this root believes the current timestamp, snapshot and targets. */
export function currentVerifiesUnder(root: Root, published: Published): boolean {
  const { timestamp, snapshot, view } = published
  if (!timestamp || !snapshot) return true
  const targets = view.roles.get('targets')
  return (
    verifiesUnder(root, 'timestamp', timestamp.envelope) &&
    verifiesUnder(root, 'snapshot', snapshot) &&
    targets !== undefined &&
    verifiesUnder(root, 'targets', targets)
  )
}

export function samePayload(a: Envelope, b: Envelope): boolean {
  return Buffer.compare(a.payload, b.payload) === 0
}

/** What the root of a new repository must be: with it everything begins that clients keep. */
export function requireFirstRoot({ root }: TrustedRoot, keys: OnlineKeys): void {
  const problem = keys.problem(root)
  if (problem) throw problem
  if (root.version !== 1)
    throw new ServiceError(
      'ROOT_REFUSED',
      `a new repository begins with root 1, not with root ${root.version}`,
    )
  if (!root.consistentSnapshot)
    throw new ServiceError(
      'ROOT_REFUSED',
      'root 1 has consistent_snapshot off, without which clients can meet half a publication',
    )
}
