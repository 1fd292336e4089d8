import { mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { linkInto, makeFolder, moveInto, parseDigest, syncFolder, writeTemporary } from '@nv2/oci'

/**
 * All state, as files:
 *   content/ALG/HH/HEX                  the bytes of blobs and manifests, shared by all repositories
 *   repositories/NAME/_blobs/ALG/HEX    empty: this repository has that blob
 *   repositories/NAME/_manifests/ALG/HEX   the media type: this repository has that manifest
 *   repositories/NAME/_tags/TAG         the digest
 *   repositories/NAME/_referrers/ALG/HEX/ALG-HEX   descriptor of a manifest whose subject is the former
 *   uploads/, ingest/                   what is not complete yet
 * Every file gets its name only when it is complete and synced, and content comes before whatever points to it, so a
 * crash leaves nothing half-visible. Names of repositories cannot begin with "_", so the folders cannot collide.
 */
export class Storage {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  async prepare(): Promise<void> {
    for (const name of ['content', 'repositories', 'uploads', 'ingest']) {
      await mkdir(join(this.dir, name), { recursive: true })
    }
  }

  get ingest(): string {
    return join(this.dir, 'ingest')
  }

  get uploads(): string {
    return join(this.dir, 'uploads')
  }

  contentPath(digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.dir, 'content', algorithm, hex.slice(0, 2), hex)
  }

  /** `name` has passed the grammar of repository names, which knows no dots alone and no empty parts. */
  repository(name: string, ...inside: string[]): string {
    return join(this.dir, 'repositories', name, ...inside)
  }

  blobMarker(name: string, digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return this.repository(name, '_blobs', algorithm, hex)
  }

  manifestMarker(name: string, digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return this.repository(name, '_manifests', algorithm, hex)
  }

  async hasRepository(name: string): Promise<boolean> {
    return (await exists(this.repository(name, '_manifests'))) || exists(this.repository(name, '_blobs'))
  }

  async hasBlob(name: string, digest: string): Promise<boolean> {
    return exists(this.blobMarker(name, digest))
  }

  async hasManifest(name: string, digest: string): Promise<boolean> {
    return exists(this.manifestMarker(name, digest))
  }

  /** A complete, synced and checked temp file becomes the content of its digest; an altered older copy is replaced. */
  async keepContent(digest: string, temporary: string): Promise<void> {
    await moveInto(temporary, this.contentPath(digest))
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await moveInto(await writeTemporary(this.ingest, bytes), path)
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    return linkInto(await writeTemporary(this.ingest, bytes), path)
  }

  async mark(path: string): Promise<void> {
    await makeFolder(dirname(path))
    await (await open(path, 'a')).close()
    await syncFolder(dirname(path))
  }

  async remove(path: string): Promise<boolean> {
    try {
      await rm(path)
      await syncFolder(dirname(path))
      return true
    } catch (error) {
      if (isAbsent(error)) return false
      throw error
    }
  }
}

/** ENOENT, or a path that some other file cuts off; ENAMETOOLONG cannot be there either. */
function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG'
}

export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await orNull(stat(path))) !== null
}

export async function readOrNull(path: string): Promise<Buffer | null> {
  return orNull(readFile(path))
}

export async function list(folder: string): Promise<readonly string[]> {
  return (await orNull(readdir(folder))) ?? []
}
