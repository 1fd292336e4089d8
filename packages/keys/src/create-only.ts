import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KeysError } from './errors.js'

export interface NewFile {
  readonly name: string
  readonly content: string
}

/**
 * Writes the files into the folder, one after the other, each whole or not at all (temp, fsync, link) and readable by
 * its owner only. Never replaces a file: a key that is overwritten is a key lost. Throws KeysError KEY_EXISTS with
 * `taken` as message, or KEY_STORE_FAILED.
 */
export async function createFiles(folder: string, files: readonly NewFile[], taken: string): Promise<void> {
  try {
    await privateFolder(folder)
    for (const file of files) await createFile(folder, file)
    await syncFolder(folder)
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw new KeysError('KEY_EXISTS', taken, cause)
    throw new KeysError(
      'KEY_STORE_FAILED',
      `the keys in ${folder} cannot be written: ${reason(cause)}`,
      cause,
    )
  }
}

async function createFile(folder: string, { name, content }: NewFile): Promise<void> {
  const temp = join(folder, `.new-${randomBytes(8).toString('hex')}`)
  try {
    const handle = await open(temp, 'wx', 0o600)
    try {
      await handle.chmod(0o600)
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(temp, join(folder, name))
  } finally {
    await rm(temp, { force: true })
  }
}

async function privateFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  // Whatever the umask says; a folder that was there keeps the mode that its owner gave it.
  if (made !== undefined) await chmod(folder, 0o700)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The system's code of an error, ENOENT and the like. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What the system says, in short. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
