import type { RoleKeys, RoleName, Root, TrustedRoot } from '@nv2/tuf'

/** The newest timestamp or snapshot that was trusted; `signedBy` are fingerprints of the public keys that counted. */
export interface Held {
  readonly version: number
  readonly sha256: string
  readonly signedBy: readonly string[]
}

/** What one TUF repository may never fall below again (protocol C2). A value; floor-files.ts keeps it. */
export interface Floors {
  /** The root under which all this was trusted. */
  readonly root: number
  readonly timestamp?: Held
  readonly snapshot?: Held
  readonly roles: ReadonlyMap<RoleName, number>
  /** The clock at the last full success (protocol C4), milliseconds; 0 is never. */
  readonly lastSuccess: number
  /** How often the user reset the clock memory: the higher count's `lastSuccess` holds, even when it is earlier. */
  readonly clockResets: number
}

export const NO_FLOORS: Floors = { root: 0, roles: new Map(), lastSuccess: 0, clockResets: 0 }

/**
 * Fast-forward recovery (spec 5.3.11, protocol C1): whoever stole the timestamp or snapshot key may have signed version
 * 2^53-1. A floor is dropped only if a step of the root chain removed one of *that* role's public keys, or the held file
 * no longer meets the newest root's threshold. Keys are compared by their own numbers: a new key id or a spare key drops
 * nothing, else adding a key would open a rollback.
 */
export function recover(floors: Floors, chain: readonly TrustedRoot[]): Floors {
  const steps = chain.filter((step) => step.root.version >= floors.root).map((step) => step.root)
  const newest = steps.at(-1)
  if (!newest) return floors
  const { timestamp, snapshot, roles, ...rest } = floors
  const holds = (role: 'timestamp' | 'snapshot', held: Held | undefined): held is Held =>
    held !== undefined && !removed(role, steps) && stillMeets(newest.roles[role], held)
  const keepSnapshot = holds('snapshot', snapshot)
  return {
    ...rest,
    root: newest.version,
    ...(holds('timestamp', timestamp) ? { timestamp } : {}),
    ...(keepSnapshot ? { snapshot } : {}),
    // Role versions were read from the snapshot: a stolen snapshot key may have pushed them up as well.
    roles: keepSnapshot ? roles : new Map(),
  }
}

/** The higher of both in everything, under the newer root. On a tie `a` stays: keep what you have (protocol C2). */
export function highest(a: Floors, b: Floors, chain: readonly TrustedRoot[]): Floors {
  const x = recover(a, chain)
  const y = recover(b, chain)
  const timestamp = higher(x.timestamp, y.timestamp)
  const snapshot = higher(x.snapshot, y.snapshot)
  const roles = new Map(x.roles)
  for (const [role, version] of y.roles) roles.set(role, Math.max(version, roles.get(role) ?? 0))
  return {
    root: Math.max(x.root, y.root),
    ...(timestamp ? { timestamp } : {}),
    ...(snapshot ? { snapshot } : {}),
    roles,
    lastSuccess:
      x.clockResets === y.clockResets
        ? Math.max(x.lastSuccess, y.lastSuccess)
        : (x.clockResets > y.clockResets ? x : y).lastSuccess,
    clockResets: Math.max(x.clockResets, y.clockResets),
  }
}

function higher(a: Held | undefined, b: Held | undefined): Held | undefined {
  if (!a || !b) return a ?? b
  return b.version > a.version ? b : a
}

function removed(role: 'timestamp' | 'snapshot', steps: readonly Root[]): boolean {
  return steps.some((step, i) => {
    const next = steps[i + 1]
    if (!next) return false
    const kept = fingerprints(next.roles[role])
    return [...fingerprints(step.roles[role])].some((key) => !kept.has(key))
  })
}

function stillMeets(keys: RoleKeys, held: Held): boolean {
  const known = fingerprints(keys)
  return new Set(held.signedBy.filter((key) => known.has(key))).size >= keys.threshold
}

/** The role's usable public keys; a key id without a key, or a key that cannot sign, is none. */
function fingerprints(keys: RoleKeys): Set<string> {
  return new Set(keys.keyids.flatMap((keyid) => keys.keys.get(keyid)?.fingerprint ?? []))
}
