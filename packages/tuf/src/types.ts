import type { JsonObject } from './json.js'
import type { PublicKey } from './keys.js'

/** A role's name is data: any string, never a path (spec 4.5, protocol D1). */
export type RoleName = string

export const TOP_LEVEL = ['root', 'timestamp', 'snapshot', 'targets'] as const
export type TopLevelRole = (typeof TOP_LEVEL)[number]

/** Who may sign for a role, and how many of them must (spec 4.3). Key ids without a key in `keys` count for nothing. */
export interface RoleKeys {
  readonly keyids: readonly string[]
  readonly threshold: number
  readonly keys: ReadonlyMap<string, PublicKey>
}

/** What a snapshot or timestamp says of another file (spec 4.4). `length` in bytes, `hashes` as lower-case hex. */
export interface MetaFile {
  readonly version: number
  readonly length?: number
  readonly hashes?: ReadonlyMap<string, string>
}

export interface Root {
  readonly type: 'root'
  readonly version: number
  readonly expires: Date
  readonly consistentSnapshot: boolean
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>
}

export interface Timestamp {
  readonly type: 'timestamp'
  readonly version: number
  readonly expires: Date
  readonly snapshot: MetaFile
}

export interface Snapshot {
  readonly type: 'snapshot'
  readonly version: number
  readonly expires: Date
  /** By role name, without `.json`. */
  readonly meta: ReadonlyMap<RoleName, MetaFile>
}

/** One target: for nv2 an OCI manifest. `length` is the manifest's size in bytes. */
export interface Target {
  readonly path: string
  readonly length: number
  readonly hashes: ReadonlyMap<string, string>
  readonly custom: JsonObject | undefined
}

/** Which target paths a delegation is for: glob patterns, or prefixes of sha256(path) (spec 4.5). */
export type PathSet =
  | { readonly kind: 'paths'; readonly patterns: readonly string[] }
  | { readonly kind: 'prefixes'; readonly prefixes: readonly string[] }

/** One entry of a delegation: this role, verified with these keys. */
export interface Vote {
  readonly role: RoleName
  readonly keys: RoleKeys
}

/**
 * One step down the tree. A plain delegation has one vote and needs one; a TAP 3 multi-role delegation has
 * `multi` set, several votes, and needs `minAgreement` of them to say the same.
 */
export interface Delegation {
  readonly name: string
  readonly paths: PathSet
  readonly terminating: boolean
  readonly votes: readonly Vote[]
  readonly minAgreement: number
  readonly multi: boolean
}

/** TAP 15: one entry that stands for 2^bitLength roles, each owning a share of sha256(path). */
export interface SuccinctRoles {
  readonly namePrefix: string
  readonly bitLength: number
  readonly keys: RoleKeys
}

export interface Targets {
  readonly type: 'targets'
  readonly version: number
  readonly expires: Date
  readonly targets: ReadonlyMap<string, Target>
  readonly delegations: readonly Delegation[]
  readonly succinct?: SuccinctRoles
}

export interface SignedTypes {
  readonly root: Root
  readonly timestamp: Timestamp
  readonly snapshot: Snapshot
  readonly targets: Targets
}
export type Signed = SignedTypes[TopLevelRole]

export interface Signature {
  readonly keyid: string
  /** Lower-case hex as received; may be empty, then it counts for nothing. */
  readonly sig: string
}

/** A metadata file: its bytes as received, and what they say. */
export interface Envelope<T extends Signed = Signed> {
  /** What is stored, hashed and sent on. */
  readonly bytes: Uint8Array
  /** Canonical form of the received `signed` tree: what is signed. */
  readonly payload: Uint8Array
  readonly signed: T
  /** The received `signed` object with its unknown members: what an editor starts from. */
  readonly tree: JsonObject
  readonly signatures: readonly Signature[]
}
