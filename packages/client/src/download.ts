import {
  copyGraph,
  createLayout,
  isManifestType,
  OciError,
  readManifest,
  RegistryClient,
  type CopyEvent,
  type Descriptor,
} from '@nv2/oci'
import { requireHashes, type Found, type ProvenRole, type Target } from '@nv2/tuf'
import { readConfig } from './config.js'
import { makeFolder } from './durable.js'
import { repoFolder, type Home } from './home.js'
import { ociUrl } from './metadata-source.js'
import { resolveName, type Resolved } from './names.js'
import { OutputFolder } from './output-folder.js'
import { writeArtifact, type WrittenFile } from './output-files.js'
import { placeOf } from './place.js'
import { keepProof } from './proofs.js'
import { Session, type SessionOptions } from './session.js'

export interface DownloadOptions extends SessionOptions {
  /** --registry */
  readonly registry?: string
  /** --output */
  readonly output?: string
  readonly onProgress?: (event: CopyEvent) => void
}

export interface Downloaded {
  readonly resolved: Resolved
  /** The signed manifest or index. */
  readonly descriptor: Descriptor
  /** What it holds, by digest. */
  readonly children: readonly Descriptor[]
  /** Who signed, top-level targets first, and how the search went. */
  readonly proof: readonly ProvenRole[]
  readonly trail: readonly string[]
  readonly written: readonly WrittenFile[]
}

/**
 * `download NAME`: finds who speaks for the name from the pinned root on, fetches what they signed by its digest and never
 * by its tag, and puts it into the local store. Every byte is checked before it lies under its name; the store's name and
 * the role files that prove it come last, so a download that is refused or dies leaves nothing that counts.
 */
export async function download(home: Home, name: string, options: DownloadOptions): Promise<Downloaded> {
  const { signal } = options
  const resolved = resolveName(await readConfig(home), name, 'download', options.registry)
  const { registry, repository, path } = resolved
  const found: Found = await new Session(placeOf(home, registry), options).find(path)
  const from = new RegistryClient({ registry: ociUrl(registry), repository })
  const descriptor = await describe(found.target, from, signal)

  await makeFolder(home.store)
  const store = await createLayout(home.store)
  await copyGraph(from, store, descriptor, {
    ...(signal ? { signal } : {}),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  })
  const { bytes, manifest } = await readManifest(store, descriptor, signal)
  // The copy checked one hash; a signer who lists two means both.
  requireHashes(path, bytes, found.target.hashes)
  await keepProof(repoFolder(home, registry.repo), found.proof)
  const written =
    options.output === undefined
      ? []
      : await writeArtifact(
          store,
          descriptor,
          repository.slice(repository.lastIndexOf('/') + 1),
          await OutputFolder.open(options.output),
          signal,
        )
  await store.tag(path, descriptor)
  return {
    resolved,
    descriptor,
    children: manifest.kind === 'index' ? manifest.manifests : [],
    proof: found.proof,
    trail: found.trail,
    written,
  }
}

/** The signed target as a descriptor: digest and size are signed; the kind is signed too, or else what the bytes say. */
async function describe(target: Target, from: RegistryClient, signal?: AbortSignal): Promise<Descriptor> {
  const algorithm = target.hashes.has('sha256') ? 'sha256' : 'sha512'
  const hex = target.hashes.get(algorithm)
  if (hex === undefined)
    throw new OciError('DIGEST_INVALID', `${target.path} is signed without a sha256 or sha512 digest`)
  const digest = `${algorithm}:${hex}`
  const stated = target.custom?.get('mediaType')
  const mediaType =
    typeof stated === 'string' ? stated : (await from.fetchManifest(digest, signal)).descriptor.mediaType
  if (!isManifestType(mediaType))
    throw new OciError(
      'MANIFEST_INVALID',
      `${target.path} is signed as ${mediaType}, which is no image or index`,
    )
  return { mediaType, digest, size: target.length }
}
