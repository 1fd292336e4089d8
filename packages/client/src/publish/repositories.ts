import { readdir } from 'node:fs/promises'
import type { RoleName } from '@nv2/tuf'
import { hasCode } from '../durable.js'
import { ClientError } from '../errors.js'
import { isLocalName, repoFolder, UNBOUND, type Home } from '../home.js'
import { Drafts, type Draft } from './drafts.js'
import type { Keyring } from './keyring.js'
import type { Publications, Published } from './published.js'
import { RepoView } from './repo-view.js'

/** Every TUF repository under NV2_HOME, and which of them a command means. */
export class Repositories {
  readonly home: Home
  readonly unbound: Drafts
  /** What a user should know although the command goes on, e.g. that a registry did not answer. */
  readonly notices: string[] = []
  private readonly publications: Publications
  private readonly keyring: Keyring

  constructor(home: Home, publications: Publications, keyring: Keyring) {
    this.home = home
    this.publications = publications
    this.keyring = keyring
    this.unbound = new Drafts(repoFolder(home, UNBOUND))
  }

  async names(): Promise<string[]> {
    try {
      return (await readdir(this.home.repos)).filter(isLocalName).sort()
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  }

  /** As last verified here. Throws REPO_UNKNOWN. */
  async view(repo: string): Promise<RepoView> {
    if (repo !== UNBOUND && !(await this.names()).includes(repo))
      throw new ClientError(
        'REPO_UNKNOWN',
        `there is no TUF repository ${repo} here: ${listed(await this.names())}`,
      )
    return this.open(repo)
  }

  async all(): Promise<RepoView[]> {
    const names = [...(await this.names()), UNBOUND]
    return Promise.all(names.map((name) => this.open(name)))
  }

  /** As it is now when the registry answers; as last verified when it does not. Every other failure is thrown. */
  async refresh(view: RepoView): Promise<RepoView> {
    if (view.repo === UNBOUND) return view
    try {
      const source = await this.publications.refreshed(view.repo)
      return await this.build(view.repo, source)
    } catch (error) {
      if (!(error instanceof ClientError && ['UNREACHABLE', 'NO_ROOT'].includes(error.code))) throw error
      if (error.code === 'UNREACHABLE')
        this.notices.push(`${error.message}; going on with what was last verified of ${view.repo}`)
      return view
    }
  }

  /** As it is now. Throws UNREACHABLE and whatever else stands in the way. */
  async current(repo: string, registry?: string): Promise<RepoView> {
    return this.build(repo, await this.publications.refreshed(repo, registry))
  }

  /**
   * The repository whose role is meant (cli.md, "Which repository / role"): `--repo`; else the only one that holds the
   * role; of several the only one for which a private key of the role is here; none: the drafts without a repository.
   */
  async holding(role: RoleName, repo?: string): Promise<RepoView> {
    if (repo !== undefined) return this.refresh(await this.view(repo))
    let chosen = await this.candidates(role, await this.all())
    // The edge may have been published since: ask, but only when nothing is known here.
    if (chosen.length === 0) chosen = await this.candidates(role, await this.allRefreshed())
    const [only] = chosen
    if (only && chosen.length === 1) return this.refresh(only)
    if (chosen.length > 1) throw ambiguous(role, chosen)
    if (role === 'targets')
      throw new ClientError(
        'REPO_UNKNOWN',
        'there is no TUF repository here: make one with `nv2 repo init NAME`',
      )
    return this.open(UNBOUND)
  }

  async allRefreshed(): Promise<RepoView[]> {
    return Promise.all((await this.all()).map((view) => this.refresh(view)))
  }

  private async candidates(role: RoleName, views: readonly RepoView[]): Promise<RepoView[]> {
    const holders: RepoView[] = []
    for (const view of views) if (await view.holds(role)) holders.push(view)
    // A repository shows unbound drafts too when its edges lead there; then it is the one that is meant.
    const bound = holders.filter((view) => view.repo !== UNBOUND)
    const found = bound.length > 0 ? bound : holders
    if (found.length <= 1) return found
    const ours: RepoView[] = []
    for (const view of found) {
      const keys = await view.keysOf(role)
      if (keys && (await this.keyring.privateOf(keys)).length > 0) ours.push(view)
    }
    return ours.length === 0 ? found : ours
  }

  private async open(repo: string): Promise<RepoView> {
    return this.build(repo, repo === UNBOUND ? null : await this.publications.lastVerified(repo))
  }

  private async build(repo: string, source: Published | null): Promise<RepoView> {
    const drafts = new Drafts(repoFolder(this.home, repo))
    const view = await RepoView.open(repo, drafts, source)
    return repo === UNBOUND ? view : RepoView.open(repo, drafts, source, await this.leadingTo(view))
  }

  /** The unbound drafts that an edge of this repository leads to, directly or over another of them. */
  private async leadingTo(view: RepoView): Promise<Draft[]> {
    const waiting = await this.unbound.all()
    const reached: Draft[] = []
    for (let before = -1; before < reached.length;) {
      before = reached.length
      for (const draft of waiting) {
        if (reached.includes(draft)) continue
        const above = reached.some((one) =>
          one.envelope.signed.delegations.some((d) => d.votes.some((vote) => vote.role === draft.role)),
        )
        if (above || (await view.edgesTo(draft.role)).length > 0) reached.push(draft)
      }
    }
    return reached
  }
}

export function ambiguous(what: string, views: readonly RepoView[]): ClientError {
  const repos = views.map((view) => view.repo)
  return new ClientError(
    'REPO_AMBIGUOUS',
    `several TUF repositories here hold ${what}: say --repo ${repos.join(' or --repo ')}`,
    {
      detail: { candidates: repos },
    },
  )
}

function listed(names: readonly string[]): string {
  return names.length === 0
    ? 'there is none; make one with `nv2 repo init NAME` or `nv2 registry add`'
    : names.join(', ')
}
