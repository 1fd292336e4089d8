import { isRepositoryName } from '@nv2/oci'
import { deleteBlob, getBlob } from './blob-routes.js'
import { listReferrers, listTags } from './discovery-routes.js'
import { RegistryError } from './errors.js'
import type { Exchange } from './exchange.js'
import { deleteManifest, getManifest, putManifest } from './manifest-routes.js'
import { addChunk, cancelUpload, finishUpload, startUpload, uploadStatus } from './upload-routes.js'

type Endpoint = (exchange: Exchange) => Promise<void>
interface Route {
  readonly pattern: RegExp
  readonly methods: ReadonlyMap<string, Endpoint>
}

const route = (pattern: RegExp, methods: Readonly<Record<string, Endpoint>>): Route => ({
  pattern,
  methods: new Map(Object.entries(methods)),
})

// Names contain "/", so the last words decide; uploads stand before blobs.
const routes: readonly Route[] = [
  route(/^\/v2\/(.+)\/blobs\/uploads\/?()$/, { POST: startUpload }),
  route(/^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, {
    PATCH: addChunk,
    PUT: finishUpload,
    GET: uploadStatus,
    DELETE: cancelUpload,
  }),
  route(/^\/v2\/(.+)\/blobs\/([^/]+)$/, { GET: getBlob, HEAD: getBlob, DELETE: deleteBlob }),
  route(/^\/v2\/(.+)\/manifests\/([^/]+)$/, {
    GET: getManifest,
    HEAD: getManifest,
    PUT: putManifest,
    DELETE: deleteManifest,
  }),
  route(/^\/v2\/(.+)\/tags\/list()$/, { GET: listTags, HEAD: listTags }),
  route(/^\/v2\/(.+)\/referrers\/([^/]+)$/, { GET: listReferrers, HEAD: listReferrers }),
]

/** Finds the endpoint and answers; what is refused is thrown as a RegistryError. */
export async function dispatch(exchange: Omit<Exchange, 'name' | 'rest'>): Promise<void> {
  const { request, response } = exchange
  const { method, path } = request
  if (path === '/v2/' || path === '/v2') {
    if (method !== 'GET' && method !== 'HEAD') throw notAllowed(['GET', 'HEAD'])
    response.setHeader('Content-Type', 'application/json')
    response.status(200).end('{}')
    return
  }
  for (const { pattern, methods } of routes) {
    const match = pattern.exec(path)
    if (match === null) continue
    const endpoint = methods.get(method)
    if (endpoint === undefined) throw notAllowed([...methods.keys()])
    const [name, rest] = [decode(match[1] ?? ''), decode(match[2] ?? '')]
    if (!isRepositoryName(name)) throw new RegistryError('NAME_INVALID', 'this is no name of a repository')
    await endpoint({ ...exchange, name, rest })
    return
  }
  throw new RegistryError('NAME_UNKNOWN', 'there is nothing under this address')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RegistryError('NAME_INVALID', 'the address has a broken percent escape')
  }
}

function notAllowed(methods: readonly string[]): RegistryError {
  const allowed = methods.join(', ')
  return new RegistryError('UNSUPPORTED', `here go ${allowed}`, { Allow: allowed })
}
