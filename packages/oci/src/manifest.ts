import {
  type Descriptor,
  annotationsJson,
  descriptorJson,
  isIndexType,
  isManifestType,
  mediaTypes,
  parseAnnotations,
  parseDescriptor,
} from './descriptor.js'
import { OciError, printable } from './errors.js'
import { type JsonObject, type JsonValue, isObject, parseJson } from './json.js'

/** distribution-spec "Pushing Manifests": registries take at least this much; we never read or write more. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024

interface Common {
  readonly mediaType: string
  readonly artifactType?: string
  readonly subject?: Descriptor
  readonly annotations: ReadonlyMap<string, string>
}
export interface ImageManifest extends Common {
  readonly kind: 'manifest'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}
export interface ImageIndex extends Common {
  readonly kind: 'index'
  readonly manifests: readonly Descriptor[]
}
export type Manifest = ImageManifest | ImageIndex

/**
 * Bytes to manifest or index. `mediaType` is what led here: a descriptor's mediaType or a Content-Type.
 * The bytes must not be readable as two things (CVE-2021-41190): both `manifests` and `layers`/`config` is refused,
 * and a `mediaType` member must say what the descriptor said.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Manifest {
  const bad = (why: string): never => {
    throw new OciError('MANIFEST_INVALID', `The manifest ${why}`)
  }
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new OciError('TOO_LARGE', `The manifest has ${String(bytes.length)} bytes; the limit is 4 MiB`)
  }
  if (!isManifestType(mediaType))
    return bad(`has the media type "${printable(mediaType)}", which is neither manifest nor index`)
  const tree = parseJson(bytes, 'The manifest')
  if (!isObject(tree)) return bad('is no JSON object')
  if (tree['schemaVersion'] !== 2) return bad('does not have schemaVersion 2')
  const stated = tree['mediaType']
  if (stated !== undefined && stated !== mediaType) {
    const said = typeof stated === 'string' ? printable(stated) : 'no text'
    throw new OciError(
      'MEDIA_TYPE_MISMATCH',
      `The manifest calls itself "${said}" but came as "${mediaType}"`,
    )
  }
  const hasImage =
    tree['layers'] !== undefined || tree['config'] !== undefined || tree['fsLayers'] !== undefined
  if (tree['manifests'] !== undefined && hasImage)
    return bad('lists both manifests and layers, so it can be read as two things')
  const artifactType = tree['artifactType']
  if (artifactType !== undefined && typeof artifactType !== 'string')
    return bad('has an artifactType that is no text')
  const common: Common = {
    mediaType,
    ...(artifactType === undefined || artifactType === '' ? {} : { artifactType }),
    ...(tree['subject'] === undefined
      ? {}
      : { subject: parseDescriptor(tree['subject'], 'The manifest, subject') }),
    annotations: parseAnnotations(tree['annotations'], 'The manifest') ?? new Map<string, string>(),
  }
  if (isIndexType(mediaType)) return { kind: 'index', ...common, manifests: descriptors(tree, 'manifests') }
  if (tree['config'] === undefined) return bad('has no config')
  return {
    kind: 'manifest',
    ...common,
    config: parseDescriptor(tree['config'], 'The manifest, config'),
    layers: descriptors(tree, 'layers'),
  }
}

function descriptors(tree: JsonObject, member: string): Descriptor[] {
  const list: JsonValue | undefined = tree[member]
  // Go programs write an empty list as null.
  if (list === null) return []
  if (!Array.isArray(list)) throw new OciError('MANIFEST_INVALID', `The manifest has no list of ${member}`)
  return list.map((entry, at) => parseDescriptor(entry, `The manifest, ${member}[${String(at)}]`))
}

/** What has to be there before this manifest may be: config and layers, or the manifests of an index. Not the subject. */
export function childrenOf(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers]
}

export interface ManifestParts {
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: ReadonlyMap<string, string>
}

/** The bytes of an image manifest; the same parts always give the same bytes. */
export function encodeManifest(parts: ManifestParts): Uint8Array {
  const tree = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(parts.artifactType === undefined ? {} : { artifactType: parts.artifactType }),
    config: descriptorJson(parts.config),
    layers: parts.layers.map(descriptorJson),
    ...tail(parts),
  }
  return new TextEncoder().encode(JSON.stringify(tree))
}

export interface IndexParts {
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: ReadonlyMap<string, string>
}

/** The bytes of an image index; the same parts always give the same bytes. */
export function encodeIndex(parts: IndexParts): Uint8Array {
  const tree = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    ...(parts.artifactType === undefined ? {} : { artifactType: parts.artifactType }),
    manifests: parts.manifests.map(descriptorJson),
    ...tail(parts),
  }
  return new TextEncoder().encode(JSON.stringify(tree))
}

function tail(parts: ManifestParts | IndexParts): JsonObject {
  return {
    ...(parts.subject === undefined ? {} : { subject: descriptorJson(parts.subject) }),
    ...(parts.annotations === undefined || parts.annotations.size === 0
      ? {}
      : { annotations: annotationsJson(parts.annotations) }),
  }
}
