import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

export async function tempFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'nv2-store-'))
  made.push(path)
  return path
}

export async function removeTempFolders(): Promise<void> {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true })
}
