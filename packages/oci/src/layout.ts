import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Body, ContentStore, Tags } from './content.js'
import { type Descriptor, isManifestType } from './descriptor.js'
import { parseDigest } from './digest.js'
import {
  errorCode,
  linkInto,
  moveInto,
  storageError,
  sweepTemporary,
  writeTemporary,
} from './durable-file.js'
import { OciError, printable } from './errors.js'
import {
  type LayoutEntry,
  type LayoutIndex,
  emptyIndex,
  encodeLayoutIndex,
  entriesOf,
  layoutMarker,
  missing,
  parseLayoutIndex,
  parseLayoutMarker,
  readLayoutFile,
  withEntry,
  withoutEntry,
} from './layout-index.js'
import { withLock } from './lock.js'
import { verified } from './verified-stream.js'

const CHUNK = 256 * 1024

/** An OCI image layout in a folder (image-spec image-layout.md). Get one from openLayout or createLayout. */
export class ImageLayout implements ContentStore, Tags {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  async exists(descriptor: Descriptor): Promise<boolean> {
    try {
      const found = await stat(this.blobPath(descriptor.digest))
      return found.isFile() && found.size === descriptor.size
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false
      throw storageError(this.dir, error)
    }
  }

  open(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return verified(descriptor, this.#read(descriptor, signal))
  }

  async *#read(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const path = this.blobPath(descriptor.digest)
    try {
      yield* createReadStream(path, { highWaterMark: CHUNK, ...(signal === undefined ? {} : { signal }) })
    } catch (error) {
      signal?.throwIfAborted()
      if (errorCode(error) !== 'ENOENT') throw storageError(path, error)
      const [code, kind] = isManifestType(descriptor.mediaType)
        ? (['MANIFEST_UNKNOWN', 'manifest'] as const)
        : (['BLOB_UNKNOWN', 'blob'] as const)
      throw new OciError(code, `The ${kind} ${descriptor.digest} is not in ${this.dir}`)
    }
  }

  /** Checked while it is written to a temp file; moved under its digest only when complete and right. */
  async push(descriptor: Descriptor, body: Body, signal?: AbortSignal): Promise<void> {
    const path = this.blobPath(descriptor.digest)
    try {
      const temporary = await writeTemporary(this.#temp, abortable(verified(descriptor, body), signal))
      await moveInto(temporary, path)
    } catch (error) {
      throw storageError(this.dir, error)
    }
  }

  async resolve(name: string): Promise<Descriptor> {
    const found = (await this.entries()).filter((entry) => entry.name === name)
    const [first, ...others] = found
    if (first === undefined)
      throw new OciError('MANIFEST_UNKNOWN', `"${printable(name)}" is not in ${this.dir}`)
    if (others.some((other) => other.descriptor.digest !== first.descriptor.digest)) {
      throw new OciError('LAYOUT_INVALID', `${this.dir}: index.json has "${printable(name)}" more than once`)
    }
    return first.descriptor
  }

  async entries(): Promise<readonly LayoutEntry[]> {
    return entriesOf(await this.#index(), this.dir)
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    if (!(await this.exists(descriptor))) {
      throw new OciError(
        'MANIFEST_UNKNOWN',
        `The manifest ${descriptor.digest} is not in ${this.dir}, so nothing can be named after it`,
      )
    }
    await this.#edit((index) => withEntry(index, name, descriptor))
  }

  /** Removes the name only; the content stays. False: there was no such name. */
  async untag(name: string): Promise<boolean> {
    let removed = false
    await this.#edit((index) => {
      const next = withoutEntry(index, name)
      removed = next.manifests.length < index.manifests.length
      return next
    })
    return removed
  }

  /** Takes away what only writers need, for a layout that is handed on. Nobody may be writing to it. */
  async finish(): Promise<void> {
    for (const aid of [this.#temp, this.#lock]) await rm(aid, { recursive: true, force: true })
  }

  /** Where the content of a digest lies. The digest is parsed first, so the path stays inside the layout. */
  blobPath(digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.dir, 'blobs', algorithm, hex)
  }

  get #lock(): string {
    return join(this.dir, 'index.lock')
  }

  get #temp(): string {
    return join(this.dir, 'ingest')
  }

  async #index(): Promise<LayoutIndex> {
    const bytes = await readLayoutFile(this.dir, 'index.json')
    if (bytes === undefined) throw missing(this.dir, 'index.json')
    return parseLayoutIndex(bytes, this.dir)
  }

  /** Read, change, replace by rename, one process at a time: no entry of another process is lost. */
  async #edit(change: (index: LayoutIndex) => LayoutIndex): Promise<void> {
    try {
      await withLock(this.#lock, this.#temp, async () => {
        const next = change(await this.#index())
        const temporary = await writeTemporary(this.#temp, encodeLayoutIndex(next))
        await moveInto(temporary, join(this.dir, 'index.json'))
      })
    } catch (error) {
      throw storageError(this.dir, error)
    }
  }
}

async function* abortable(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted()
  for await (const chunk of body) {
    signal?.throwIfAborted()
    yield chunk
  }
}

/** Opens a layout that is there; a missing or half-written one is LAYOUT_INVALID with what to do. */
export async function openLayout(dir: string): Promise<ImageLayout> {
  try {
    const marker = await readLayoutFile(dir, 'oci-layout')
    if (marker === undefined) throw missing(dir, 'oci-layout')
    parseLayoutMarker(marker, dir)
    const layout = new ImageLayout(dir)
    await layout.entries()
    await sweepTemporary(join(dir, 'ingest'))
    return layout
  } catch (error) {
    throw storageError(dir, error)
  }
}

/** Opens the layout, or makes an empty one where there is none yet. Several processes may do so at once. */
export async function createLayout(dir: string): Promise<ImageLayout> {
  try {
    const temp = join(dir, 'ingest')
    const marker = await readLayoutFile(dir, 'oci-layout')
    const index = await readLayoutFile(dir, 'index.json')
    // The marker is written last: with it the layout is complete, and an index without it and without entries is only
    // the trace of a process that died here. An index *with* entries is somebody's data that lost its marker.
    if (
      marker === undefined &&
      (index === undefined || parseLayoutIndex(index, dir).manifests.length === 0)
    ) {
      await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true })
      await linkInto(await writeTemporary(temp, encodeLayoutIndex(emptyIndex)), join(dir, 'index.json'))
      await linkInto(await writeTemporary(temp, layoutMarker), join(dir, 'oci-layout'))
    }
  } catch (error) {
    throw storageError(dir, error)
  }
  return openLayout(dir)
}
