import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { RegistryError } from './errors.js'
import { type Exchange, requireDigest } from './exchange.js'
import { orNull } from './storage.js'

const CHUNK = 256 * 1024

/** GET and HEAD of a blob (end-2). Bytes are served as they lie there: whoever asks checks the digest. */
export async function getBlob({ services, request, response, name, rest }: Exchange): Promise<void> {
  const digest = requireDigest(rest)
  const path = services.storage.contentPath(digest)
  const found = (await services.storage.hasBlob(name, digest)) ? await orNull(stat(path)) : null
  if (found === null) throw new RegistryError('BLOB_UNKNOWN', `${digest} is not in ${name}`)
  const etag = `"${digest}"`
  response.set({
    'Docker-Content-Digest': digest,
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
  })
  if (request.headers['if-none-match'] === etag) {
    response.status(304).end()
    return
  }
  const range = readRange(request.headers.range, found.size)
  const { start, end } = range ?? { start: 0, end: found.size - 1 }
  response.status(range === undefined ? 200 : 206)
  response.set('Content-Length', String(end - start + 1))
  if (range !== undefined) {
    response.set('Content-Range', `bytes ${String(start)}-${String(end)}/${String(found.size)}`)
  }
  if (request.method === 'HEAD' || found.size === 0) {
    response.end()
    return
  }
  try {
    await pipeline(createReadStream(path, { start, end, highWaterMark: CHUNK }), response)
  } catch {
    // The reader went away, or the file shrank under us: the length does not fit, so the other side notices.
    response.destroy()
  }
}

/** RFC 9110 §14: one range of bytes; what is no such range, or more than one, gives the whole. */
export function readRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  const [first = '', last = ''] = match?.slice(1) ?? []
  if (match === null || (first === '' && last === '')) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start > end || start >= size) {
    throw new RegistryError('RANGE_INVALID', 'there are no such bytes', {
      'Content-Range': `bytes */${String(size)}`,
    })
  }
  return { start, end }
}

/** end-10. Only this repository's hold on it ends; the bytes may belong to others. */
export async function deleteBlob({ services, response, name, rest }: Exchange): Promise<void> {
  const digest = requireDigest(rest)
  if (!(await services.storage.remove(services.storage.blobMarker(name, digest)))) {
    throw new RegistryError('BLOB_UNKNOWN', `${digest} is not in ${name}`)
  }
  response.status(202).end()
}
