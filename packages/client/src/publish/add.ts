import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  createLayout,
  digestOf,
  encodeIndex,
  formatReference,
  mediaTypes,
  readManifest,
  type Descriptor,
  type ImageLayout,
} from '@nv2/oci'
import type { Config } from '../config.js'
import { makeFolder } from '../durable.js'
import { ClientError } from '../errors.js'
import type { Home } from '../home.js'
import { expand, parseName, resolveStored } from '../names.js'
import { imageIn, otherFile, sbomFile, sourceFile, storeFile } from './artifact-files.js'
import type { Draft } from './drafts.js'

export interface AddRequest {
  /** NAME[:TAG] */
  readonly name: string
  /** An OCI image layout: a folder, or a tar of one. */
  readonly image?: string
  readonly sbom?: string
  readonly source?: string
  /** `PATH=MEDIATYPE` */
  readonly files?: readonly string[]
}

export interface StoredArtifact {
  /** In full, with the tag. */
  readonly name: string
  readonly descriptor: Descriptor
  /** What its index lists; empty for a single image. */
  readonly children: readonly Descriptor[]
}

/** Puts an artifact into the local store: one OCI index over its parts, the same bytes from the same parts; the name comes last. */
export async function add(
  home: Home,
  config: Config,
  drafts: readonly Draft[],
  request: AddRequest,
): Promise<StoredArtifact> {
  const name = fullName(request.name, config, drafts)
  const image = request.image === undefined ? undefined : await imageIn(request.image)
  const files = [
    ...(request.sbom === undefined ? [] : [await sbomFile(request.sbom)]),
    ...(request.source === undefined ? [] : [await sourceFile(request.source)]),
    ...(await Promise.all((request.files ?? []).map(otherFile))),
  ]
  if (!image && files.length === 0)
    throw new ClientError('USAGE', 'an artifact needs something in it: --image, --sbom, --source or --file')
  await makeFolder(home.store)
  const store = await createLayout(home.store)
  const children: Descriptor[] = []
  if (image) children.push(await image(store))
  for (const file of files) children.push(await storeFile(store, file))
  const bytes = encodeIndex({ manifests: children })
  const descriptor: Descriptor = { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length }
  await store.push(descriptor, bytes)
  await store.tag(name, descriptor)
  return { name, descriptor, children }
}

/** The named artifacts of the local store. */
export async function listStored(home: Home): Promise<StoredArtifact[]> {
  const store = await storeIn(home)
  if (!store) return []
  const found: StoredArtifact[] = []
  for (const entry of await namedIn(store)) found.push(await described(store, entry))
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The artifact that a name means here: in full, or by its unique last segment. Throws NAME_NOT_FOUND, NAME_AMBIGUOUS. */
export async function findStored(home: Home, name: string): Promise<StoredArtifact> {
  const store = await storeIn(home)
  const entries = store ? await namedIn(store) : []
  const full = resolveStored(
    entries.map((entry) => entry.name),
    name,
  )
  const found = entries.find((entry) => entry.name === full)
  if (!store || !found) throw new ClientError('NAME_NOT_FOUND', `the local store has no ${full}`)
  return described(store, found)
}

type NamedEntry = Pick<StoredArtifact, 'name' | 'descriptor'>

/** Null where nothing was ever added: looking does not make a store. */
async function storeIn(home: Home): Promise<ImageLayout | null> {
  const there = ['index.json', 'oci-layout'].some((file) => existsSync(join(home.store, file)))
  return there ? createLayout(home.store) : null
}

async function namedIn(store: ImageLayout): Promise<NamedEntry[]> {
  return (await store.entries()).flatMap(({ name, descriptor }) =>
    name === undefined ? [] : [{ name, descriptor }],
  )
}

async function described(store: ImageLayout, { name, descriptor }: NamedEntry): Promise<StoredArtifact> {
  const { manifest } = await readManifest(store, descriptor)
  return { name, descriptor, children: manifest.kind === 'index' ? manifest.manifests : [] }
}

/** Takes the name away; what other names need stays. */
export async function removeStored(home: Home, name: string): Promise<StoredArtifact> {
  const found = await findStored(home, name)
  await (await createLayout(home.store)).untag(found.name)
  return found
}

/**
 * A short name in full: by the namespaces of the registries; else by the one repository of that name that a draft here
 * delegates; else as given. Never by what a registry lists (cli.md, "Short names").
 */
function fullName(text: string, config: Config, drafts: readonly Draft[]): string {
  const { host, repository, tag, digest } = parseName(text)
  if (host !== undefined || digest !== undefined)
    throw new ClientError('USAGE', `${text}: an artifact is added under NAME[:TAG], without a host or digest`)
  const named = (path: string): string => formatReference({ repository: path, tag: tag ?? 'latest' })
  if (repository.includes('/')) return named(repository)
  const namespaces = config.registries.flatMap((registry) => registry.namespaces)
  const candidates =
    namespaces.length > 0
      ? expand(repository, namespaces)
      : delegated(drafts).filter((path) => path.endsWith(`/${repository}`))
  const [only] = candidates
  if (candidates.length > 1)
    throw new ClientError(
      'NAME_AMBIGUOUS',
      `${text} can mean ${candidates.join(' or ')}: say which, in full`,
      {
        detail: { candidates },
      },
    )
  return named(only ?? repository)
}

/** Repositories that delegations of drafts name outright, without a wildcard in the name. */
function delegated(drafts: readonly Draft[]): string[] {
  const patterns = drafts.flatMap(({ envelope }) =>
    envelope.signed.delegations.flatMap(({ paths }) => (paths.kind === 'paths' ? paths.patterns : [])),
  )
  const repositories = patterns.flatMap((pattern) => /^([^*?[\]:@]+)[:@]/.exec(pattern)?.[1] ?? [])
  return [...new Set(repositories)]
}
