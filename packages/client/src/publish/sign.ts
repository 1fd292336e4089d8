import { createLayout, parseReference } from '@nv2/oci'
import { matchPaths, type PublicKey, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import { UNBOUND } from '../home.js'
import { findStored } from './add.js'
import { addSignature, signRole, type Edited } from './edit.js'
import { keyOf, type Keyring } from './keyring.js'
import type { KnownEdge, RepoView } from './repo-view.js'
import { listingOf, pathsOf, withListing } from './targets.js'
import type { Workbench } from './workbench.js'

export interface SignRequest {
  readonly name: string
  /** Name of the key. */
  readonly key: string
  /** When the key serves several roles. */
  readonly role?: RoleName
  readonly repo?: string
  /** A tag that moves leaves its old entries signed. */
  readonly keep?: boolean
}

export interface SignedArtifact extends Edited {
  readonly name: string
  readonly digest: string
  /** The target paths that this signing states. */
  readonly paths: readonly string[]
}

/** `sign NAME KEY`: lists the artifact in the role whose edge names the key and whose paths match the name. */
export async function signArtifact(bench: Workbench, request: SignRequest): Promise<SignedArtifact> {
  const { key } = await bench.keyring.get(request.key)
  const { name, descriptor } = await findStored(bench.home, request.name)
  const { repository, tag } = parseReference(name)
  const listing = await listingOf(await createLayout(bench.home.store), repository, tag ?? null, descriptor)
  const paths = pathsOf(listing)
  const { view, edge } = await findEdge(bench, request, key, name)
  requireAll(edge, paths, request.key)
  const signer = await bench.keyring.signer(request.key, keyOf(edge.vote.keys, key))
  const change = (tree: Parameters<typeof withListing>[0]) => withListing(tree, listing, request.keep)
  const edited = await signRole(view, edge.vote.role, change, signer, bench)
  return { ...edited, name, digest: descriptor.digest, paths }
}

/** `sign --role R KEY`: one signature more on the role's newest draft. */
export async function signDraft(
  bench: Workbench,
  request: { readonly role: RoleName; readonly key: string; readonly repo?: string },
): Promise<Edited> {
  const { key } = await bench.keyring.get(request.key)
  const view = await bench.repositories.holding(request.role, request.repo)
  const draft = view.draft(request.role)
  if (!draft)
    throw new ClientError(
      'NOTHING_TO_DO',
      `there is no draft of ${request.role} in ${view.repo}: everything that is known of it is published`,
    )
  const keys = await view.keysOf(request.role)
  const named = keys ? keyOf(keys, key) : key
  if (!named) {
    const labels = await labelsOf(bench.keyring, (await view.edgesTo(request.role))[0])
    throw new ClientError(
      'KEY_NOT_DELEGATED',
      `${request.key} is no key of ${request.role}; its keys are ${labels}`,
    )
  }
  return addSignature(view, draft, await bench.keyring.signer(request.key, named), bench)
}

interface Place {
  readonly view: RepoView
  readonly edge: KnownEdge
}

/** The one place where this key may speak for this path. Asks the registries only when nothing is known here. */
async function findEdge(
  bench: Workbench,
  request: SignRequest,
  key: PublicKey,
  path: string,
): Promise<Place> {
  const { repositories } = bench
  const views =
    request.repo === undefined ? await repositories.all() : [await repositories.view(request.repo)]
  const known = await placesIn(views, request, key, path)
  const [before] = known
  // Refreshed even when all is clear: somebody else may have signed in between.
  const fresh =
    known.length === 1 && before
      ? [await repositories.refresh(before.view)]
      : await Promise.all(views.map((view) => repositories.refresh(view)))
  const places = await placesIn(fresh, request, key, path)
  const [place] = places
  if (place && places.length === 1) return place
  if (!place) throw await notDelegated(fresh, request, key, path)
  const candidates = places.map(({ view, edge }) => ({ repo: view.repo, role: edge.vote.role }))
  const words = candidates.map(({ repo, role }) => `${role} in ${repo}`)
  throw new ClientError(
    'EDGE_AMBIGUOUS',
    `${request.key} may sign ${path} as ${words.join(' or as ')}: say which with --repo or --role`,
    { detail: { candidates } },
  )
}

async function placesIn(
  views: readonly RepoView[],
  request: SignRequest,
  key: PublicKey,
  path: string,
): Promise<Place[]> {
  const found: Place[] = []
  for (const view of views) {
    const roles = new Set<RoleName>()
    for (const edge of await view.edgesFor(path)) {
      const { role, keys } = edge.vote
      if (!keyOf(keys, key) || roles.has(role) || (request.role !== undefined && request.role !== role))
        continue
      roles.add(role)
      found.push({ view, edge })
    }
  }
  // What a repository's own edges lead to is no longer without a repository.
  const bound = found.filter(({ view }) => view.repo !== UNBOUND)
  return bound.length > 0 ? bound : found
}

/** A digest entry outside the delegation would be found by nobody. */
function requireAll({ delegation, vote }: KnownEdge, paths: readonly string[], key: string): void {
  const outside = delegation ? paths.filter((path) => !matchPaths(delegation.paths, path)) : []
  const [first] = outside
  if (first === undefined || !delegation) return
  const patterns = delegation.paths.kind === 'paths' ? delegation.paths.patterns.join(', ') : 'hash prefixes'
  throw new ClientError(
    'KEY_NOT_DELEGATED',
    `${key} signs as ${vote.role}, which is delegated ${patterns}: that leaves out ${first}. ` +
      "The delegation of a repository is the pair 'R:*' and 'R@*'",
  )
}

async function notDelegated(
  views: readonly RepoView[],
  request: SignRequest,
  key: PublicKey,
  path: string,
): Promise<ClientError> {
  const held: string[] = []
  for (const view of views)
    for (const { delegation, vote } of await view.allEdges())
      if (delegation?.paths.kind === 'paths' && keyOf(vote.keys, key))
        held.push(`${vote.role} in ${view.repo} (${delegation.paths.patterns.join(', ')})`)
  const instead =
    held.length === 0
      ? 'nothing known here is delegated to it'
      : `it signs for ${[...new Set(held)].join('; ')}`
  return new ClientError(
    'KEY_NOT_DELEGATED',
    `${request.key} is not delegated ${path}: ${instead}. A delegation is made with \`nv2 delegate\``,
  )
}

async function labelsOf(keyring: Keyring, edge: KnownEdge | undefined): Promise<string> {
  const keys = edge?.vote.keys
  const labels = keys?.keyids.map((keyid) => keyring.label(keyid, keys.keys.get(keyid))) ?? []
  return (await Promise.all(labels)).join(', ')
}
