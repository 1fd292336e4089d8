import { type Hash, createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileWriter, digestOf, parseDigest } from '@nv2/oci'
import { RegistryError } from './errors.js'
import { type Storage, list, orNull, readOrNull } from './storage.js'

const SESSION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const LIFE_MS = 24 * 60 * 60 * 1000

export interface UploadLimits {
  readonly blobBytes: number
  readonly sessions: number
}

/** Where a chunk says that it belongs; `end` is inclusive. */
export interface ChunkRange {
  readonly start: number
  readonly end: number
}

/** The running SHA-256 of a session, good as long as it has seen exactly the bytes of the file. */
interface Running {
  readonly hash: Hash
  length: number
}

/**
 * Upload sessions: `uploads/ID` holds the bytes so far, `uploads/ID.repository` whose they are, so a session survives a
 * restart. The file's length is the truth about how far it is; the running hash only saves a second reading.
 */
export class UploadStore {
  readonly #storage: Storage
  readonly #limits: UploadLimits
  readonly #running = new Map<string, Running>()
  readonly #busy = new Set<string>()

  constructor(storage: Storage, limits: UploadLimits) {
    this.#storage = storage
    this.#limits = limits
  }

  #data(id: string): string {
    return join(this.#storage.uploads, id)
  }

  async start(name: string): Promise<string> {
    if ((await list(this.#storage.uploads)).length / 2 >= this.#limits.sessions) {
      await this.sweep()
      if ((await list(this.#storage.uploads)).length / 2 >= this.#limits.sessions) {
        throw new RegistryError('TOOMANYREQUESTS', 'too many uploads are open', { 'Retry-After': '60' })
      }
    }
    const id = randomUUID()
    await writeFile(this.#data(id), '', { flag: 'wx' })
    await writeFile(`${this.#data(id)}.repository`, name)
    this.#running.set(id, { hash: createHash('sha256'), length: 0 })
    return id
  }

  /** How many bytes are there; an unknown session, or one of another repository, is BLOB_UPLOAD_UNKNOWN. */
  async length(name: string, id: string): Promise<number> {
    const owner = SESSION.test(id) ? await readOrNull(`${this.#data(id)}.repository`) : null
    const found = owner?.toString('utf8') === name ? await orNull(stat(this.#data(id))) : null
    if (found === null) throw new RegistryError('BLOB_UPLOAD_UNKNOWN', 'there is no such upload; start again')
    return found.size
  }

  /** Adds a chunk and gives the new length. With a range it is all of the chunk or nothing of it. */
  async append(
    name: string,
    id: string,
    body: AsyncIterable<Uint8Array>,
    range?: ChunkRange,
  ): Promise<number> {
    const before = await this.length(name, id)
    if (this.#busy.has(id) || (range !== undefined && range.start !== before)) {
      const at = String(before)
      throw new RegistryError('RANGE_INVALID', `the next byte of this upload is byte ${at}`, progress(before))
    }
    this.#busy.add(id)
    try {
      const after = await this.#write(id, before, body)
      if (range !== undefined && after - before !== range.end - range.start + 1) {
        await this.#cutBack(id, before)
        throw new RegistryError(
          'RANGE_INVALID',
          'the chunk is not as long as its Content-Range says',
          progress(before),
        )
      }
      return after
    } catch (error) {
      if (range !== undefined) await this.#cutBack(id, before)
      throw error
    } finally {
      this.#busy.delete(id)
    }
  }

  async #write(id: string, before: number, body: AsyncIterable<Uint8Array>): Promise<number> {
    const running = this.#running.get(id)
    const live = running?.length === before ? running : undefined
    if (live === undefined) this.#running.delete(id)
    const file = await open(this.#data(id), 'r+')
    const writer = new FileWriter(file, before)
    let length = before
    try {
      for await (const chunk of body) {
        if (length + chunk.length > this.#limits.blobBytes) {
          throw new RegistryError(
            'SIZE_INVALID',
            `a blob has at most ${String(this.#limits.blobBytes)} bytes here`,
          )
        }
        await writer.write(chunk)
        length += chunk.length
        live?.hash.update(chunk)
        if (live !== undefined) live.length = length
      }
      await writer.flush()
      return length
    } finally {
      // What came before a broken connection counts: the file's length is what the client is told to go on from.
      await writer.flush().finally(() => file.close())
    }
  }

  async #cutBack(id: string, length: number): Promise<void> {
    this.#running.delete(id)
    const file = await open(this.#data(id), 'r+')
    await file.truncate(length)
    await file.close()
  }

  /** The whole is there: checked against its digest, synced, moved to its place, and known to the repository. */
  async finish(name: string, id: string, digest: string): Promise<void> {
    const length = await this.length(name, id)
    if (this.#busy.has(id))
      throw new RegistryError('BLOB_UPLOAD_INVALID', 'a chunk of this upload is still on its way')
    this.#busy.add(id)
    try {
      const actual = await this.#digest(id, digest, length)
      if (actual !== digest)
        throw new RegistryError('DIGEST_INVALID', `the bytes that came have the digest ${actual}`)
      const file = await open(this.#data(id), 'r+')
      await file.sync()
      await file.close()
      await this.#storage.keepContent(digest, this.#data(id))
      await this.#storage.mark(this.#storage.blobMarker(name, digest))
    } finally {
      this.#busy.delete(id)
      await this.#drop(id)
    }
  }

  async #digest(id: string, digest: string, length: number): Promise<string> {
    const { algorithm } = parseDigest(digest)
    const running = this.#running.get(id)
    if (algorithm === 'sha256' && running?.length === length) return `sha256:${running.hash.digest('hex')}`
    if (length === 0) return digestOf(new Uint8Array(), algorithm)
    const hash = createHash(algorithm)
    for await (const chunk of createReadStream(this.#data(id))) hash.update(chunk as Uint8Array)
    return `${algorithm}:${hash.digest('hex')}`
  }

  async cancel(name: string, id: string): Promise<void> {
    await this.length(name, id)
    await this.#drop(id)
  }

  async #drop(id: string): Promise<void> {
    this.#running.delete(id)
    await rm(this.#data(id), { force: true })
    await rm(`${this.#data(id)}.repository`, { force: true })
  }

  /** Sessions that nothing was added to for a day are gone. */
  async sweep(now = Date.now()): Promise<void> {
    for (const file of await list(this.#storage.uploads)) {
      const id = file.replace(/\.repository$/, '')
      const found = await orNull(stat(this.#data(id)))
      const owner = await orNull(stat(`${this.#data(id)}.repository`))
      const last = Math.max(found?.mtimeMs ?? 0, owner?.mtimeMs ?? 0)
      if (now - last > LIFE_MS && !this.#busy.has(id)) await this.#drop(id)
    }
  }
}

/** distribution-spec "Pushing a blob in chunks": inclusive, and 0-0 also when nothing came yet. */
export function progress(length: number): { Range: string } {
  return { Range: `0-${String(Math.max(0, length - 1))}` }
}
