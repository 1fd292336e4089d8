import { isDigest } from './digest.js'
import { OciError, printable } from './errors.js'
import { type JsonObject, type JsonValue, isObject } from './json.js'

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

/** Points at content by digest. `platform` and unknown members are kept as they came. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: ReadonlyMap<string, string>
  readonly platform?: Platform
  readonly urls?: readonly string[]
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** image-spec manifest.md "Guidance for an Empty Descriptor": the two bytes `{}`; they still have to be pushed. */
export const emptyBytes: Uint8Array = new TextEncoder().encode('{}')
export const emptyDescriptor: Descriptor = {
  mediaType: mediaTypes.empty,
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  size: 2,
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerList
}

export function isManifestType(mediaType: string): boolean {
  return (
    mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest || isIndexType(mediaType)
  )
}

/** Layers that a registry may lawfully not hold (image-spec layer.md "Non-Distributable Layers"). */
export function isNonDistributable(descriptor: Descriptor): boolean {
  return /\.(?:nondistributable|foreign)\./.test(descriptor.mediaType) || (descriptor.urls?.length ?? 0) > 0
}

// RFC 6838 type "/" subtype; no parameters, which some registries refuse (research: ECR).
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/

export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text)
}

export function parseDescriptor(value: JsonValue | undefined, where: string): Descriptor {
  const bad = (what: string): never => {
    throw new OciError('MANIFEST_INVALID', `${where}: ${what}`)
  }
  if (!isObject(value)) return bad('is no descriptor (an object with mediaType, digest and size)')
  // Unknown media types are never a fault (image-spec "Compatibility"), so only what could not be one is refused.
  const mediaType = value['mediaType']
  const digest = value['digest']
  const size = value['size']
  if (typeof mediaType !== 'string' || !/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(mediaType))
    return bad('mediaType is missing or malformed')
  if (typeof digest !== 'string' || !isDigest(digest)) {
    return bad(`digest ${typeof digest === 'string' ? `"${printable(digest)}" ` : ''}is missing or malformed`)
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    return bad('size is missing or no whole number')
  }
  const artifactType = value['artifactType']
  if (artifactType !== undefined && typeof artifactType !== 'string') return bad('artifactType is no text')
  const annotations = parseAnnotations(value['annotations'], where)
  const platform = value['platform'] === undefined ? undefined : parsePlatform(value['platform'], where)
  const urls = value['urls']
  if (urls !== undefined && !(Array.isArray(urls) && urls.every((url) => typeof url === 'string'))) {
    return bad('urls is no list of texts')
  }
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
    ...(urls === undefined ? {} : { urls: urls }),
  }
}

export function parseAnnotations(
  value: JsonValue | undefined,
  where: string,
): ReadonlyMap<string, string> | undefined {
  if (value === undefined) return undefined
  if (!isObject(value)) throw new OciError('MANIFEST_INVALID', `${where}: annotations is no object`)
  const annotations = new Map<string, string>()
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new OciError('MANIFEST_INVALID', `${where}: annotation "${printable(name)}" is no text`)
    }
    annotations.set(name, text)
  }
  return annotations
}

function parsePlatform(value: JsonValue, where: string): Platform {
  if (!isObject(value) || typeof value['os'] !== 'string' || typeof value['architecture'] !== 'string') {
    throw new OciError('MANIFEST_INVALID', `${where}: platform lacks os or architecture`)
  }
  const variant = value['variant']
  return {
    os: value['os'],
    architecture: value['architecture'],
    ...(typeof variant === 'string' ? { variant } : {}),
  }
}

/** The JSON form, members in a fixed order, so that the same descriptor always gives the same bytes. */
export function descriptorJson(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, size, artifactType, annotations, platform, urls } = descriptor
  return {
    mediaType,
    digest,
    size,
    ...(urls === undefined ? {} : { urls: [...urls] }),
    ...(annotations === undefined ? {} : { annotations: annotationsJson(annotations) }),
    ...(platform === undefined ? {} : { platform: { ...platform } }),
    ...(artifactType === undefined ? {} : { artifactType }),
  }
}

export function annotationsJson(annotations: ReadonlyMap<string, string>): JsonObject {
  const names = [...annotations.keys()].sort()
  // fromEntries defines own members, so a name like "__proto__" stays data.
  return Object.fromEntries(names.map((name) => [name, annotations.get(name) ?? '']))
}
