import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ClientError } from './errors.js'

/** Temporary files begin with a dot; whoever lists a folder skips them, so a killed process leaves nothing that counts. */
export function isTemporary(name: string): boolean {
  return name.startsWith('.')
}

/** Makes a folder, and those above it, readable by this user alone; one that exists stays as it is. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first !== undefined) await syncFolder(dirname(first))
}

/** Writes a file that did not exist. False: the name is taken and nothing changed. A reader sees all of it or nothing. */
export async function createOnce(path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = await writeTemporary(path, bytes)
  try {
    await link(temporary, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw storage(path, error)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

/** Writes a file over what was there. A reader sees the old or the new file, whole. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = await writeTemporary(path, bytes)
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw storage(path, error)
  }
  await syncFolder(dirname(path))
}

/** The whole file, or null when there is none. Follows no symbolic link, waits on no pipe, reads no more than `limit`. */
export async function readIfThere(path: string, limit: number): Promise<Uint8Array | null> {
  let file
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw storage(path, error)
  }
  try {
    const about = await file.stat()
    if (!about.isFile()) throw new ClientError('HOME_BROKEN', `${path} is not a regular file`)
    if (about.size > limit)
      throw new ClientError(
        'HOME_BROKEN',
        `${path} has ${about.size} bytes; at most ${limit} make sense there`,
      )
    return await file.readFile()
  } catch (error) {
    throw error instanceof ClientError ? error : storage(path, error)
  } finally {
    await file.close()
  }
}

/** Runs `work` while no other process does the same for `path`. For edits by hand only: trust needs no lock (protocol C3). */
export async function exclusively<T>(path: string, work: () => Promise<T>, patience = 5000): Promise<T> {
  const lock = `${path}.lock`
  const until = Date.now() + patience
  await makeFolder(dirname(path))
  while (!(await createOnce(lock, Buffer.from(`${process.pid}\n`)))) {
    if (Date.now() > until)
      throw new ClientError(
        'HOME_BUSY',
        `another nv2 is writing ${path}; if none is running, a killed one left ${lock}: remove that file`,
      )
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function writeTemporary(path: string, bytes: Uint8Array): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(8).toString('hex')}`)
  try {
    await makeFolder(dirname(path))
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    return temporary
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw storage(path, error)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function storage(path: string, cause: unknown): ClientError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ClientError('HOME_BROKEN', `cannot use ${path}: ${why}`, { cause })
}
