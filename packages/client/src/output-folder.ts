import { constants } from 'node:fs'
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Descriptor } from '@nv2/oci'
import { hasCode } from './durable.js'
import { ClientError } from './errors.js'

/** What a publisher may call a file: one plain name that no file system reads as something else. */
const PLAIN = /^[\p{L}\p{N}_][\p{L}\p{N}._+@=, -]{0,199}$/u
const DEVICES = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i

/**
 * The folder that the user named for `--output`. Titles come from the publisher: only their last segment is used, one
 * that is hidden, odd or taken is replaced by the digest, and nothing is followed or written through a symbolic link
 * (CVE-2021-41149, zip-slip).
 */
export class OutputFolder {
  readonly path: string
  private readonly taken = new Set<string>()

  private constructor(path: string) {
    this.path = path
  }

  static async open(path: string): Promise<OutputFolder> {
    const absolute = resolve(path)
    try {
      await mkdir(absolute, { recursive: true })
    } catch (error) {
      throw refused(absolute, error)
    }
    return new OutputFolder(absolute)
  }

  /** A free name in this folder for content with this title. */
  nameFor(title: string | undefined, descriptor: Pick<Descriptor, 'digest'>): string {
    const last = (title ?? '').split(/[/\\]/).at(-1)?.normalize('NFC') ?? ''
    const usable = PLAIN.test(last) && !DEVICES.test(last) && !/[. ]$/.test(last)
    const name = usable && !this.taken.has(fold(last)) ? last : descriptor.digest.replace(':', '-')
    this.taken.add(fold(name))
    return name
  }

  /** Writes a file: whole or not at all. What was there under the name is replaced only if it is a regular file. */
  async write(name: string, body: AsyncIterable<Uint8Array>): Promise<string> {
    const path = join(this.path, name)
    await this.require(path, 'file')
    const temporary = join(this.path, `.nv2-${randomBytes(8).toString('hex')}`)
    try {
      const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644)
      try {
        for await (const chunk of body) await file.writeFile(chunk)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
      return path
    } catch (error) {
      await rm(temporary, { force: true })
      throw refused(path, error)
    }
  }

  /** The path of a folder in this one; one that is there must be a real folder. */
  async folder(name: string): Promise<string> {
    const path = join(this.path, name)
    await this.require(path, 'folder')
    return path
  }

  private async require(path: string, kind: 'file' | 'folder'): Promise<void> {
    try {
      const found = await lstat(path)
      if (kind === 'file' ? found.isFile() : found.isDirectory()) return
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return
      throw refused(path, error)
    }
    throw new ClientError('OUTPUT_REFUSED', `${path} is there and is no ${kind}: nothing is written over it`)
  }
}

/** Names that are one on a file system without case. */
function fold(name: string): string {
  return name.toLowerCase()
}

function refused(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error && 'syscall' in cause)) return cause
  return new ClientError('OUTPUT_REFUSED', `cannot write ${path}: ${cause.message}`, { cause })
}
