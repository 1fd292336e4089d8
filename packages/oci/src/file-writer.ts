import type { FileHandle } from 'node:fs/promises'

const BATCH = 1024 * 1024

/**
 * Writes chunks in batches, one batch behind: while one is on its way to the disk the next is received and hashed.
 * Chunks must not change after they were handed over. At most two batches are held.
 */
export class FileWriter {
  readonly #file: FileHandle
  #position: number
  #batch: Uint8Array[] = []
  #size = 0
  #inFlight: Promise<void> = Promise.resolve()

  constructor(file: FileHandle, position = 0) {
    this.#file = file
    this.#position = position
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk)
    this.#size += chunk.length
    if (this.#size >= BATCH) await this.#next()
  }

  /** Everything that was handed over is in the file now (not yet synced). */
  async flush(): Promise<void> {
    await this.#next()
    await this.#inFlight
  }

  async #next(): Promise<void> {
    await this.#inFlight
    const batch = this.#batch
    const position = this.#position
    this.#position += this.#size
    this.#batch = []
    this.#size = 0
    this.#inFlight = this.#writeAll(batch, position)
    // Told at the next turn; until then it is no unhandled rejection.
    this.#inFlight.catch(() => undefined)
  }

  async #writeAll(batch: Uint8Array[], position: number): Promise<void> {
    const total = batch.reduce((sum, chunk) => sum + chunk.length, 0)
    if (total === 0) return
    const { bytesWritten } = await this.#file.writev(batch, position)
    if (bytesWritten === total) return
    const rest = Buffer.concat(batch).subarray(bytesWritten)
    for (let at = 0; at < rest.length;) {
      at += (await this.#file.write(rest, at, rest.length - at, position + bytesWritten + at)).bytesWritten
    }
  }
}
