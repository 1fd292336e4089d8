import { checkCreate, checkName, checkReplace, isName } from './names.js'
import { TIMESTAMP, type Entry, type Listed, type MetadataStore, type Outcome, type Stored } from './port.js'

interface Held {
  readonly bytes: Uint8Array
  readonly revision: string
  readonly at: number
}

/** A store that forgets with its process: for tests and trials. */
export class MemoryStore implements MetadataStore {
  private readonly held = new Map<string, Held>()
  private readonly now: () => number
  private writes = 0

  constructor(now: () => number = Date.now) {
    this.now = now
  }

  read(name: string): Promise<Stored | null> {
    return attempt(() => {
      checkName(name)
      const found = this.held.get(name)
      return found ? { bytes: new Uint8Array(found.bytes), revision: found.revision } : null
    })
  }

  create(name: string, bytes: Uint8Array): Promise<Outcome> {
    return attempt(() => {
      checkCreate(name)
      return this.put(name, bytes, null)
    })
  }

  createAll(entries: readonly Entry[]): Promise<readonly Outcome[]> {
    return attempt(() => {
      for (const { name } of entries) checkCreate(name)
      return entries.map(({ name, bytes }) => this.put(name, bytes, null))
    })
  }

  replace(name: string, bytes: Uint8Array, expected: string | null): Promise<Outcome> {
    return attempt(() => {
      checkReplace(name)
      return this.put(name, bytes, expected)
    })
  }

  list(prefix: string): Promise<readonly Listed[]> {
    return attempt(() =>
      [...this.held]
        .filter(([name]) => name.startsWith(prefix) && isName(name))
        .map(([name, { at }]) => ({ name, ageMs: Math.max(0, this.now() - at) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    )
  }

  remove(name: string): Promise<void> {
    return attempt(() => {
      checkCreate(name)
      this.held.delete(name)
    })
  }

  private put(name: string, bytes: Uint8Array, expected: string | null): Outcome {
    if ((this.held.get(name)?.revision ?? null) !== expected) return 'lost'
    this.writes++
    const revision = name === TIMESTAMP ? String(this.writes) : '1'
    this.held.set(name, { bytes: new Uint8Array(bytes), revision, at: this.now() })
    return 'done'
  }
}

function attempt<T>(act: () => T): Promise<T> {
  return new Promise((resolve) => resolve(act()))
}
