import { StoreError } from './errors.js'
import type { MetadataStore, Outcome } from './port.js'

const TRIES = 3

/**
 * Creates, and after `lost` or an unknown outcome looks whether it is our bytes that stand there (protocol S1). `lost`
 * means that other bytes do; when nothing does, it is tried again, and in the end UNKNOWN_OUTCOME is thrown.
 */
export async function createSettled(store: MetadataStore, name: string, bytes: Uint8Array): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      if ((await store.create(name, bytes)) === 'done') return 'done'
    } catch (error) {
      if (!isUnknown(error) || (attempt === TRIES && !(await store.read(name)))) throw error
    }
    const stored = await store.read(name)
    if (stored) return same(stored.bytes, bytes) ? 'done' : 'lost'
  }
}

/** The same for the swap. Bytes of ours that were already replaced by a later swap read as `lost`: start again. */
export async function replaceSettled(
  store: MetadataStore,
  name: string,
  bytes: Uint8Array,
  expected: string | null,
): Promise<Outcome> {
  try {
    if ((await store.replace(name, bytes, expected)) === 'done') return 'done'
  } catch (error) {
    if (!isUnknown(error)) throw error
  }
  const stored = await store.read(name)
  return stored && same(stored.bytes, bytes) ? 'done' : 'lost'
}

function isUnknown(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'UNKNOWN_OUTCOME'
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
