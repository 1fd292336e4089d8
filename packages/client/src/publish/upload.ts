import { copyGraph, createLayout, parseReference, RegistryClient, type CopyEvent } from '@nv2/oci'
import { parse, type Envelope, type RoleName, type Targets } from '@nv2/tuf'
import { chooseRegistry, type Config, type Registry } from '../config.js'
import { ClientError } from '../errors.js'
import { UNBOUND } from '../home.js'
import { ociUrl, tufUrl } from '../metadata-source.js'
import { placeOf } from '../place.js'
import { firstRootSha256 } from '../root-update.js'
import { findStored, type StoredArtifact } from './add.js'
import {
  changeSet,
  requireNotOvertaken,
  requireSigned,
  rolesFor,
  rolesOf,
  type Outgoing,
} from './change-set.js'
import type { RepoView } from './repo-view.js'
import { checkSet, consumersRefuse } from './self-check.js'
import { ServiceClient, type UploadState } from './service-client.js'
import { signRequest } from './upload-right.js'
import type { Workbench } from './workbench.js'

export interface UploadRequest {
  /** An artifact with the roles that speak for it; or `role`; or every draft of `repo`. */
  readonly name?: string
  readonly role?: RoleName
  readonly repo?: string
  readonly registry?: string
  /** A bearer token instead of signatures of the request. */
  readonly token?: string
  /** Milliseconds to wait until it is published; not at all when left out. */
  readonly wait?: number
  readonly onProgress?: (event: CopyEvent) => void
}

export interface Uploaded {
  readonly registry: string
  readonly repo: string
  /** Name and digest of the artifact, if one was sent. */
  readonly artifact: { readonly name: string; readonly digest: string } | null
  readonly roles: readonly {
    readonly role: RoleName
    readonly version: number
    /** Came unchanged from another repository. */
    readonly imported: boolean
  }[]
  /** Null when the service had every role already. */
  readonly id: string | null
  readonly state: UploadState
  readonly revocation: boolean
  /** Published roles that have to be signed again. */
  readonly resign: readonly string[]
  readonly warnings: readonly string[]
}

/** Checks everything here first; then the artifact goes, then all roles as one change set, then the artifact's tag. */
export async function upload(bench: Workbench, request: UploadRequest): Promise<Uploaded> {
  const { name, role, repo } = request
  if (
    (name === undefined && role === undefined && repo === undefined) ||
    (name !== undefined && role !== undefined)
  )
    throw new ClientError(
      'USAGE',
      'say what to upload: NAME, or --role ROLE, or --repo NAME for all its drafts',
    )
  const registry = registryFor(bench.config, request)
  const artifact = name === undefined ? null : await findStored(bench.home, name)
  const view = await bench.repositories.current(registry.repo, registry.name)
  const roles = await select(bench, view, request, artifact)
  const revocation = roles.some(({ draft }) => draft?.note.revocation === true)
  const warnings: string[] = []

  await requireSigned(view, roles, bench.keyring)
  const admission = await checkSet(view, roles, bench.now, revocation)
  warnings.push(...admission.warnings)
  const refusal = artifact && (await consumersRefuse(view, admission, artifact.name, bench.now))
  if (refusal != null) warnings.push(`consumers will refuse ${artifact?.name ?? ''} for now: ${refusal}`)

  const service = new ServiceClient(tufUrl(registry), bench.signal)
  const set = roles.length === 0 ? null : await changeSet(service, roles, revocation)
  const right = set && (await rightFor(bench, view, registry, request, roles, set))
  const tag = artifact && (await sendArtifact(bench, registry, artifact, request))
  const answer = set && right ? await service.upload(set, right) : null
  if (answer) await settle(view, roles)
  await tag?.()
  const last = answer && request.wait !== undefined ? await service.wait(answer, request.wait) : answer
  return {
    registry: registry.name,
    repo: view.repo,
    artifact: artifact && { name: artifact.name, digest: artifact.descriptor.digest },
    roles: roles.map((one) => ({ role: one.role, version: one.version, imported: one.draft === null })),
    id: answer?.id ?? null,
    state: last?.state ?? 'published',
    revocation,
    resign: [...new Set([...admission.resign, ...(answer?.resign ?? [])])],
    warnings: [...new Set([...warnings, ...(answer?.warnings ?? [])])],
  }
}

/** `--repo` also says which registry, when only one serves it. */
function registryFor(config: Config, { repo, registry: named }: UploadRequest): Registry {
  const serving = repo === undefined ? [] : config.registries.filter((one) => one.repo === repo)
  if (named === undefined && serving.length > 0) return chooseRegistry({ registries: serving }, 'upload')
  const registry = chooseRegistry(config, 'upload', named)
  if (repo !== undefined && repo !== UNBOUND && registry.repo !== repo)
    throw new ClientError(
      'REPO_UNKNOWN',
      `the registry ${registry.name} serves the TUF repository ${registry.repo}, not ${repo}: configure one for it with \`nv2 registry add\``,
    )
  return registry
}

async function select(
  bench: Workbench,
  view: RepoView,
  request: UploadRequest,
  artifact: StoredArtifact | null,
): Promise<Outgoing[]> {
  const { role } = request
  if (artifact) {
    const edges = await view.edgesFor(artifact.name)
    requireNotOvertaken(view, new Set(edges.map(({ vote }) => vote.role)))
    const roles = await rolesFor(bench.home, view, artifact.name, bench.keyring)
    await requireKnown(bench, view, artifact, roles)
    return roles
  }
  if (role !== undefined) {
    requireNotOvertaken(view, [role])
    const draft = view.draft(role)
    if (!draft)
      throw new ClientError(
        'NOTHING_TO_DO',
        `there is no draft of ${role} for ${view.repo} that is not published yet`,
      )
    return rolesOf(view, [draft], bench.keyring)
  }
  requireNotOvertaken(view, new Set(view.overtaken.map((draft) => draft.role)))
  const drafts = view.allDrafts()
  if (drafts.length === 0)
    throw new ClientError(
      'NOTHING_TO_DO',
      `every draft of ${view.repo} is published; there is nothing to upload`,
    )
  return rolesOf(view, drafts, bench.keyring)
}

/** Somebody must have signed this very artifact, here or at the registry: else its tag would move there without a word. */
async function requireKnown(
  bench: Workbench,
  view: RepoView,
  { name, descriptor }: StoredArtifact,
  roles: readonly Outgoing[],
): Promise<void> {
  const lists = ({ signed }: Envelope<Targets>): boolean =>
    `sha256:${signed.targets.get(name)?.hashes.get('sha256') ?? ''}` === descriptor.digest
  if (roles.some(({ role, bytes }) => lists(parse('targets', bytes, { role })))) return
  for (const { vote } of await view.edgesFor(name)) {
    const known = await view.newest(vote.role)
    if (known && lists(known.envelope)) return
  }
  const waiting = (await bench.repositories.unbound.all()).find((draft) => lists(draft.envelope))
  if (waiting)
    throw new ClientError(
      'ROLE_UNKNOWN',
      `${name} is signed by ${waiting.role}, to which nobody in ${view.repo} delegates yet: its operator has to, and publish it`,
    )
  throw new ClientError(
    'NOTHING_TO_DO',
    `nobody has signed ${name} as it is in the local store (${descriptor.digest.slice(0, 19)}…): \`nv2 sign ${name} KEY\` first`,
  )
}

async function rightFor(
  bench: Workbench,
  view: RepoView,
  registry: Registry,
  { token }: UploadRequest,
  roles: readonly Outgoing[],
  body: Uint8Array,
): Promise<Record<string, string>> {
  if (token !== undefined) return { authorization: `Bearer ${token}` }
  const repository = await firstRootSha256(placeOf(bench.home, registry), bench.signal)
  return signRequest(view, bench.keyring, { repository, roles, body, now: bench.now })
}

/**
 * Sends everything by digest. The tag moves when the returned function is called: after the service has taken the roles, so
 * that a refused upload leaves nothing that a plain pull would find.
 */
async function sendArtifact(
  bench: Workbench,
  registry: Registry,
  { name, descriptor }: StoredArtifact,
  { onProgress }: UploadRequest,
): Promise<() => Promise<void>> {
  const { repository, tag } = parseReference(name)
  const to = new RegistryClient({ registry: ociUrl(registry), repository })
  const options = { ...(bench.signal && { signal: bench.signal }), ...(onProgress && { onProgress }) }
  await copyGraph(await createLayout(bench.home.store), to, descriptor, options)
  return async () => {
    if (tag !== undefined) await to.tag(tag, descriptor, bench.signal)
  }
}

/** From now on these versions may have been seen; drafts without a repository belong to this one. */
async function settle(view: RepoView, roles: readonly Outgoing[]): Promise<void> {
  for (const { draft } of roles) {
    if (!draft) continue
    await draft.drafts.markUploaded(draft)
    await view.drafts.adopt(draft)
  }
}
