import { createHash } from 'node:crypto'
import { TufError } from './errors.js'
import { parse } from './parse.js'
import type {
  Envelope,
  MetaFile,
  RoleKeys,
  RoleName,
  Root,
  Snapshot,
  Targets,
  Timestamp,
  Vote,
} from './types.js'
import { requireThreshold } from './verify.js'

/*
 * The client workflow (spec 5) as types: each step takes what the step before gives, so that a snapshot cannot be
 * judged before a timestamp. All are pure: bytes and `now` in, trust or a TufError out.
 */

/** A root that the chain leads to; whether it has expired does not matter yet (spec 5.3.10 looks at the last one only). */
export interface TrustedRoot {
  readonly step: 'root'
  readonly envelope: Envelope<Root>
  readonly root: Root
}
/** The newest root, not expired. */
export interface CurrentRoot {
  readonly step: 'current-root'
  readonly envelope: Envelope<Root>
  readonly root: Root
}
export interface TrustedTimestamp {
  readonly step: 'timestamp'
  readonly current: CurrentRoot
  readonly envelope: Envelope<Timestamp>
}
export interface TrustedSnapshot {
  readonly step: 'snapshot'
  readonly timestamp: TrustedTimestamp
  readonly envelope: Envelope<Snapshot>
}
export interface TrustedTargets {
  readonly step: 'targets'
  readonly snapshot: TrustedSnapshot
  readonly envelope: Envelope<Targets>
}

/** The newest version that was ever trusted, and which bytes it had (sha256, hex). */
export interface Floor {
  readonly version: number
  readonly sha256: string
}
export interface TimestampFloor extends Floor {
  /** Version of the snapshot that it named. */
  readonly snapshotVersion?: number
}
export interface SnapshotFloor extends Floor {
  readonly roles: ReadonlyMap<RoleName, number>
}

/** The root that the user pinned: it vouches for itself, by its own threshold (spec 5.2; expiry is looked at later). */
export function pinRoot(bytes: Uint8Array): TrustedRoot {
  const envelope = parse('root', bytes)
  requireThreshold(envelope.signed.roles.root, envelope, 'root', 'own root role')
  return { step: 'root', envelope, root: envelope.signed }
}

/**
 * Root N+1 (spec 5.3.4, 5.3.5): signed by a threshold of N *and* of its own keys, and numbered exactly N+1; else whoever
 * holds one old key could skip a revocation (CVE-2020-15163, CVE-2025-2885). Its expiry is not looked at: 5.3.10.
 */
export function nextRoot(trusted: TrustedRoot, bytes: Uint8Array): TrustedRoot {
  const envelope = parse('root', bytes)
  const root = envelope.signed
  const wanted = trusted.root.version + 1
  requireThreshold(
    trusted.root.roles.root,
    envelope,
    `root ${root.version}`,
    `predecessor, root ${trusted.root.version},`,
  )
  requireThreshold(root.roles.root, envelope, `root ${root.version}`, 'own root role')
  if (root.version !== wanted)
    throw new TufError('VERSION_MISMATCH', `root ${wanted} was asked for and version ${root.version} came`, {
      role: 'root',
    })
  return { step: 'root', envelope, root }
}

/** Freeze: an expired root can no longer say whose keys count (spec 5.3.10). */
export function requireFreshRoot(trusted: TrustedRoot, now: Date): CurrentRoot {
  requireFresh('root', trusted.root, now)
  return { step: 'current-root', envelope: trusted.envelope, root: trusted.root }
}

/**
 * Spec 5.4. With a floor: an older version is a rollback, the same version with other bytes is an equivocation (keep
 * what you have), an older snapshot behind a newer timestamp is a rollback too.
 */
export function trustTimestamp(
  current: CurrentRoot,
  bytes: Uint8Array,
  now: Date,
  floor?: TimestampFloor,
): TrustedTimestamp {
  const envelope = parse('timestamp', bytes)
  const { signed } = envelope
  requireThreshold(current.root.roles.timestamp, envelope, 'timestamp', 'root')
  if (floor) {
    requireNotBelow('timestamp', signed.version, floor.version)
    if (signed.version === floor.version && sha256Hex(bytes) !== floor.sha256)
      throw new TufError('EQUIVOCATION', `two different timestamps carry the version ${signed.version}`, {
        role: 'timestamp',
      })
    if (floor.snapshotVersion !== undefined)
      requireNotBelow('snapshot', signed.snapshot.version, floor.snapshotVersion)
  }
  requireFresh('timestamp', signed, now)
  return { step: 'timestamp', current, envelope }
}

/**
 * Spec 5.5. Hashes first, then signatures, although the timestamp already vouches for the bytes: the snapshot role must
 * have said this itself. With a floor: no role may vanish or go back (5.5.5).
 */
export function trustSnapshot(
  timestamp: TrustedTimestamp,
  bytes: Uint8Array,
  now: Date,
  floor?: SnapshotFloor,
): TrustedSnapshot {
  const meta = timestamp.envelope.signed.snapshot
  requireBytes('snapshot', bytes, meta)
  const envelope = parse('snapshot', bytes)
  const { signed } = envelope
  requireThreshold(timestamp.current.root.roles.snapshot, envelope, 'snapshot', 'root')
  requireVersion('snapshot', signed.version, meta.version, 'timestamp')
  if (floor) {
    // Also when the timestamp's floor, which names this number too, was dropped because only that role's key went (C1).
    requireNotBelow('snapshot', signed.version, floor.version)
    if (signed.version === floor.version && sha256Hex(bytes) !== floor.sha256)
      throw new TufError('EQUIVOCATION', `two different snapshots carry the version ${signed.version}`, {
        role: 'snapshot',
      })
    for (const [role, version] of floor.roles) {
      const listed = signed.meta.get(role)
      if (!listed)
        throw new TufError('ROLLBACK', `the new snapshot no longer lists ${role}, which was there`, { role })
      requireNotBelow(role, listed.version, version)
    }
  }
  requireFresh('snapshot', signed, now)
  return { step: 'snapshot', timestamp, envelope }
}

/** The top-level targets role, with the keys of root (spec 5.6). */
export function trustTargets(snapshot: TrustedSnapshot, bytes: Uint8Array, now: Date): TrustedTargets {
  const keys = snapshot.timestamp.current.root.roles.targets
  const envelope = verifyTargets(snapshot, 'targets', keys, 'root', bytes, now)
  return { step: 'targets', snapshot, envelope }
}

/**
 * A delegated role, over one edge: with the keys of *this* delegator, each time it is reached (TOB-SIGSTORE-14).
 * Length and hash, signatures, version and expiry as for the top level (CVE-2026-6967).
 */
export function verifyRole(
  snapshot: TrustedSnapshot,
  vote: Vote,
  bytes: Uint8Array,
  now: Date,
  delegator = 'delegator',
): Envelope<Targets> {
  return verifyTargets(snapshot, vote.role, vote.keys, delegator, bytes, now)
}

/** What the snapshot says of a role. Throws ROLE_UNAVAILABLE when it says nothing: the file is then not even asked for. */
export function metaOf(snapshot: TrustedSnapshot, role: RoleName): MetaFile {
  const meta = snapshot.envelope.signed.meta.get(role)
  if (!meta)
    throw new TufError(
      'ROLE_UNAVAILABLE',
      `${role} is delegated to, but the snapshot does not list it: it has not been published`,
      { role },
    )
  return meta
}

function verifyTargets(
  snapshot: TrustedSnapshot,
  role: RoleName,
  keys: RoleKeys,
  by: string,
  bytes: Uint8Array,
  now: Date,
): Envelope<Targets> {
  const meta = metaOf(snapshot, role)
  requireBytes(role, bytes, meta)
  const envelope = parse('targets', bytes, { role })
  requireThreshold(keys, envelope, role, by)
  requireVersion(role, envelope.signed.version, meta.version, 'snapshot')
  requireFresh(role, envelope.signed, now)
  return envelope
}

/** Mix-and-match: the file must be the one that its parent names (spec 5.5.2, 5.6.2). Unknown algorithms alone prove nothing. */
function requireBytes(role: RoleName, bytes: Uint8Array, meta: MetaFile): void {
  if (meta.length !== undefined && bytes.length > meta.length)
    throw new TufError(
      'LENGTH_MISMATCH',
      `${role} has ${bytes.length} bytes; ${meta.length} were announced`,
      { role },
    )
  if (meta.hashes) requireHashes(role, bytes, meta.hashes)
}

/** Every hash of a known algorithm must fit, and at least one must be known. Throws HASH_MISMATCH. */
export function requireHashes(what: string, bytes: Uint8Array, hashes: ReadonlyMap<string, string>): void {
  let known = 0
  for (const algorithm of ['sha256', 'sha512']) {
    const expected = hashes.get(algorithm)
    if (expected === undefined) continue
    known++
    const actual = createHash(algorithm).update(bytes).digest('hex')
    if (actual !== expected)
      throw new TufError(
        'HASH_MISMATCH',
        `${what} has the ${algorithm} ${actual.slice(0, 12)}…; ${expected.slice(0, 12)}… was announced`,
        { role: what },
      )
  }
  if (known === 0)
    throw new TufError(
      'HASH_MISMATCH',
      `${what} is announced only by hashes that this client does not know`,
      { role: what },
    )
}

export function requireFresh(role: RoleName, signed: { readonly expires: Date }, now: Date): void {
  if (signed.expires.getTime() > now.getTime()) return
  const days = (now.getTime() - signed.expires.getTime()) / 86_400_000
  const ago = days >= 1 ? `${Math.floor(days)} days` : `${Math.ceil(days * 86_400)} seconds`
  throw new TufError(
    'EXPIRED',
    `${role} expired ${ago} ago, on ${signed.expires.toISOString().slice(0, 19)}Z`,
    { role },
  )
}

function requireNotBelow(role: RoleName, version: number, floor: number): void {
  if (version < floor)
    throw new TufError('ROLLBACK', `${role} went back from version ${floor} to ${version}`, { role })
}

function requireVersion(role: RoleName, version: number, wanted: number, by: string): void {
  if (version !== wanted)
    throw new TufError('VERSION_MISMATCH', `${role} has the version ${version}; the ${by} names ${wanted}`, {
      role,
    })
}

/** Sha256 of bytes, as lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
