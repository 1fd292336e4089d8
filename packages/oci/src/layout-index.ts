import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Descriptor, descriptorJson, mediaTypes, parseDescriptor } from './descriptor.js'
import { errorCode } from './durable-file.js'
import { OciError } from './errors.js'
import { type JsonObject, type JsonValue, isObject, parseJson } from './json.js'

/** image-spec annotations.md: names an entry of index.json; valid only there. */
export const REF_NAME = 'org.opencontainers.image.ref.name'

export interface LayoutEntry {
  readonly name?: string
  readonly descriptor: Descriptor
}

/** index.json as it was read: members of other tools stay as they are when it is written again. */
export interface LayoutIndex {
  readonly tree: JsonObject
  readonly manifests: readonly JsonValue[]
}

export const emptyIndex: LayoutIndex = {
  tree: { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] },
  manifests: [],
}

export const layoutMarker: Uint8Array = Buffer.from('{"imageLayoutVersion":"1.0.0"}')

const repair =
  'It was left half-written or edited. Restore it from a copy, or remove the folder and fetch the artifacts again'

export function parseLayoutMarker(bytes: Uint8Array, where: string): void {
  const tree = inLayout(where, () => parseJson(bytes, 'oci-layout'))
  const version = isObject(tree) ? tree['imageLayoutVersion'] : undefined
  if (version !== '1.0.0') {
    throw new OciError(
      'LAYOUT_INVALID',
      `${where}: oci-layout does not say imageLayoutVersion 1.0.0. ${repair}`,
    )
  }
}

export function parseLayoutIndex(bytes: Uint8Array, where: string): LayoutIndex {
  return inLayout(where, () => {
    const tree = parseJson(bytes, 'index.json')
    if (!isObject(tree) || tree['schemaVersion'] !== 2) {
      throw new OciError('LAYOUT_INVALID', `${where}: index.json is no image index. ${repair}`)
    }
    const manifests = tree['manifests'] ?? []
    if (!Array.isArray(manifests)) {
      throw new OciError('LAYOUT_INVALID', `${where}: manifests of index.json is no list. ${repair}`)
    }
    return { tree, manifests }
  })
}

export function encodeLayoutIndex(index: LayoutIndex): Uint8Array {
  return Buffer.from(JSON.stringify({ ...index.tree, manifests: index.manifests }))
}

export function entriesOf(index: LayoutIndex, where: string): readonly LayoutEntry[] {
  return inLayout(where, () =>
    index.manifests.map((value, at) => {
      const { annotations, ...rest } = parseDescriptor(value, `index.json, manifests[${String(at)}]`)
      const name = annotations?.get(REF_NAME)
      const others = new Map([...(annotations ?? [])].filter(([key]) => key !== REF_NAME))
      const descriptor = others.size === 0 ? rest : { ...rest, annotations: others }
      return name === undefined ? { descriptor } : { name, descriptor }
    }),
  )
}

/** The entry of that name now points at `descriptor`; others are not touched. */
export function withEntry(index: LayoutIndex, name: string, descriptor: Descriptor): LayoutIndex {
  const annotations = new Map(descriptor.annotations ?? []).set(REF_NAME, name)
  const entry = descriptorJson({ ...descriptor, annotations })
  return { tree: index.tree, manifests: [...withoutEntry(index, name).manifests, entry] }
}

export function withoutEntry(index: LayoutIndex, name: string): LayoutIndex {
  return { tree: index.tree, manifests: index.manifests.filter((entry) => nameOf(entry) !== name) }
}

function nameOf(entry: JsonValue): string | undefined {
  const annotations = isObject(entry) ? entry['annotations'] : undefined
  const name = isObject(annotations) ? annotations[REF_NAME] : undefined
  return typeof name === 'string' ? name : undefined
}

export async function readLayoutFile(dir: string, name: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(join(dir, name))
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

export function missing(dir: string, name: string): OciError {
  return new OciError(
    'LAYOUT_INVALID',
    `${dir} has no ${name}, so it is no complete OCI image layout. ${repair}`,
  )
}

function inLayout<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof OciError && error.code === 'MANIFEST_INVALID') {
      throw new OciError('LAYOUT_INVALID', `${where}: ${error.message}. ${repair}`, error)
    }
    throw error
  }
}
