import { delegationsFor, edgesTo, namesAbove } from '@nv2/tuf'
import type { Delegation, Envelope, RoleKeys, RoleName, Root, Targets, Vote } from '@nv2/tuf'
import type { Drafts } from './drafts.js'
import { type Draft, type VersionRef } from './drafts.js'
import type { Published } from './published.js'

/** A way into a role: who delegates, and as whom. Root's edge to targets has no delegation: it is for every path. */
export interface KnownEdge {
  readonly delegator: RoleName
  readonly delegation: Delegation | null
  readonly vote: Vote
}

/** The newest that is known of a role: a draft, else what was published. */
export interface KnownRole {
  readonly role: RoleName
  readonly envelope: Envelope<Targets>
  readonly draft: Draft | null
}

/** One TUF repository as its publisher sees it: the last verified publication with the drafts laid over it. */
export class RepoView {
  readonly repo: string
  readonly root: Root | null
  /** Where new drafts go. */
  readonly drafts: Drafts
  /** Drafts that a newer publication has passed. */
  readonly overtaken: readonly Draft[]
  private readonly newestDrafts: ReadonlyMap<RoleName, Draft>
  private readonly source: Published | null

  private constructor(
    repo: string,
    drafts: Drafts,
    source: Published | null,
    newest: ReadonlyMap<RoleName, Draft>,
    overtaken: readonly Draft[],
  ) {
    this.repo = repo
    this.root = source?.root ?? null
    this.drafts = drafts
    this.source = source
    this.newestDrafts = newest
    this.overtaken = overtaken
  }

  /** `also`: drafts that belong to no repository yet; they count where an edge of this one leads to them. */
  static async open(
    repo: string,
    drafts: Drafts,
    source: Published | null,
    also: readonly Draft[] = [],
  ): Promise<RepoView> {
    const newest = new Map<RoleName, Draft>()
    const overtaken: Draft[] = []
    for (const draft of [...also, ...(await drafts.all())]) {
      const published = source?.listed(draft.role)?.version ?? 0
      const held = newest.get(draft.role)
      if (published >= draft.version) overtaken.push(draft)
      else if (!held || held.version <= draft.version) newest.set(draft.role, draft)
    }
    return new RepoView(repo, drafts, source, newest, overtaken)
  }

  async published(role: RoleName): Promise<Envelope<Targets> | null> {
    return (await this.source?.role(role)) ?? null
  }

  draft(role: RoleName): Draft | null {
    return this.newestDrafts.get(role) ?? null
  }

  /** Drafts that are newer than what is published. */
  allDrafts(): Draft[] {
    return [...this.newestDrafts.values()]
  }

  async newest(role: RoleName): Promise<KnownRole | null> {
    const draft = this.draft(role)
    if (draft) return { role, envelope: draft.envelope, draft }
    const envelope = (await this.published(role)) ?? this.ownCopy(role)
    return envelope && { role, envelope, draft: null }
  }

  /** The file that was published last, whether or not it still verifies. */
  listed(role: RoleName): VersionRef | null {
    return this.source?.listed(role) ?? null
  }

  /**
   * What this user wrote himself of a role whose published file no longer verifies: after a revocation he goes on from his
   * own words, never from those that the revoked key may have signed since.
   */
  private ownCopy(role: RoleName): Envelope<Targets> | null {
    if (!this.listed(role)) return null
    return this.overtaken.find((draft) => draft.role === role)?.envelope ?? null
  }

  /** Every known edge to a role. Looked for where one may be (protocol P6), and in every draft. */
  async edgesTo(role: RoleName): Promise<KnownEdge[]> {
    if (role === 'targets') {
      return this.root
        ? [{ delegator: 'root', delegation: null, vote: { role, keys: this.root.roles.targets } }]
        : []
    }
    const edges: KnownEdge[] = []
    for (const delegator of new Set([...namesAbove(role), ...this.newestDrafts.keys()])) {
      const known = await this.newest(delegator)
      for (const edge of known ? edgesTo(known.envelope.signed, role) : []) edges.push({ delegator, ...edge })
    }
    return edges
  }

  /** The keys that a role's file must be signed with here, from its first edge; null while nobody delegates to it. */
  async keysOf(role: RoleName): Promise<RoleKeys | null> {
    return (await this.edgesTo(role))[0]?.vote.keys ?? null
  }

  /**
   * The edges whose paths match, from the top level down, delegators first; drafts that nothing leads to yet count as
   * tops of their own, so a publisher can work before the registry delegates to him.
   */
  async edgesFor(path: string): Promise<KnownEdge[]> {
    const edges = await this.edgesTo('targets')
    const seen = new Set<RoleName>()
    const queue: RoleName[] = ['targets']
    const orphans = [...this.newestDrafts.keys()].sort()
    for (
      let next = queue.shift() ?? orphans.shift();
      next !== undefined;
      next = queue.shift() ?? orphans.shift()
    ) {
      if (seen.has(next)) continue
      seen.add(next)
      const known = await this.newest(next)
      for (const delegation of known ? delegationsFor(known.envelope.signed, path) : [])
        for (const vote of delegation.votes) {
          edges.push({ delegator: next, delegation, vote })
          queue.push(vote.role)
        }
    }
    return edges
  }

  /** Every edge that is known without looking for a path: of root, of top-level targets, of the drafts. */
  async allEdges(): Promise<KnownEdge[]> {
    const edges: KnownEdge[] = []
    for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
      const keys = this.root?.roles[role]
      if (keys) edges.push({ delegator: 'root', delegation: null, vote: { role, keys } })
    }
    for (const delegator of new Set(['targets', ...this.newestDrafts.keys()])) {
      const known = await this.newest(delegator)
      for (const delegation of known?.envelope.signed.delegations ?? [])
        for (const vote of delegation.votes) edges.push({ delegator, delegation, vote })
    }
    return edges
  }

  async holds(role: RoleName): Promise<boolean> {
    return (await this.newest(role)) !== null || (await this.edgesTo(role)).length > 0
  }
}
