import type { Request, Response } from 'express'
import { isDigest, isTag } from '@nv2/oci'
import { RegistryError } from './errors.js'
import type { ManifestStore } from './manifests.js'
import type { Storage } from './storage.js'
import type { UploadStore } from './uploads.js'

/** What every endpoint works on. */
export interface Services {
  readonly storage: Storage
  readonly uploads: UploadStore
  readonly manifests: ManifestStore
}

/** One request that has been matched to an endpoint. `name` has passed the grammar; `rest` is decoded, not checked. */
export interface Exchange {
  readonly services: Services
  readonly request: Request
  readonly response: Response
  readonly name: string
  readonly rest: string
}

/** A query parameter that is there once; twice is a contradiction, not a choice. */
export function parameter(request: Request, name: string): string | undefined {
  const value: unknown = request.query[name]
  if (value === undefined || typeof value === 'string') return value
  throw new RegistryError('UNSUPPORTED', `${name} is given more than once`)
}

export function requireDigest(text: string | undefined): string {
  if (text !== undefined && isDigest(text)) return text
  throw new RegistryError(
    'DIGEST_INVALID',
    'a digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits',
  )
}

export function requireReference(text: string): string {
  if (isTag(text)) return text
  if (text.includes(':')) return requireDigest(text)
  throw new RegistryError('MANIFEST_INVALID', 'a reference is a tag or a digest')
}

/** The body, such that leaving it early does not tear down the connection that the refusal has to go out on. */
export function bodyOf(request: Request): AsyncIterable<Uint8Array> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
}

const MAX_DRAINED = 8 * 1024 * 1024
const DRAIN_MS = 2000

/** Takes in a bounded rest of a refused body: a client that is still sending would else see a reset, not the answer. */
export async function drain(request: Request): Promise<void> {
  if (request.complete || request.destroyed) return
  await new Promise<void>((done) => {
    let seen = 0
    const timer = setTimeout(done, DRAIN_MS)
    const end = (): void => {
      clearTimeout(timer)
      done()
    }
    request.on('data', (chunk: Uint8Array) => {
      seen += chunk.length
      if (seen > MAX_DRAINED) end()
    })
    request.once('end', end).once('close', end).once('error', end)
  })
}
