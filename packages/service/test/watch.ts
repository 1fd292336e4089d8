import type { MetadataStore } from '@nv2/store'

/** Writes in their order; `between` runs after each. */
export function watch(real: MetadataStore, between: () => Promise<void> = () => Promise.resolve()) {
  const writes: string[] = []
  const after = async <T>(names: readonly string[], work: Promise<T>): Promise<T> => {
    const result = await work
    writes.push(...names)
    await between()
    return result
  }
  const store: MetadataStore = {
    read: (name) => real.read(name),
    list: (prefix) => real.list(prefix),
    create: (name, bytes) => after([name], real.create(name, bytes)),
    createAll: (entries) =>
      after(
        entries.map(({ name }) => name),
        real.createAll(entries),
      ),
    replace: (name, bytes, expected) => after([name], real.replace(name, bytes, expected)),
    remove: (name) => after([], real.remove(name)),
  }
  return { store, writes }
}
