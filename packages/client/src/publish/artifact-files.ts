import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  copyGraph,
  emptyBytes,
  emptyDescriptor,
  encodeManifest,
  digestOf,
  isMediaType,
  mediaTypes,
  openLayout,
  readLayoutTar,
  type Descriptor,
  type ImageLayout,
  type LayoutEntry,
} from '@nv2/oci'
import { ClientError } from '../errors.js'

/** What a source archive is called as an artifact; its layer says how it is packed. */
export const SOURCE_TYPE = 'application/vnd.nv2.source.v1'
const TITLE = 'org.opencontainers.image.title'

/** A file that becomes an artifact of its own: hashed, not yet stored. */
export interface ArtifactFile {
  readonly path: string
  readonly artifactType: string
  readonly layer: Descriptor
}

export async function sbomFile(path: string): Promise<ArtifactFile> {
  const mediaType = await sbomType(path)
  return file(path, mediaType, mediaType)
}

export async function sourceFile(path: string): Promise<ArtifactFile> {
  return file(path, SOURCE_TYPE, packing(path))
}

/** `PATH=MEDIATYPE` of --file. */
export async function otherFile(text: string): Promise<ArtifactFile> {
  const at = text.lastIndexOf('=')
  const mediaType = text.slice(at + 1)
  if (at <= 0 || !isMediaType(mediaType))
    throw new ClientError(
      'USAGE',
      `--file ${JSON.stringify(text)} should be PATH=MEDIATYPE, such as notes.md=text/markdown`,
    )
  return file(text.slice(0, at), mediaType, mediaType)
}

/** Takes the image into the store. */
export type StoreImage = (store: ImageLayout) => Promise<Descriptor>

/** The only image of an OCI image layout, a folder or a tar of one. A folder is looked at before anything is written. */
export async function imageIn(path: string): Promise<StoreImage> {
  const about = await stat(path).catch((cause: unknown) => unreadable(path, cause))
  if (!about.isDirectory())
    return async (store) => onlyImage(path, await readLayoutTar(createReadStream(path), store))
  const layout = await openLayout(path)
  const image = onlyImage(path, await layout.entries())
  return async (store) => {
    await copyGraph(layout, store, image)
    return image
  }
}

function onlyImage(path: string, entries: readonly LayoutEntry[]): Descriptor {
  const [first] = entries
  if (!first || entries.some((entry) => entry.descriptor.digest !== first.descriptor.digest))
    throw new ClientError(
      'ARTIFACT_INVALID',
      `${path} holds ${entries.length === 0 ? 'no image' : `${entries.length} images`}; --image takes a layout with one`,
    )
  const { mediaType, digest, size, artifactType, platform } = first.descriptor
  // Annotations of index.json name the image in that layout; here they would say nothing.
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(platform && { platform }),
  }
}

/** Stores a file as an artifact manifest: its type, an empty config, one layer with the file's name. */
export async function storeFile(
  store: ImageLayout,
  { path, artifactType, layer }: ArtifactFile,
): Promise<Descriptor> {
  await store.push(emptyDescriptor, emptyBytes)
  await store.push(layer, createReadStream(path))
  const bytes = encodeManifest({ artifactType, config: emptyDescriptor, layers: [layer] })
  const manifest: Descriptor = {
    mediaType: mediaTypes.manifest,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType,
  }
  await store.push(manifest, bytes)
  return manifest
}

async function file(path: string, artifactType: string, mediaType: string): Promise<ArtifactFile> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      size += chunk.length
    }
  } catch (cause) {
    return unreadable(path, cause)
  }
  const annotations = new Map([[TITLE, basename(path)]])
  return {
    path,
    artifactType,
    layer: { mediaType, digest: `sha256:${hash.digest('hex')}`, size, annotations },
  }
}

/** SPDX and CycloneDX say in the document what they are; the name of the file proves nothing. */
async function sbomType(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => unreadable(path, cause))
  const refuse = (cause?: unknown): ClientError =>
    new ClientError('ARTIFACT_INVALID', `${path} is neither an SPDX nor a CycloneDX document in JSON`, {
      cause,
    })
  try {
    const tree: unknown = JSON.parse(bytes.toString('utf8'))
    const word = (name: string): unknown =>
      typeof tree === 'object' && tree !== null
        ? Object.getOwnPropertyDescriptor(tree, name)?.value
        : undefined
    if (typeof word('spdxVersion') === 'string') return 'application/spdx+json'
    if (word('bomFormat') === 'CycloneDX') return 'application/vnd.cyclonedx+json'
  } catch (cause) {
    throw refuse(cause)
  }
  throw refuse()
}

function packing(path: string): string {
  if (/\.(?:tar\.gz|tgz)$/i.test(path)) return 'application/gzip'
  if (/\.zip$/i.test(path)) return 'application/zip'
  return /\.tar$/i.test(path) ? 'application/x-tar' : 'application/octet-stream'
}

function unreadable(path: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new ClientError('ARTIFACT_INVALID', `${path} cannot be read: ${why}`, { cause })
}
