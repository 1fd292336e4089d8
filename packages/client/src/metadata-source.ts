import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { decodeRole, TufError } from '@nv2/tuf'
import type { Registry } from './config.js'
import { ClientError } from './errors.js'

/** Where the metadata files of one TUF repository come from. */
export interface MetadataSource {
  /** For messages. */
  readonly where: string
  /**
   * The file, or null when it is not there. More than `maxBytes`: TufError METADATA_TOO_LARGE, as soon as they are read.
   * All else that goes wrong: ClientError UNREACHABLE or SERVICE_REFUSED; an abort throws the signal's reason.
   */
  fetch(file: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null>
}

export interface SourceOptions {
  /** Longest silence, and longest time for one file: an answer that drips is a freeze (spec 1.5.2, slow retrieval). */
  readonly idleMs?: number
  readonly totalMs?: number
}

const HOSTED = /\/tuf\/[^/]+$/

/** Base URL of a registry's TUF repository: by the pinned root's hash, so that no name of the server's choosing is believed. */
export function tufUrl(registry: Pick<Registry, 'url' | 'rootSha256'>): string {
  return HOSTED.test(registry.url) ? registry.url : `${registry.url}/tuf/sha256:${registry.rootSha256}`
}

/** Base URL of a registry's OCI side, the part before `/v2/`. */
export function ociUrl(registry: Pick<Registry, 'url' | 'oci'>): string {
  return registry.oci ?? registry.url.replace(HOSTED, '')
}

/** Plain http carries passwords and names in the clear: only inside this computer. */
export function isLoopback(url: URL): boolean {
  return (
    url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(url.hostname)
  )
}

/** Metadata over HTTP from `BASE/metadata/FILE`. Follows no redirect: the place was configured, not advertised. */
export function httpSource(base: string, options: SourceOptions = {}): MetadataSource {
  const { idleMs = 30_000, totalMs = 10 * 60_000 } = options
  const url = new URL(base)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))
    throw new ClientError('USAGE', `${base}: plain http is only for this computer itself; use https`)
  return {
    where: base,
    async fetch(file, maxBytes, signal) {
      signal?.throwIfAborted()
      const whole = AbortSignal.any([AbortSignal.timeout(totalMs), ...(signal ? [signal] : [])])
      const address = `${base}/metadata/${file}`
      try {
        const response = await send(address, idleMs, whole)
        const status = response.statusCode ?? 0
        if (status === 200) return await readBounded(response, file, maxBytes)
        response.destroy()
        // Spec 5.3.3 and common object stores: what may not be listed answers 403 where others answer 404.
        if (status === 404 || status === 403 || status === 410) return null
        throw status === 401
          ? new ClientError('SERVICE_REFUSED', `${address} wants credentials (401); nv2 has none for it`)
          : new ClientError('UNREACHABLE', `${address} answered ${status}`)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (error instanceof ClientError || error instanceof TufError) throw error
        const why = whole.aborted ? `no whole answer within ${totalMs / 1000} seconds` : messageOf(error)
        throw new ClientError('UNREACHABLE', `cannot read ${address}: ${why}`, { cause: error })
      }
    },
  }
}

function send(address: string, idleMs: number, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (address.startsWith('https:') ? httpsRequest : httpRequest)(address, {
      signal,
      headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'nv2' },
    })
    request.setTimeout(idleMs, () => {
      request.destroy(new Error(`nothing came for ${idleMs / 1000} seconds`))
    })
    request.on('error', reject)
    request.on('response', resolve)
    request.end()
  })
}

/** Endless data (spec 1.5.2): reads no more than the limit, whatever the header claims. */
async function readBounded(response: IncomingMessage, file: string, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): TufError => {
    response.destroy()
    const role = decodeRole(file.replace(/^[0-9]+\./, '').replace(/\.json$/, '')) ?? file
    return new TufError(
      'METADATA_TOO_LARGE',
      `${file} is larger than the ${maxBytes} bytes that it may have`,
      {
        role,
      },
    )
  }
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  if (!response.complete) throw new Error('the answer was cut off')
  return new Uint8Array(Buffer.concat(chunks))
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
