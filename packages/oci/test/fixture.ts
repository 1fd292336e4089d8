import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ContentStore,
  type Descriptor,
  OciError,
  digestOf,
  emptyBytes,
  emptyDescriptor,
  encodeIndex,
  encodeManifest,
  mediaTypes,
} from '../src/index.js'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export function describeBytes(bytes: Uint8Array, mediaType = 'application/octet-stream'): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

export function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof OciError) return error.code
    throw error
  }
  return 'nothing'
}

export async function codeOfAsync(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof OciError) return error.code
    throw error
  }
  return 'nothing'
}

export async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let seen = 0
  for await (const chunk of stream) seen += chunk.length
  return seen
}

export async function inTemp<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'nv2-oci-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** An index over an image of one layer and an artifact; gives the index. */
export async function pushSample(
  store: ContentStore,
  layer = text('layer of netmonitor'),
): Promise<Descriptor> {
  const config = text('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
  const configDescriptor = describeBytes(config, mediaTypes.config)
  const layerDescriptor = describeBytes(layer, mediaTypes.layer)
  const sbom = text('{"spdxVersion":"SPDX-2.3"}')
  const sbomDescriptor = describeBytes(sbom, 'application/spdx+json')
  await store.push(configDescriptor, config)
  await store.push(layerDescriptor, layer)
  await store.push(sbomDescriptor, sbom)
  await store.push(emptyDescriptor, emptyBytes)
  const image = encodeManifest({ config: configDescriptor, layers: [layerDescriptor] })
  const artifact = encodeManifest({
    artifactType: 'application/spdx+json',
    config: emptyDescriptor,
    layers: [sbomDescriptor],
  })
  await store.push(describeBytes(image, mediaTypes.manifest), image)
  await store.push(describeBytes(artifact, mediaTypes.manifest), artifact)
  const index = encodeIndex({
    manifests: [
      { ...describeBytes(image, mediaTypes.manifest), platform: { os: 'linux', architecture: 'amd64' } },
      describeBytes(artifact, mediaTypes.manifest),
    ],
  })
  const descriptor = describeBytes(index, mediaTypes.index)
  await store.push(descriptor, index)
  return descriptor
}
