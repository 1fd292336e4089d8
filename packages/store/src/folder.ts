import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { errno, type Disk } from './disk.js'
import { StoreError } from './errors.js'
import type { Outcome } from './port.js'

const TEMP = '.tmp'
/** Nobody takes this long between writing a temp file and linking it; if somebody does, link says so and we retry. */
const TEMP_LIFE_MS = 15 * 60_000

/** A folder where a file either appears whole under a name that was free, or not at all. */
export class Folder {
  readonly path: string
  readonly disk: Disk

  constructor(path: string, disk: Disk) {
    this.path = path
    this.disk = disk
  }

  /** Makes the folder if needed and removes what a crash left half-written. */
  async open(): Promise<void> {
    const temp = join(this.path, TEMP)
    await this.make(temp)
    for (const { name } of await this.disk.list(temp)) {
      const path = join(temp, name)
      const age = await orGone(this.disk.age(path))
      if (age !== null && age > TEMP_LIFE_MS) await orGone(this.disk.unlink(path))
    }
  }

  /** Temp file, fsync, link(2). Durable only after the folder that holds it is synced. */
  async linkNew(path: string, bytes: Uint8Array): Promise<Outcome> {
    for (let attempt = 0; ; attempt++) {
      const temp = await this.temp(bytes)
      try {
        await this.disk.link(temp, path)
        return 'done'
      } catch (error) {
        const code = errno(error)
        if (code === 'EEXIST') return 'lost'
        if (code !== 'ENOENT' || attempt === 2) throw this.failure('linking a file', error, undecided(code))
        // The folder is not there yet, or somebody swept our temp file after a long pause: nothing was decided.
        await this.make(dirname(path))
      } finally {
        await this.disk.unlink(temp).catch(() => undefined)
      }
    }
  }

  /** Puts a file in the place of another one, unconditionally. */
  async overwrite(path: string, bytes: Uint8Array): Promise<void> {
    await this.disk.rename(await this.temp(bytes), path)
  }

  async sync(path = this.path): Promise<void> {
    try {
      await this.disk.syncFolder(path)
    } catch (error) {
      throw this.failure('syncing', error, true)
    }
  }

  /** Says an operating system's error in the words of StoreError; `unknown`: it may have been done. */
  failure(doing: string, error: unknown, unknown: boolean): StoreError {
    if (error instanceof StoreError && (!unknown || error.code === 'UNKNOWN_OUTCOME')) return error
    const code = errno(error) ?? (error instanceof StoreError ? error.code : String(error))
    const where = `${doing} in ${this.path}`
    if (unknown)
      return new StoreError(
        'UNKNOWN_OUTCOME',
        `${where} failed (${code}) when it may already have been done`,
        error,
      )
    if (code === 'ENOSPC' || code === 'EDQUOT')
      return new StoreError('STORAGE_FULL', `${where}: the disk is full; make room, then try again`, error)
    if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
      return new StoreError(
        'STORAGE_READ_ONLY',
        `${where}: the disk or folder may not be written (${code})`,
        error,
      )
    return new StoreError('STORAGE_BROKEN', `${where} failed (${code})`, error)
  }

  private async temp(bytes: Uint8Array): Promise<string> {
    const path = join(this.path, TEMP, `${process.pid}-${randomBytes(8).toString('hex')}`)
    try {
      await this.disk.write(path, bytes)
    } catch (error) {
      await this.disk.unlink(path).catch(() => undefined)
      throw error
    }
    return path
  }

  private async make(path: string): Promise<void> {
    const first = await this.disk.makeFolder(path)
    if (first === undefined) return
    for (let at = path; at.length >= first.length; at = dirname(at)) await this.sync(dirname(at))
  }
}

/** These say no before anything is done; any other failure of link(2) may come after the fact. */
function undecided(code: string | undefined): boolean {
  return !['ENOENT', 'ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EMLINK', 'ENOTDIR'].includes(code ?? '')
}

export async function orGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (errno(error) === 'ENOENT') return null
    throw error
  }
}
