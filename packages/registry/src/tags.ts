import { isDigest, isTag } from '@nv2/oci'
import { type Storage, list, readOrNull } from './storage.js'

/** Tags are small files that hold a digest; the name on disk is safe on file systems that ignore case. */
export class TagStore {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  #path(name: string, tag: string): string {
    return this.#storage.repository(name, '_tags', encodeTag(tag))
  }

  async digestOf(name: string, tag: string): Promise<string | null> {
    const bytes = await readOrNull(this.#path(name, tag))
    const digest = bytes?.toString('utf8') ?? ''
    return isDigest(digest) ? digest : null
  }

  async point(name: string, tag: string, digest: string): Promise<void> {
    await this.#storage.write(this.#path(name, tag), Buffer.from(digest))
  }

  async remove(name: string, tag: string): Promise<boolean> {
    return this.#storage.remove(this.#path(name, tag))
  }

  async removeAllOf(name: string, digest: string): Promise<void> {
    for (const tag of await this.list(name)) {
      if ((await this.digestOf(name, tag)) === digest) await this.remove(name, tag)
    }
  }

  /** Sorted by code unit (distribution-spec "Listing Tags": lexical order). */
  async list(name: string): Promise<readonly string[]> {
    const files = await list(this.#storage.repository(name, '_tags'))
    return files.map(decodeTag).filter(isTag).sort()
  }
}

/** `Vx` -> `vx~1`: lower case, then a bit for each upper-case letter, lowest first, in hexadecimal. */
export function encodeTag(tag: string): string {
  const lower = tag.toLowerCase()
  let bits = 0n
  for (let at = 0; at < tag.length; at++) if (tag[at] !== lower[at]) bits |= 1n << BigInt(at)
  return bits === 0n ? lower : `${lower}~${bits.toString(16)}`
}

export function decodeTag(file: string): string {
  const [lower = '', hex] = file.split('~', 2)
  if (hex === undefined || !/^[0-9a-f]{1,32}$/.test(hex)) return lower
  const bits = BigInt(`0x${hex}`)
  return [...lower].map((char, at) => ((bits >> BigInt(at)) & 1n ? char.toUpperCase() : char)).join('')
}
