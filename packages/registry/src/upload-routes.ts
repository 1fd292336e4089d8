import { RegistryError } from './errors.js'
import { type Exchange, bodyOf, parameter, requireDigest } from './exchange.js'
import { isDigest, isRepositoryName } from '@nv2/oci'
import { exists } from './storage.js'
import { type ChunkRange, progress } from './uploads.js'

const locationOf = (name: string, id: string): string => `/v2/${name}/blobs/uploads/${id}`

/** POST (end-4a, 4b, 11): opens a session, takes a whole blob at once, or mounts one from another repository. */
export async function startUpload({ services, request, response, name }: Exchange): Promise<void> {
  const { storage, uploads } = services
  const mount = parameter(request, 'mount')
  const from = parameter(request, 'from')
  if (mount !== undefined && isDigest(mount) && from !== undefined && isRepositoryName(from)) {
    if ((await storage.hasBlob(from, mount)) && (await exists(storage.contentPath(mount)))) {
      await storage.mark(storage.blobMarker(name, mount))
      created(response, name, mount)
      return
    }
  }
  const digest = parameter(request, 'digest')
  if (digest !== undefined) requireDigest(digest)
  const id = await uploads.start(name)
  if (digest !== undefined) {
    try {
      await uploads.append(name, id, bodyOf(request))
      await uploads.finish(name, id, digest)
    } catch (error) {
      await uploads.cancel(name, id).catch(() => undefined)
      throw error
    }
    created(response, name, digest)
    return
  }
  response
    .status(202)
    .set({ Location: locationOf(name, id), 'Docker-Upload-UUID': id, Range: '0-0' })
    .end()
}

/** PATCH (end-5): the next chunk, or a stream. */
export async function addChunk({ services, request, response, name, rest }: Exchange): Promise<void> {
  const length = await services.uploads.append(name, rest, bodyOf(request), readContentRange(request.headers))
  response
    .status(202)
    .set({ Location: locationOf(name, rest), ...progress(length) })
    .end()
}

/** PUT (end-6): maybe the last chunk, then the digest of the whole. */
export async function finishUpload({ services, request, response, name, rest }: Exchange): Promise<void> {
  const digest = requireDigest(parameter(request, 'digest'))
  await services.uploads.append(name, rest, bodyOf(request), readContentRange(request.headers))
  await services.uploads.finish(name, rest, digest)
  created(response, name, digest)
}

/** GET (end-13): how far it is. */
export async function uploadStatus({ services, response, name, rest }: Exchange): Promise<void> {
  const length = await services.uploads.length(name, rest)
  response
    .status(204)
    .set({ Location: locationOf(name, rest), ...progress(length) })
    .end()
}

export async function cancelUpload({ services, response, name, rest }: Exchange): Promise<void> {
  await services.uploads.cancel(name, rest)
  response.status(204).end()
}

function created(response: Exchange['response'], name: string, digest: string): void {
  response
    .status(201)
    .set({ Location: `/v2/${name}/blobs/${digest}`, 'Docker-Content-Digest': digest })
    .end()
}

function readContentRange(headers: Exchange['request']['headers']): ChunkRange | undefined {
  const text = headers['content-range']
  if (text === undefined) return undefined
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text)
  const range = { start: Number(match?.[1]), end: Number(match?.[2]) }
  const stated = headers['content-length']
  const fits = stated === undefined || Number(stated) === range.end - range.start + 1
  if (match === null || range.end < range.start || !fits) {
    throw new RegistryError(
      'RANGE_INVALID',
      'Content-Range is START-END, both counted, and fits Content-Length',
    )
  }
  return range
}
