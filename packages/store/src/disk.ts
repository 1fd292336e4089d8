import type { Dirent } from 'node:fs'
import { link, mkdir, open, readFile, readdir, rename, stat, statfs, unlink } from 'node:fs/promises'

/** The single steps that a file store takes: tests stop the world between any two of them. */
export interface Disk {
  /** Makes the folder and those above it, for the owner only. The first folder that was made, if any. */
  makeFolder(path: string): Promise<string | undefined>
  /** What was linked, renamed or removed in this folder survives a crash. */
  syncFolder(path: string): Promise<void>
  /** Creates a file that does not exist, for the owner only, and syncs its bytes. */
  write(path: string, bytes: Uint8Array): Promise<void>
  link(from: string, to: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  read(path: string): Promise<Uint8Array>
  exists(path: string): Promise<boolean>
  list(path: string): Promise<readonly Dirent[]>
  /** Milliseconds since the file was written, by the clock of this host. */
  age(path: string): Promise<number>
  fileSystemType(path: string): Promise<number>
}

export const disk: Disk = {
  makeFolder: (path) => mkdir(path, { recursive: true, mode: 0o700 }),
  async syncFolder(path) {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  async write(path, bytes) {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  link,
  rename,
  unlink,
  async read(path) {
    const bytes = await readFile(path)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  },
  async exists(path) {
    try {
      await stat(path)
      return true
    } catch (error) {
      if (errno(error) === 'ENOENT') return false
      throw error
    }
  },
  list: (path) => readdir(path, { withFileTypes: true }),
  age: async (path) => Math.max(0, Date.now() - (await stat(path)).mtimeMs),
  fileSystemType: async (path) => (await statfs(path)).type,
}

export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
