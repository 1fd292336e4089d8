import {
  copyGraph,
  createLayout,
  mediaTypes,
  readManifest,
  type ContentReader,
  type Descriptor,
  type Manifest,
} from '@nv2/oci'
import type { OutputFolder } from './output-folder.js'

/** Something that --output wrote. */
export interface WrittenFile {
  readonly kind: 'image' | 'file'
  readonly path: string
  /** What it is: the image's manifest, or the file's own content. */
  readonly digest: string
  readonly mediaType: string
}

const TITLE = 'org.opencontainers.image.title'
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'

/**
 * Writes a verified artifact of the local store into a folder: each image as an OCI image layout that other tools load,
 * every other artifact's layers as files under their titles.
 */
export async function writeArtifact(
  store: ContentReader,
  top: Descriptor,
  name: string,
  output: OutputFolder,
  signal?: AbortSignal,
): Promise<WrittenFile[]> {
  const { manifest } = await readManifest(store, top, signal)
  if (manifest.kind === 'index' && !isImage(top, manifest)) {
    const written: WrittenFile[] = []
    for (const child of manifest.manifests)
      written.push(...(await writeArtifact(store, child, name, output, signal)))
    return written
  }
  if (isImage(top, manifest)) return [await writeImage(store, top, manifest, name, output, signal)]
  const written: WrittenFile[] = []
  for (const layer of manifest.kind === 'manifest' ? manifest.layers : []) {
    const file = output.nameFor(layer.annotations?.get(TITLE), layer)
    const path = await output.write(file, store.open(layer, signal))
    written.push({ kind: 'file', path, digest: layer.digest, mediaType: layer.mediaType })
  }
  return written
}

/** A container image, or an index whose entries name platforms: one image for several of them. */
function isImage(descriptor: Descriptor, manifest: Manifest): boolean {
  if (manifest.kind === 'index')
    return manifest.manifests.length > 0 && manifest.manifests.every((child) => child.platform !== undefined)
  const type = manifest.config.mediaType
  return descriptor.artifactType === undefined && (type === mediaTypes.config || type === DOCKER_CONFIG)
}

async function writeImage(
  store: ContentReader,
  image: Descriptor,
  manifest: Manifest,
  name: string,
  output: OutputFolder,
  signal?: AbortSignal,
): Promise<WrittenFile> {
  const title = image.annotations?.get(TITLE) ?? manifest.annotations.get(TITLE) ?? name
  const path = await output.folder(output.nameFor(title, image))
  const layout = await createLayout(path)
  await copyGraph(store, layout, image, signal ? { signal } : {})
  await layout.tag(name, image)
  await layout.finish()
  return { kind: 'image', path, digest: image.digest, mediaType: image.mediaType }
}
