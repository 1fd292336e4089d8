import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import { isLoopback, requireSafe } from './address.js'
import { errorCode } from './durable-file.js'
import { OciError } from './errors.js'

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
}

export interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where the answer came from in the end. */
  readonly url: URL
  /** To be read to its end or left by `discard`. */
  readonly body: AsyncIterable<Uint8Array>
  readonly discard: () => void
}

export interface TransportOptions {
  readonly plainHttp: boolean
  readonly idleTimeout: number
}

const MAX_REDIRECTS = 5
const MAX_DISCARDED = 64 * 1024

const agents = {
  'http:': new http.Agent({ keepAlive: true, maxFreeSockets: 16 }),
  'https:': new https.Agent({ keepAlive: true, maxFreeSockets: 16 }),
}

/**
 * One request, redirects followed. node:http, not fetch: its first use costs a third and it hands out bytes faster.
 * Only requests without a body are redirected or sent again; `Authorization` never leaves its own host
 * (distribution-spec "Redirects": a blob store elsewhere must not learn the registry's token).
 */
export async function send(request: Request, options: TransportOptions): Promise<Response> {
  let url = request.url
  let headers: Record<string, string> = { ...request.headers }
  for (let hops = 0; ; hops++) {
    requireSafe(url, options.plainHttp)
    const response = await sendOnce({ ...request, url, headers }, options)
    const location = response.headers.location
    if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response
    if (request.body !== undefined) return response
    if (request.method !== 'GET' && request.method !== 'HEAD' && response.status < 307) return response
    response.discard()
    if (hops >= MAX_REDIRECTS) {
      throw new OciError(
        'REGISTRY_ERROR',
        `${request.url.host} redirected more than ${String(MAX_REDIRECTS)} times`,
      )
    }
    const next = resolveLocation(location, url, options)
    if (next.origin !== url.origin) {
      headers = Object.fromEntries(
        Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
      )
    }
    url = next
  }
}

/** A `Location` is followed as it stands, absolute or relative; it cannot take us from TLS to plain text, or hold a login. */
export function resolveLocation(location: string, base: URL, options: TransportOptions): URL {
  let url: URL
  try {
    url = new URL(location, base)
  } catch (cause) {
    throw new OciError('REGISTRY_ERROR', `${base.host} answered with a Location that is no URL`, cause)
  }
  const downgrade = base.protocol === 'https:' && url.protocol !== 'https:'
  // A server elsewhere has no business in sending us to services of this machine (request forgery through a redirect).
  const inward = isLoopback(url.hostname) && !isLoopback(base.hostname)
  if (downgrade || inward || url.username !== '' || url.password !== '') {
    throw new OciError(
      'INSECURE_TRANSPORT',
      `${base.host} points to ${url.protocol}//${url.host}, which is not followed`,
    )
  }
  requireSafe(url, options.plainHttp)
  return url
}

async function sendOnce(request: Request, options: TransportOptions): Promise<Response> {
  const replayable = request.body === undefined || request.body instanceof Uint8Array
  for (let attempt = 0; ; attempt++) {
    request.signal?.throwIfAborted()
    const outgoing = start(request, options)
    try {
      return await exchange(outgoing, request)
    } catch (error) {
      // A kept connection may have been closed by the server just now: that says nothing about the server.
      const closed = outgoing.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '')
      if (attempt === 0 && closed && replayable && request.signal?.aborted !== true) continue
      throw networkError(error, request)
    }
  }
}

function start(request: Request, options: TransportOptions): ClientRequest {
  const secure = request.url.protocol === 'https:'
  const { body } = request
  const length =
    body === undefined
      ? request.method === 'POST'
        ? '0'
        : undefined
      : body instanceof Uint8Array
        ? String(body.length)
        : undefined
  const outgoing = (secure ? https : http).request(request.url, {
    method: request.method,
    agent: secure ? agents['https:'] : agents['http:'],
    headers: {
      'User-Agent': 'nv2',
      ...(length === undefined ? {} : { 'Content-Length': length }),
      ...request.headers,
    },
  })
  // Idle, not total: a slow line may take hours, a silent one may not.
  outgoing.setTimeout(options.idleTimeout, () => {
    const seconds = String(options.idleTimeout / 1000)
    outgoing.destroy(Object.assign(new Error(`nothing came for ${seconds} seconds`), { code: 'ETIMEDOUT' }))
  })
  return outgoing
}

function exchange(outgoing: ClientRequest, request: Request): Promise<Response> {
  return new Promise<Response>((resolve, reject) => {
    const { signal, body } = request
    const abort = (): void => {
      outgoing.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    signal?.addEventListener('abort', abort, { once: true })
    outgoing.once('close', () => signal?.removeEventListener('abort', abort))
    if (body === undefined || body instanceof Uint8Array) {
      outgoing.on('response', (incoming) => {
        resolve(asResponse(incoming, request))
      })
      outgoing.on('error', reject)
      outgoing.end(body)
      return
    }
    let refused = false
    // The source's own failure (an altered blob) must reach the caller, and the request must not look complete.
    const sent = pump(body, outgoing, () => refused).catch((error: unknown) => {
      reject(error instanceof Error ? error : new Error(String(error)))
      outgoing.destroy()
    })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      // A yes before all of the body was checked and sent is no yes; a no (413, 401) needs no more bytes.
      refused = (incoming.statusCode ?? 0) >= 300
      if (refused) {
        incoming.once('end', () => outgoing.destroy())
        resolve(asResponse(incoming, request))
      } else {
        void sent.then(() => {
          resolve(asResponse(incoming, request))
        })
      }
    })
  })
}

async function pump(
  body: AsyncIterable<Uint8Array>,
  outgoing: ClientRequest,
  refused: () => boolean,
): Promise<void> {
  for await (const chunk of body) {
    // The server has made up its mind (413, 401): what follows would only be thrown away.
    if (refused()) return
    if (outgoing.destroyed)
      throw Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
    if (!outgoing.write(chunk)) {
      await new Promise<void>((go) => {
        const done = (): void => {
          outgoing.off('drain', done).off('close', done).off('response', done)
          go()
        }
        outgoing.once('drain', done).once('close', done).once('response', done)
      })
    }
  }
  outgoing.end()
}

function asResponse(incoming: IncomingMessage, request: Request): Response {
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    url: request.url,
    body: read(incoming, request),
    discard: () => {
      discard(incoming)
    },
  }
}

async function* read(incoming: IncomingMessage, request: Request): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk as Uint8Array
  } catch (error) {
    throw networkError(error, request)
  }
}

/** Reads a little to its end, so that the connection can serve again; drops the connection of a talkative server. */
function discard(incoming: IncomingMessage): void {
  let seen = 0
  incoming.on('error', () => undefined)
  incoming.on('data', (chunk: Uint8Array) => {
    seen += chunk.length
    if (seen > MAX_DISCARDED) incoming.destroy()
  })
}

function networkError(error: unknown, request: Request): unknown {
  if (error instanceof OciError) return error
  if (request.signal?.aborted === true) return request.signal.reason
  const code = errorCode(error)
  if (code === undefined) return error
  return new OciError(
    'UNREACHABLE',
    `${request.url.host} cannot be reached (${code}). Check the address, the network and that the registry runs`,
    error,
  )
}
