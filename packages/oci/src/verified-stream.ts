import type { Body, ContentReader } from './content.js'
import type { Descriptor } from './descriptor.js'
import { newHash, parseDigest } from './digest.js'
import { OciError } from './errors.js'
import { MAX_MANIFEST_BYTES, type Manifest, parseManifest } from './manifest.js'

/**
 * Passes bytes on while it counts and hashes them. One byte too many stops it at once (endless data attack); the last
 * chunk is held back until size and digest are known to be right, so nobody ever holds the whole of something altered.
 */
export class VerifiedStream implements AsyncIterable<Uint8Array> {
  readonly digest: string
  readonly size: number
  readonly #source: AsyncIterable<Uint8Array>
  #watcher: ((bytes: number) => void) | undefined

  constructor(descriptor: Descriptor, source: AsyncIterable<Uint8Array>) {
    parseDigest(descriptor.digest)
    this.digest = descriptor.digest
    this.size = descriptor.size
    this.#source = source
  }

  /** Tells how many bytes each chunk brought, as they come. */
  watch(watcher: (bytes: number) => void): this {
    this.#watcher = watcher
    return this
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const hash = newHash(this.digest)
    let seen = 0
    let last: Uint8Array | undefined
    for await (const chunk of this.#source) {
      if (chunk.length === 0) continue
      seen += chunk.length
      if (seen > this.size) {
        throw new OciError(
          'SIZE_MISMATCH',
          `${this.digest} should have ${String(this.size)} bytes but more came; it was altered, nothing of it was kept`,
        )
      }
      hash.update(chunk)
      this.#watcher?.(chunk.length)
      if (seen === this.size) last = chunk
      else yield chunk
    }
    if (seen < this.size) {
      throw new OciError(
        'SIZE_MISMATCH',
        `${this.digest} should have ${String(this.size)} bytes but only ${String(seen)} came; nothing of it was kept`,
      )
    }
    const { algorithm } = parseDigest(this.digest)
    const actual = `${algorithm}:${hash.digest('hex')}`
    if (actual !== this.digest) {
      throw new OciError(
        'DIGEST_MISMATCH',
        `The content of ${this.digest} is really ${actual}; it was altered, nothing of it was kept`,
      )
    }
    if (last !== undefined) yield last
  }
}

/** Never hashes twice: a stream that is already bound to this digest and size is handed back. */
export function verified(descriptor: Descriptor, body: Body): VerifiedStream {
  if (body instanceof VerifiedStream && body.digest === descriptor.digest && body.size === descriptor.size) {
    return body
  }
  return new VerifiedStream(descriptor, body instanceof Uint8Array ? once(body) : body)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** The whole content, checked, if it has at most `limit` bytes. */
export async function readAll(
  reader: ContentReader,
  descriptor: Descriptor,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (descriptor.size > limit) {
    throw new OciError(
      'TOO_LARGE',
      `${descriptor.digest} has ${String(descriptor.size)} bytes; at most ${String(limit)} are read into memory`,
    )
  }
  return collect(verified(descriptor, reader.open(descriptor, signal)))
}

export async function collect(stream: VerifiedStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}

/** A manifest's bytes and meaning, by descriptor. */
export async function readManifest(
  reader: ContentReader,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly manifest: Manifest }> {
  const bytes = await readAll(reader, descriptor, MAX_MANIFEST_BYTES, signal)
  return { bytes, manifest: parseManifest(bytes, descriptor.mediaType) }
}
