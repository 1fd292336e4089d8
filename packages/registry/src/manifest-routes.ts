import { MAX_MANIFEST_BYTES, isDigest } from '@nv2/oci'
import { RegistryError } from './errors.js'
import { type Exchange, bodyOf, requireReference } from './exchange.js'

/** GET and HEAD (end-3): exactly the bytes and the type that were pushed. */
export async function getManifest({ services, request, response, name, rest }: Exchange): Promise<void> {
  const stored = await services.manifests.get(name, requireReference(rest))
  if (stored === null) throw new RegistryError('MANIFEST_UNKNOWN', `${rest} is not in ${name}`)
  const etag = `"${stored.digest}"`
  // By hand: Express would add a charset to the type, and the type has to be the one that was pushed.
  response.setHeader('Content-Type', stored.mediaType)
  response.setHeader('Docker-Content-Digest', stored.digest)
  response.setHeader('ETag', etag)
  if (request.headers['if-none-match'] === etag) {
    response.status(304).end()
    return
  }
  response.setHeader('Content-Length', String(stored.bytes.length))
  response.status(200).end(request.method === 'HEAD' ? undefined : stored.bytes)
}

/** PUT (end-7a). */
export async function putManifest({ services, request, response, name, rest }: Exchange): Promise<void> {
  const reference = requireReference(rest)
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
  const bytes = await readBody(request)
  const { digest, subject } = await services.manifests.put(name, reference, mediaType, bytes)
  response.status(201).set({
    Location: `/v2/${name}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
    ...(subject === undefined ? {} : { 'OCI-Subject': subject }),
  })
  response.end()
}

/** DELETE (end-9): a tag alone, or a manifest with all its tags. */
export async function deleteManifest({ services, response, name, rest }: Exchange): Promise<void> {
  const reference = requireReference(rest)
  const { manifests } = services
  const removed = isDigest(reference)
    ? await manifests.delete(name, reference)
    : await manifests.tags.remove(name, reference)
  if (!removed) throw new RegistryError('MANIFEST_UNKNOWN', `${rest} is not in ${name}`)
  response.status(202).end()
}

async function readBody(request: Exchange['request']): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bodyOf(request)) {
    size += chunk.length
    if (size > MAX_MANIFEST_BYTES) throw new RegistryError('SIZE_INVALID', 'a manifest has at most 4 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
