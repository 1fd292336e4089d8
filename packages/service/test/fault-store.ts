import { StoreError, type Entry, type MetadataStore } from '@nv2/store'

export type Fault = 'before' | 'half' | 'after' | 'unknown-done' | 'unknown-lost'

export interface FaultyStore {
  readonly store: MetadataStore
  readonly writes: () => readonly string[]
}

/**
 * A store whose write number `at` goes wrong. `before`, `half`, `after`: the process dies before it, in the middle of
 * many, or after it, and nothing works any more. `unknown-*`: the answer is lost, the process lives.
 */
export function faultyStore(real: MetadataStore, at: number, fault: Fault): FaultyStore {
  const writes: string[] = []
  let dead = false
  const dying = (): Error => new Error('the process is dead')
  const write = async <T>(what: string, act: () => Promise<T>, half: () => Promise<unknown>): Promise<T> => {
    if (dead) throw dying()
    const count = writes.push(what) - 1
    if (count !== at) return act()
    if (fault === 'half') await half()
    if (fault === 'after' || fault === 'unknown-done') await act()
    if (fault.startsWith('unknown')) throw new StoreError('UNKNOWN_OUTCOME', 'the answer was lost')
    dead = true
    throw dying()
  }
  const alive = <T>(act: () => Promise<T>): Promise<T> => (dead ? Promise.reject(dying()) : act())
  const nothing = (): Promise<void> => Promise.resolve()
  const store: MetadataStore = {
    read: (name) => alive(() => real.read(name)),
    list: (prefix) => alive(() => real.list(prefix)),
    create: (name, bytes) => write(`create ${name}`, () => real.create(name, bytes), nothing),
    createAll: (entries: readonly Entry[]) =>
      write(
        `createAll ${entries.length}`,
        () => real.createAll(entries),
        () => real.createAll(entries.slice(0, Math.ceil(entries.length / 2))),
      ),
    replace: (name, bytes, expected) =>
      write(`replace ${name}`, () => real.replace(name, bytes, expected), nothing),
    remove: (name) => write(`remove ${name}`, () => real.remove(name), nothing),
  }
  return { store, writes: () => writes }
}
