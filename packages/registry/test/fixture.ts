import { createServer } from 'node:http'
import http from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Descriptor, digestOf } from '@nv2/oci'
import { type RegistryOptions, createRegistry } from '../src/index.js'

export const text = (value: string): Buffer => Buffer.from(value)
export const describeBytes = (bytes: Uint8Array, mediaType = 'application/octet-stream'): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

export interface Running {
  readonly dir: string
  readonly host: string
  readonly faults: unknown[]
  readonly readByDigest: (digest: string) => Promise<Uint8Array | null>
  readonly stop: () => Promise<void>
}

/** A real server on a free port over `dir`. */
export async function serve(dir: string, more: Partial<RegistryOptions> = {}): Promise<Running> {
  const faults: unknown[] = []
  const registry = createRegistry({ dir, onFault: (error) => faults.push(error), ...more })
  const server = createServer(registry.handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    dir,
    faults,
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    readByDigest: registry.readByDigest,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await registry.close()
    },
  }
}

export async function inTemp<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'nv2-registry-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export async function withRegistry<T>(
  work: (running: Running) => Promise<T>,
  more: Partial<RegistryOptions> = {},
): Promise<T> {
  return inTemp(async (dir) => {
    const running = await serve(join(dir, 'data'), more)
    try {
      return await work(running)
    } finally {
      await running.stop()
    }
  })
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** Plain HTTP, nothing normalised: the path goes out as it is written. */
export function ask(
  host: string,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: Uint8Array | string } = {},
): Promise<Answer> {
  const [hostname = '', port = ''] = host.split(':')
  return new Promise((resolve, reject) => {
    const request = http.request({
      hostname,
      port,
      method,
      path,
      agent: false,
      headers: {
        ...(options.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(options.body) }),
        ...options.headers,
      },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
      })
    })
    request.end(options.body)
  })
}

export const codeIn = (answer: Answer): string => {
  const tree = JSON.parse(answer.body.toString('utf8')) as { errors: { code: string; message: string }[] }
  return tree.errors[0]?.code ?? ''
}

export async function putBlob(host: string, name: string, bytes: Uint8Array): Promise<string> {
  const digest = digestOf(bytes)
  const answer = await ask(host, 'POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes })
  if (answer.status !== 201) throw new Error(`blob: ${String(answer.status)} ${answer.body.toString()}`)
  return digest
}

export async function open(host: string, name: string): Promise<string> {
  const answer = await ask(host, 'POST', `/v2/${name}/blobs/uploads/`, { body: '' })
  return answer.headers.location ?? ''
}
