import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '@nv2/tuf'
import { readIfThere, replaceFile } from './durable.js'
import { ClientError } from './errors.js'

/**
 * Metadata by its sha256. Untrusted: anybody may have written there or emptied it, so what comes out has the hash that
 * was asked for or is thrown away, and every rule is applied to it again. Nothing here is worth an error.
 */
export class Cache {
  private readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** The bytes with this sha256 (hex), or null. */
  async get(sha256: string, limit: number): Promise<Uint8Array | null> {
    const path = join(this.folder, sha256)
    try {
      const bytes = await readIfThere(path, limit)
      if (!bytes || sha256Hex(bytes) === sha256) return bytes
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
    }
    await rm(path, { recursive: true, force: true }).catch(() => undefined)
    return null
  }

  async put(bytes: Uint8Array): Promise<void> {
    try {
      await replaceFile(join(this.folder, sha256Hex(bytes)), bytes)
    } catch (error) {
      // A cache that cannot be written (read-only, full) costs time, not trust.
      if (!(error instanceof ClientError)) throw error
    }
  }
}
