import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createHash } from 'node:crypto'

/** A new empty folder under the system's temporary folder. */
export async function tempDir(name = 'test'): Promise<string> {
  return mkdtemp(join(tmpdir(), `nv2-${name}-`))
}

export async function removeDir(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}

/** Runs `body` in a new folder, which is gone afterwards whatever happened. */
export async function withTempDir<T>(body: (path: string) => Promise<T>, name = 'test'): Promise<T> {
  const path = await tempDir(name)
  try {
    return await body(path)
  } finally {
    await removeDir(path)
  }
}

/** Every file below a folder with the sha256 of its content: two equal answers mean that nothing was written. */
export async function fileList(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((e) => !e.isDirectory()).map((e) => join(e.parentPath, e.name))
  for (const path of files.sort()) {
    found.set(
      relative(folder, path),
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    )
  }
  return found
}
