import {
  MAX_MANIFEST_BYTES,
  type Manifest,
  OciError,
  childrenOf,
  digestOf,
  isDigest,
  isManifestType,
  isNonDistributable,
  parseDigest,
  parseManifest,
  writeTemporary,
} from '@nv2/oci'
import { RegistryError } from './errors.js'
import { ReferrerStore } from './referrers.js'
import { type Storage, readOrNull } from './storage.js'
import { TagStore } from './tags.js'

export interface StoredManifest {
  readonly digest: string
  readonly mediaType: string
  readonly bytes: Buffer
}

export interface PutResult {
  readonly digest: string
  readonly subject?: string
}

/** Manifests and indexes: exact bytes under their digest, tags that point to them. */
export class ManifestStore {
  readonly tags: TagStore
  readonly referrers: ReferrerStore
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
    this.tags = new TagStore(storage)
    this.referrers = new ReferrerStore(storage)
  }

  async get(name: string, reference: string): Promise<StoredManifest | null> {
    const digest = isDigest(reference) ? reference : await this.tags.digestOf(name, reference)
    if (digest === null) return null
    const mediaType = await readOrNull(this.#storage.manifestMarker(name, digest))
    const bytes = mediaType === null ? null : await readOrNull(this.#storage.contentPath(digest))
    return mediaType === null || bytes === null
      ? null
      : { digest, mediaType: mediaType.toString('utf8'), bytes }
  }

  /** Content, referrer, manifest, tag: in this order, so that at no moment anything points to what is not there. */
  async put(name: string, reference: string, mediaType: string, bytes: Buffer): Promise<PutResult> {
    const manifest = read(bytes, mediaType)
    const digest = isDigest(reference) ? digestOf(bytes, parseDigest(reference).algorithm) : digestOf(bytes)
    if (isDigest(reference) && digest !== reference) {
      throw new RegistryError('DIGEST_INVALID', `the body has the digest ${digest}`)
    }
    await this.#requireChildren(name, manifest)
    await this.#storage.keepContent(digest, await writeTemporary(this.#storage.ingest, bytes))
    const subject = manifest.subject?.digest
    if (subject !== undefined) {
      await this.referrers.add(name, subject, { mediaType, digest, size: bytes.length }, manifest)
    }
    await this.#storage.write(this.#storage.manifestMarker(name, digest), Buffer.from(mediaType))
    if (!isDigest(reference)) await this.tags.point(name, reference, digest)
    return subject === undefined ? { digest } : { digest, subject }
  }

  /** Tags first, then the manifest, then the list of its subject: the reverse of putting. */
  async delete(name: string, digest: string): Promise<boolean> {
    const stored = await this.get(name, digest)
    if (stored === null) return this.#storage.remove(this.#storage.manifestMarker(name, digest))
    await this.tags.removeAllOf(name, digest)
    const removed = await this.#storage.remove(this.#storage.manifestMarker(name, digest))
    const subject = subjectOf(stored)
    if (subject !== undefined) await this.referrers.remove(name, subject, digest)
    return removed
  }

  async #requireChildren(name: string, manifest: Manifest): Promise<void> {
    for (const child of childrenOf(manifest)) {
      const here =
        isManifestType(child.mediaType) && manifest.kind === 'index'
          ? await this.#storage.hasManifest(name, child.digest)
          : isNonDistributable(child) || (await this.#storage.hasBlob(name, child.digest))
      if (!here)
        throw new RegistryError(
          'MANIFEST_BLOB_UNKNOWN',
          `${child.digest} is not in this repository; push it first`,
        )
    }
  }
}

function read(bytes: Buffer, mediaType: string): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new RegistryError('SIZE_INVALID', 'a manifest has at most 4 MiB')
  try {
    return parseManifest(bytes, mediaType)
  } catch (error) {
    if (error instanceof OciError) throw new RegistryError('MANIFEST_INVALID', error.message)
    throw error
  }
}

/** Bytes that were altered on disk have no subject that could be trusted; the stale entry is then left out by the list. */
function subjectOf(stored: StoredManifest): string | undefined {
  try {
    return parseManifest(stored.bytes, stored.mediaType).subject?.digest
  } catch {
    return undefined
  }
}
