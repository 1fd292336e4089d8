import type { MemoryStore } from '@nv2/store'

/** Holds the first write of a staged set until it is released. */
export function stall(real: MemoryStore) {
  let release = (): void => undefined
  let arrive = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const reached = new Promise<void>((resolve) => (arrive = resolve))
  const store = new Proxy(real, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      const call = method.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (name !== 'create') return call
      return async (...args: unknown[]) => {
        if (String(args[0]).startsWith('staged/')) {
          arrive()
          await released
        }
        return call(...args)
      }
    },
  })
  return { store, reached, release: () => release() }
}
