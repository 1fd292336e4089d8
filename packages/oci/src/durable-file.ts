import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileWriter } from './file-writer.js'
import { OciError } from './errors.js'

/** A crash leaves temp files behind; what is older than this belongs to nobody that still runs. */
const STALE_MS = 24 * 60 * 60 * 1000

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Makes names in a folder survive a power cut; folders of some file systems cannot be synced, which is no fault. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'].includes(errorCode(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** Makes the folder and its missing parents, and makes them survive a power cut as well. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Streams into a new file of `folder`, synced to disk; gives its path. Removes it when the stream fails. */
export async function writeTemporary(
  folder: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${String(process.pid)}-${randomUUID()}`)
  const handle = await open(path, 'wx', 0o644)
  const writer = new FileWriter(handle)
  try {
    try {
      if (body instanceof Uint8Array) await writer.write(body)
      else for await (const chunk of body) await writer.write(chunk)
      await writer.flush()
      await handle.sync()
    } finally {
      // A write of a failed stream may still be on its way; closing under it is not allowed.
      await writer.flush().catch(() => undefined)
      await handle.close()
    }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  return path
}

/** The last step of every write: the whole file is there under its name, or nothing is. */
export async function moveInto(temporary: string, path: string): Promise<void> {
  await makeFolder(dirname(path))
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Like moveInto, but never over something that is there. False: somebody else was first. */
export async function linkInto(temporary: string, path: string): Promise<boolean> {
  await makeFolder(dirname(path))
  try {
    await link(temporary, path)
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

export async function sweepTemporary(folder: string, now = Date.now()): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const path = join(folder, name)
    const age = await stat(path).then(
      (found) => now - found.mtimeMs,
      () => 0,
    )
    if (age > STALE_MS) await rm(path, { force: true })
  }
}

/** Turns errors of the disk (full, no rights, read-only) into ours; leaves all others alone. */
export function storageError(path: string, error: unknown): unknown {
  const code = errorCode(error)
  if (error instanceof OciError || code === undefined || !('syscall' in (error as object))) return error
  return new OciError('STORAGE_FAILED', `Cannot use ${path}: ${(error as Error).message}`, error)
}
