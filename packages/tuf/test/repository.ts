import {
  jsonObject,
  metaFileOf,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  pinRoot,
  requireFreshRoot,
  roleKeys,
  sha256Hex,
  sign,
  trustSnapshot,
  trustTargets,
  trustTimestamp,
  withDelegation,
  withTarget,
  type Delegation,
  type JsonObject,
  type MetaFile,
  type Signer,
  type Target,
  type TrustedTargets,
  type Vote,
} from '../src/index.js'
import { signer } from './keyring.js'

export const NOW = new Date('2026-01-01T00:00:00Z')
export const LATER = new Date('2027-01-01T00:00:00Z')

/** A target whose content is the text of `says`. */
export function target(
  path: string,
  says: string,
  mediaType = 'application/vnd.oci.image.index.v1+json',
): Target {
  const bytes = Buffer.from(says)
  return {
    path,
    length: bytes.length,
    hashes: new Map([['sha256', sha256Hex(bytes)]]),
    custom: jsonObject([['mediaType', mediaType]]),
  }
}

export function plain(
  role: string,
  signers: readonly Signer[],
  paths: readonly string[],
  more: Partial<Delegation> = {},
): Delegation {
  return {
    name: role,
    paths: { kind: 'paths', patterns: paths },
    terminating: false,
    votes: [vote(role, signers)],
    minAgreement: 1,
    multi: false,
    ...more,
  }
}

export function group(
  name: string,
  votes: readonly Vote[],
  minAgreement: number,
  paths: readonly string[],
  terminating = false,
): Delegation {
  return { name, paths: { kind: 'paths', patterns: paths }, terminating, votes, minAgreement, multi: true }
}

export function vote(role: string, signers: readonly Signer[], threshold = signers.length): Vote {
  return { role, keys: roleKeys(signers.map((s) => s.key), threshold) } // prettier-ignore
}

export interface RoleSpec {
  readonly version?: number
  readonly expires?: Date
  readonly targets?: readonly Target[]
  readonly delegations?: readonly Delegation[]
  readonly signers: readonly Signer[]
}

export function roleTree(spec: RoleSpec): JsonObject {
  let tree = newTargets({ version: spec.version ?? 1, expires: spec.expires ?? LATER })
  for (const one of spec.targets ?? []) tree = withTarget(tree, one)
  for (const delegation of spec.delegations ?? []) tree = withDelegation(tree, delegation)
  return tree
}

export const ONLINE = {
  root: signer('root'),
  timestamp: signer('timestamp'),
  snapshot: signer('snapshot'),
  targets: signer('targets'),
}

export function rootTree(version = 1, more: Partial<typeof ONLINE> = {}, expires = LATER): JsonObject {
  const holders = { ...ONLINE, ...more }
  const one = (s: Signer) => ({ keys: [s.key], threshold: 1 })
  return newRoot({
    version,
    expires,
    roles: {
      root: one(holders.root),
      timestamp: one(holders.timestamp),
      snapshot: one(holders.snapshot),
      targets: one(holders.targets),
    },
  })
}

/** A published repository in memory: role files as bytes, and the trusted top that a client would reach. */
export interface Published {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly trusted: TrustedTargets
}

export async function publish(roles: Readonly<Record<string, RoleSpec>>, now = NOW): Promise<Published> {
  const files = new Map<string, Uint8Array>()
  const meta = new Map<string, MetaFile>()
  for (const [role, spec] of Object.entries(roles)) {
    const bytes = await sign(roleTree(spec), spec.signers)
    files.set(role, bytes)
    meta.set(role, metaFileOf(bytes, spec.version ?? 1))
  }
  const snapshot = await sign(newSnapshot({ version: 1, expires: LATER, meta }), [ONLINE.snapshot])
  const timestamp = await sign(
    newTimestamp({ version: 1, expires: LATER, snapshot: metaFileOf(snapshot, 1) }),
    [ONLINE.timestamp],
  )
  const current = requireFreshRoot(pinRoot(await sign(rootTree(), [ONLINE.root])), now)
  const trustedSnapshot = trustSnapshot(trustTimestamp(current, timestamp, now), snapshot, now)
  return { files, trusted: trustTargets(trustedSnapshot, files.get('targets') ?? new Uint8Array(), now) }
}
