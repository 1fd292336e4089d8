import type { Descriptor } from './descriptor.js'

export type Body = Uint8Array | AsyncIterable<Uint8Array>

/** Somewhere that content can be read from by descriptor. */
export interface ContentReader {
  exists(descriptor: Descriptor, signal?: AbortSignal): Promise<boolean>
  /**
   * The bytes. Nothing is fetched before the first read; the iteration ends without an error only if size and digest
   * were right, and its last chunk is handed out only then. Absent: MANIFEST_UNKNOWN or BLOB_UNKNOWN.
   */
  open(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array>
}

/** Somewhere that content can be put. A push that fails leaves nothing that can be read. */
export interface ContentStore extends ContentReader {
  push(descriptor: Descriptor, body: Body, signal?: AbortSignal): Promise<void>
}

/** Names for manifests: tags in a registry, reference names in a layout. */
export interface Tags {
  /** Absent: MANIFEST_UNKNOWN. */
  resolve(name: string, signal?: AbortSignal): Promise<Descriptor>
  tag(name: string, descriptor: Descriptor, signal?: AbortSignal): Promise<void>
}
