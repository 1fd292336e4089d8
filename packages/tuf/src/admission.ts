import { checkDelegation, checkRoleName, namesAbove } from './delegation-rules.js'
import { edgesTo } from './edges.js'
import { TufError } from './errors.js'
import { matchPaths } from './glob.js'
import { parse } from './parse.js'
import { requireFresh } from './trusted.js'
import {
  TOP_LEVEL,
  type Envelope,
  type RoleKeys,
  type RoleName,
  type Root,
  type Targets,
  type Vote,
} from './types.js'
import { countSignatures, requireThreshold } from './verify.js'

/** A repository as published, or as it would be with what is staged: what a change set is judged against. */
export interface RepositoryView {
  readonly root: Root
  /** Top-level targets under `targets`, and every delegated role. */
  readonly roles: ReadonlyMap<RoleName, Envelope<Targets>>
  /** Which delegator's edge a role's name belongs to: the one that first published it (protocol P6). */
  readonly owners: ReadonlyMap<RoleName, RoleName>
}

export interface AdmitOptions {
  /** The set states that it takes keys or roles away; then it may leave published roles unverifiable, and they are listed. */
  readonly revocation?: boolean
  /** Roles whose file comes unchanged from another repository (protocol D5). */
  readonly imported?: ReadonlySet<RoleName>
}

/** The edge that decides over a role, with what is needed to ask who may upload it. */
export interface OwningEdge {
  readonly delegator: RoleName
  readonly keys: RoleKeys
  /** The other votes of the same TAP 3 group. */
  readonly peers: readonly Vote[]
}

export interface Admission {
  /** The view with this set laid over it. */
  readonly view: RepositoryView
  readonly envelopes: ReadonlyMap<RoleName, Envelope<Targets>>
  readonly edges: ReadonlyMap<RoleName, OwningEdge>
  /** Published roles that a stated revocation leaves unverifiable: to be signed again. */
  readonly resign: readonly RoleName[]
  readonly warnings: readonly string[]
}

/**
 * Judges a change set of targets roles, whole or not at all (protocol P2): top-down against the view overlaid with the set,
 * delegators first. The one home of what ACCEPT, PUBLISH and the uploader's own check demand. Throws TufError with the
 * first rule that failed.
 */
export function admit(
  view: RepositoryView,
  changes: ReadonlyMap<RoleName, Uint8Array>,
  now: Date,
  options: AdmitOptions = {},
): Admission {
  const envelopes = parseChanges(view, changes)
  const roles = new Map([...view.roles, ...envelopes])
  const warnings: string[] = []
  const edges = new Map<RoleName, OwningEdge>()
  const owners = new Map(view.owners)
  for (const role of topDown(view.root, roles, changes)) {
    const envelope = envelopes.get(role)
    if (!envelope) continue
    const edge = owningEdge(view.root, roles, owners, role)
    requireThreshold(edge.keys, envelope, role, edge.delegator)
    requireFresh(role, envelope.signed, now)
    edges.set(role, edge)
    owners.set(role, edge.delegator)
    checkDelegator(role, envelope.signed, roles, options)
    warnings.push(...checkPaths(role, envelope.signed, roles, edge.delegator, options))
  }
  const unreached = [...changes.keys()].find((role) => !edges.has(role))
  if (unreached !== undefined) throw notDelegated(unreached)
  const resign = brokenChildren(view, roles, envelopes, options)
  warnings.push(...failingEdges(roles, owners, envelopes))
  return { view: { root: view.root, roles, owners }, envelopes, edges, resign, warnings }
}

function parseChanges(
  view: RepositoryView,
  changes: ReadonlyMap<RoleName, Uint8Array>,
): Map<RoleName, Envelope<Targets>> {
  const envelopes = new Map<RoleName, Envelope<Targets>>()
  for (const [role, bytes] of changes) {
    if (role !== 'targets' && (TOP_LEVEL as readonly string[]).includes(role.toLowerCase()))
      throw new TufError('BAD_ROLE_NAME', `${role} is not a targets role; it cannot come in a change set`, {
        role,
      })
    const envelope = parse('targets', bytes, { role })
    const held = view.roles.get(role)
    if (held && envelope.signed.version <= held.signed.version)
      throw new TufError(
        'ROLLBACK',
        `${role} is at version ${held.signed.version}; version ${envelope.signed.version} is not newer`,
        { role },
      )
    envelopes.set(role, envelope)
  }
  return envelopes
}

/** The changed roles, each after every changed delegator that leads to it. */
function topDown(
  root: Root,
  roles: ReadonlyMap<RoleName, Envelope<Targets>>,
  changes: ReadonlyMap<RoleName, unknown>,
): RoleName[] {
  const seen = new Set<RoleName>(['targets'])
  const order: RoleName[] = root.roles.targets.keyids.length > 0 ? ['targets'] : []
  for (const role of order)
    for (const { votes } of roles.get(role)?.signed.delegations ?? [])
      for (const vote of votes)
        if (!seen.has(vote.role)) {
          seen.add(vote.role)
          order.push(vote.role)
        }
  return order.filter((role) => changes.has(role))
}

function owningEdge(
  root: Root,
  roles: ReadonlyMap<RoleName, Envelope<Targets>>,
  owners: ReadonlyMap<RoleName, RoleName>,
  role: RoleName,
): OwningEdge {
  if (role === 'targets') return { delegator: 'root', keys: root.roles.targets, peers: [] }
  const owner = owners.get(role)
  const likely = owner === undefined ? namesAbove(role) : [owner, ...namesAbove(role)]
  // An imported role may delegate to names that are not under its own; only then all are looked at.
  for (const delegator of chain(likely, roles.keys())) {
    const holder = roles.get(delegator)
    const [edge] = holder ? edgesTo(holder.signed, role) : []
    if (edge)
      return {
        delegator,
        keys: edge.vote.keys,
        peers: edge.delegation.votes.filter((vote) => vote.role !== role),
      }
  }
  throw notDelegated(role)
}

function notDelegated(role: RoleName): TufError {
  return new TufError(
    'ROLE_NOT_DELEGATED',
    `no role of this repository delegates to ${role}: its delegator must be uploaded first, or in the same set`,
    { role },
  )
}

/** What a delegator of ours may say. An imported file is not ours to judge, but it must not lead where we have nothing (D5). */
function checkDelegator(
  role: RoleName,
  signed: Targets,
  roles: ReadonlyMap<RoleName, unknown>,
  options: AdmitOptions,
): void {
  for (const delegation of signed.delegations)
    for (const vote of delegation.votes) {
      if (!options.imported?.has(role)) checkRoleName(role, vote.role)
      else if (!roles.has(vote.role))
        throw new TufError(
          'BREAKS_DELEGATION',
          `${role} comes from another repository and delegates on to ${vote.role}, which is not here: bring that role too`,
          { role },
        )
    }
  if (!options.imported?.has(role)) signed.delegations.forEach(checkDelegation)
}

/** A target outside the edge can never be found over it: an error in an own file, a warning in an imported one (D5). */
function checkPaths(
  role: RoleName,
  signed: Targets,
  roles: ReadonlyMap<RoleName, Envelope<Targets>>,
  delegator: RoleName,
  options: AdmitOptions,
): string[] {
  const holder = roles.get(delegator)
  if (!holder) return []
  const edges = edgesTo(holder.signed, role)
  const foreign = [...signed.targets.keys()].filter(
    (path) => !edges.some((edge) => matchPaths(edge.delegation.paths, path)),
  )
  const [first] = foreign
  if (first === undefined || holder.signed.succinct) return []
  const text = `${role} lists ${first}${foreign.length > 1 ? ` and ${foreign.length - 1} more` : ''}, which ${delegator} has not delegated to it`
  if (options.imported?.has(role)) return [`${text}: no client will find it here`]
  throw new TufError('PATH_NOT_DELEGATED', text, { role })
}

/**
 * Published children that a changed delegator no longer verifies (protocol P2). They break the edit, never the reverse,
 * unless the edit states that it revokes: then they are listed, to be signed again.
 */
function brokenChildren(
  view: RepositoryView,
  roles: ReadonlyMap<RoleName, Envelope<Targets>>,
  changed: ReadonlyMap<RoleName, Envelope<Targets>>,
  options: AdmitOptions,
): RoleName[] {
  const resign = new Set<RoleName>()
  for (const [delegator, { signed }] of changed) {
    const children = new Set([...childrenOf(signed), ...childrenOf(view.roles.get(delegator)?.signed)])
    for (const role of children) {
      const child = roles.get(role)
      if (!child) continue
      const edges = edgesTo(signed, role)
      const lost = edges.length === 0 && view.owners.get(role) === delegator
      if (!lost && edges.every((edge) => countSignatures(edge.vote.keys, child).ok)) continue
      if (changed.has(role))
        throw new TufError(
          'SIGNATURE_THRESHOLD',
          `${role} does not meet the signatures that ${delegator} demands`,
          { role },
        )
      if (!options.revocation)
        throw new TufError(
          'BREAKS_DELEGATION',
          `this edit of ${delegator} leaves the published ${role} version ${child.signed.version} without enough valid signatures; ` +
            `send ${role} signed again in the same set, or state that it is a revocation`,
          { role: delegator, missing: [role] },
        )
      resign.add(role)
    }
  }
  return [...resign]
}

/** Edges to a changed role from delegators that do not own its name are reported, not obeyed (protocol P6). */
function failingEdges(
  roles: ReadonlyMap<RoleName, Envelope<Targets>>,
  owners: ReadonlyMap<RoleName, RoleName>,
  changed: ReadonlyMap<RoleName, Envelope<Targets>>,
): string[] {
  const warnings: string[] = []
  for (const [role, envelope] of changed)
    for (const delegator of namesAbove(role)) {
      const holder = roles.get(delegator)
      if (!holder || delegator === owners.get(role) || changed.has(delegator)) continue
      if (edgesTo(holder.signed, role).some((edge) => !countSignatures(edge.vote.keys, envelope).ok))
        warnings.push(`${role} does not verify over the edge from ${delegator}, which does not own the name`)
    }
  return warnings
}

function childrenOf(signed: Targets | undefined): RoleName[] {
  return signed?.delegations.flatMap((delegation) => delegation.votes.map((vote) => vote.role)) ?? []
}

function* chain<T>(...lists: readonly Iterable<T>[]): Generator<T> {
  for (const list of lists) yield* list
}
