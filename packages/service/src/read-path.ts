import type { IncomingMessage, ServerResponse } from 'node:http'
import { TIMESTAMP } from '@nv2/store'
import { fileName, sha256Hex } from '@nv2/tuf'
import { ServiceError } from './errors.js'
import type { Repository } from './repository.js'

/** Bytes of a target by the sha256 of its content, or null; `path` is the target's path. */
export type Content = (sha256: string, path: string) => Promise<Uint8Array | null>

const IMMUTABLE = 'public, max-age=31536000, immutable'
/** Short: a cache that keeps it longer would freeze its clients (protocol P11). */
const SHORT = 'public, max-age=1, must-revalidate'

/** A file of the repository, as clients name it. */
export async function sendMetadata(
  repository: Repository,
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = storedName(file)
  const stored = name === null ? null : await repository.read(name)
  if (!stored) throw notFound(file)
  sendBytes(request, response, stored.bytes, 'application/json', name === TIMESTAMP ? SHORT : IMMUTABLE)
}

/** `dir/HASH.base` (spec 5.7.3, consistent snapshots). */
export async function sendTarget(
  content: Content,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const match = /^((?:.*\/)?)([0-9a-f]{64})\.([^/]+)$/.exec(path)
  const [, folder = '', hash = '', base = ''] = match ?? []
  const bytes = match ? await content(hash, folder + base) : null
  if (!bytes || sha256Hex(bytes) !== hash) throw notFound(path)
  sendBytes(request, response, bytes, 'application/octet-stream', IMMUTABLE)
}

/**
 * The name in the store for the name in the URL, still percent-encoded; null for everything that is not published
 * metadata. Role names are data: they are decoded once and encoded our way, so other spellings of one role meet.
 */
function storedName(file: string): string | null {
  if (file === TIMESTAMP) return TIMESTAMP
  const [, version, role] = /^([1-9][0-9]{0,15})\.(.+)\.json$/.exec(file) ?? []
  if (version === undefined || role === undefined) return null
  if (/^%%[0-9a-f]{64}$/.test(role)) return file
  const name = decodeURIComponent(role)
  if (/^%%[0-9a-f]{64}$/.test(name)) return `${version}.${name}.json`
  return name.toLowerCase() === 'timestamp' ? null : fileName(name, Number(version))
}

function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  type: string,
  caching: string,
): void {
  const etag = `"${sha256Hex(bytes)}"`
  const headers = { etag, 'cache-control': caching, 'x-content-type-options': 'nosniff' }
  const wanted = request.headers['if-none-match']
  if (wanted?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*')) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, { ...headers, 'content-type': type, 'content-length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function notFound(what: string): ServiceError {
  return new ServiceError('NOT_FOUND', `there is no ${what.slice(0, 200)} here`)
}
