import { isObject } from './canonical.js'
import { delegationsFor } from './edges.js'
import { TufError } from './errors.js'
import type { Json } from './json.js'
import { metaOf, verifyRole, type TrustedTargets } from './trusted.js'
import type { Delegation, Envelope, MetaFile, RoleName, Target, Targets, Vote } from './types.js'
import { countSignatures } from './verify.js'

/** What the search needs next. The caller answers with the file's bytes, or null when it cannot be had. */
export interface RoleRequest {
  readonly role: RoleName
  readonly meta: MetaFile
}

/** A role that took part in the decision, and the edge over which it was verified. */
export interface ProvenRole {
  readonly role: RoleName
  readonly delegator: RoleName
  readonly vote: Vote
  readonly envelope: Envelope<Targets>
  /** Fingerprints of the public keys whose signatures were counted. */
  readonly signedBy: readonly string[]
}

export interface Found {
  readonly target: Target
  /** The roles that decided, top-level targets first. */
  readonly proof: readonly ProvenRole[]
  /** What was looked at, in order, in words. */
  readonly trail: readonly string[]
}

/** Roles looked at in one search; a tree of 2^k paths must not cost 2^k (protocol D4). */
export const SEARCH_BUDGET = 256

/**
 * Finds who speaks for a target path: pre-order, depth first (spec 5.6.7), with TAP 3 groups (protocol D1-D4). A generator,
 * so that the rules hold no I/O: it yields the role files it wants, each once. Throws TufError: TARGET_NOT_FOUND,
 * NO_CONSENSUS, ROLE_UNAVAILABLE, SEARCH_BUDGET, or what was wrong with a role on the way: a role that cannot be had or
 * verified ends the search, else whoever withholds one could choose the answer.
 */
export function* search(
  trusted: TrustedTargets,
  path: string,
  now: Date,
  budget: number = SEARCH_BUDGET,
): Generator<RoleRequest, Found, Uint8Array | null> {
  const walk = new Walk(trusted, path, now, budget)
  const top: ProvenRole = {
    role: 'targets',
    delegator: 'root',
    vote: { role: 'targets', keys: trusted.snapshot.timestamp.current.root.roles.targets },
    envelope: trusted.envelope,
    signedBy: [],
  }
  const outcome = yield* walk.explore(top, ['targets'])
  if (outcome.kind !== 'found')
    throw new TufError(
      'TARGET_NOT_FOUND',
      `no role that this root of trust leads to has signed ${path} (${walk.trail.join('; ')})`,
    )
  return { target: outcome.target, proof: [top, ...outcome.branch], trail: walk.trail }
}

type Outcome =
  | { readonly kind: 'found'; readonly target: Target; readonly branch: readonly ProvenRole[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'stop' }
type Step<T> = Generator<RoleRequest, T, Uint8Array | null>

const NONE: Outcome = { kind: 'none' }
const STOP: Outcome = { kind: 'stop' }

class Walk {
  readonly trail: string[] = []
  private readonly trusted: TrustedTargets
  private readonly path: string
  private readonly now: Date
  private readonly budget: number
  private visits = 0
  /** True once a cycle was cut below the role being explored: its outcome then depends on the way that led there. */
  private cut = false
  private readonly files = new Map<RoleName, Uint8Array>()
  private readonly verified = new Map<string, ProvenRole>()
  private readonly outcomes = new Map<string, Outcome>()

  constructor(trusted: TrustedTargets, path: string, now: Date, budget: number) {
    this.trusted = trusted
    this.path = path
    this.now = now
    this.budget = budget
  }

  *explore(at: ProvenRole, way: readonly RoleName[]): Step<Outcome> {
    if (++this.visits > this.budget)
      throw new TufError(
        'SEARCH_BUDGET',
        `the search for ${this.path} looked at ${this.budget} roles without an answer`,
      )
    const target = at.envelope.signed.targets.get(this.path)
    this.trail.push(`${at.role} v${at.envelope.signed.version} ${target ? 'lists it' : 'does not list it'}`)
    if (target) return { kind: 'found', target, branch: [] }
    for (const delegation of delegationsFor(at.envelope.signed, this.path)) {
      const outcome = delegation.multi
        ? yield* this.group(delegation, at, way)
        : yield* this.single(delegation, at, way)
      if (outcome.kind !== 'none') return outcome
      if (delegation.terminating) {
        this.trail.push(`${delegation.name} is terminating`)
        return STOP
      }
    }
    return NONE
  }

  private *single(delegation: Delegation, at: ProvenRole, way: readonly RoleName[]): Step<Outcome> {
    const [vote] = delegation.votes
    return vote === undefined ? NONE : yield* this.branch(vote, at, way)
  }

  /** One vote: the role, then the tree below it. */
  private *branch(vote: Vote, at: ProvenRole, way: readonly RoleName[]): Step<Outcome> {
    if (way.includes(vote.role)) {
      this.cut = true
      return NONE
    }
    const key = edgeKey(vote)
    const known = this.outcomes.get(key)
    if (known) return known
    const proven = yield* this.load(vote, at.role, key)
    const before = this.cut
    this.cut = false
    const below = yield* this.explore(proven, [...way, vote.role])
    const outcome: Outcome = below.kind === 'found' ? { ...below, branch: [proven, ...below.branch] } : below
    if (!this.cut) this.outcomes.set(key, outcome)
    this.cut ||= before
    return outcome
  }

  /**
   * TAP 3. All votes are looked at, for the earliest in the list wins and a withheld one would change the answer. A vote
   * joins those that say the same only if it shares no role and no counted key with them, else one person decides alone
   * (protocol D2). Some who agree, but too few: refused, never passed over (D3).
   */
  private *group(delegation: Delegation, at: ProvenRole, way: readonly RoleName[]): Step<Outcome> {
    const camps: Camp[] = []
    const silent: RoleName[] = []
    for (const vote of delegation.votes) {
      const outcome = yield* this.branch(vote, at, way)
      if (outcome.kind !== 'found') silent.push(vote.role)
      else join(camps, outcome.target, outcome.branch, vote.role)
    }
    const winner = camps.find((camp) => camp.voters.length >= delegation.minAgreement)
    if (winner) {
      this.trail.push(`${delegation.name}: ${winner.voters.join(' and ')} agree`)
      return { kind: 'found', target: winner.target, branch: winner.branch }
    }
    if (camps.length === 0) return NONE
    const said = camps.map((camp) => `${camp.voters.join(' and ')} signed ${hashOf(camp.target)}`).join(', ')
    const missing = silent.length > 0 ? `; missing: ${silent.join(', ')}` : ''
    throw new TufError(
      'NO_CONSENSUS',
      `${this.path} needs ${delegation.minAgreement} of ${delegation.votes.length} roles to agree: ${said}${missing}`,
      { role: delegation.name, missing: silent },
    )
  }

  private *load(vote: Vote, delegator: RoleName, key: string): Step<ProvenRole> {
    const held = this.verified.get(key)
    if (held) return held
    const meta = metaOf(this.trusted.snapshot, vote.role)
    let bytes = this.files.get(vote.role)
    if (!bytes) {
      const answer: Uint8Array | null = yield { role: vote.role, meta }
      if (!answer)
        throw new TufError(
          'ROLE_UNAVAILABLE',
          `${vote.role} version ${meta.version} is published but cannot be had`,
          { role: vote.role },
        )
      bytes = answer
      this.files.set(vote.role, bytes)
    }
    const envelope = verifyRole(this.trusted.snapshot, vote, bytes, this.now, delegator)
    const signedBy = countSignatures(vote.keys, envelope).signed.flatMap((signer) => signer.fingerprint ?? [])
    const proven: ProvenRole = { role: vote.role, delegator, vote, envelope, signedBy }
    this.verified.set(key, proven)
    return proven
  }
}

/** Votes that say the same of the target. `branch` holds every role that took part, and so every key. */
interface Camp {
  readonly target: Target
  readonly voters: RoleName[]
  readonly branch: ProvenRole[]
}

function join(camps: Camp[], target: Target, branch: readonly ProvenRole[], voter: RoleName): void {
  const camp = camps.find((one) => agree(one.target, target))
  if (!camp) {
    camps.push({ target, voters: [voter], branch: [...branch] })
    return
  }
  const roles = new Set(camp.branch.map((proven) => proven.role))
  const keys = new Set(camp.branch.flatMap((proven) => proven.signedBy))
  if (branch.some((proven) => roles.has(proven.role) || proven.signedBy.some((key) => keys.has(key)))) return
  camp.voters.push(voter)
  camp.branch.push(...branch)
}

/** Protocol D3: all hashes, the length and what kind of thing it is; other custom data is each role's own. */
export function agree(a: Target, b: Target): boolean {
  return (
    a.length === b.length &&
    a.hashes.size === b.hashes.size &&
    [...a.hashes].every(([algorithm, hex]) => b.hashes.get(algorithm) === hex) &&
    ['mediaType', 'artifactType'].every((name) => sameWord(a.custom?.get(name), b.custom?.get(name)))
  )
}

/** Anything but two equal strings, or two absences, is no agreement. */
function sameWord(a: Json | undefined, b: Json | undefined): boolean {
  return !isObject(a) && !Array.isArray(a) && a === b
}

function edgeKey(vote: Vote): string {
  const keys = vote.keys.keyids.map((keyid) => [keyid, vote.keys.keys.get(keyid)?.fingerprint ?? null])
  return JSON.stringify([vote.role, vote.keys.threshold, keys])
}

function hashOf(target: Target): string {
  const [first] = target.hashes
  return first ? `${first[0]}:${first[1].slice(0, 12)}…` : 'nothing'
}
