/** `lost`: the name is taken, or the revision is no longer the current one. Nothing was written. */
export type Outcome = 'done' | 'lost'

export interface Stored {
  readonly bytes: Uint8Array
  /** Names exactly these bytes at this name; opaque. */
  readonly revision: string
}

export interface Entry {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface Listed {
  readonly name: string
  /** By the store's own clock. */
  readonly ageMs: number
}

/** The one name that moves. Every other name is written once and never changes. */
export const TIMESTAMP = 'timestamp.json'

/**
 * Where one TUF repository lives (protocol S1). What `done` was answered for survives a crash. When a write throws
 * UNKNOWN_OUTCOME, it may or may not have happened: `settle.ts` finds out. Any other StoreError: it did not happen.
 */
export interface MetadataStore {
  /** Null when there is no such name. */
  read(name: string): Promise<Stored | null>
  /** Writes a name that does not exist yet. */
  create(name: string, bytes: Uint8Array): Promise<Outcome>
  /** The same for many, with one point of durability; one outcome each, in order. Not atomic. */
  createAll(entries: readonly Entry[]): Promise<readonly Outcome[]>
  /** Compare-and-swap, for `timestamp.json` only: `expected` is the revision that was read, null for none. */
  replace(name: string, bytes: Uint8Array, expected: string | null): Promise<Outcome>
  /** May be late: nothing may rest on a name being absent from it. */
  list(prefix: string): Promise<readonly Listed[]>
  /** For garbage only. A missing name is no error. */
  remove(name: string): Promise<void>
}
