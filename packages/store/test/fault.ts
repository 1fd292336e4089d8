import { disk, type Disk } from '../src/index.js'
import { writeFile } from 'node:fs/promises'

const WRITES = new Set<keyof Disk>(['makeFolder', 'syncFolder', 'write', 'link', 'rename', 'unlink'])

export interface Faults {
  readonly disk: Disk
  /** Writing steps taken so far. */
  readonly steps: () => readonly string[]
}

/** The process dies before step `at`: that step and all later ones do nothing. A file being written stays half. */
export function dyingDisk(at: number): Faults {
  return faulty(async (step, run, half) => {
    if (step < at) return run()
    if (step === at) await half()
    throw new Error('the process is dead')
  })
}

/** Step `at` fails with this errno, once; `after`: although it was done. */
export function failingDisk(at: number, code: string, after: boolean): Faults {
  return faulty(async (step, run) => {
    if (step !== at) return run()
    if (after) await run()
    throw Object.assign(new Error(code), { code })
  })
}

function faulty(
  decide: (step: number, run: () => Promise<unknown>, half: () => Promise<void>) => Promise<unknown>,
): Faults {
  const taken: string[] = []
  const handler: ProxyHandler<Disk> = {
    get(real, method: keyof Disk) {
      const act = (real[method] as (...args: unknown[]) => Promise<unknown>).bind(real)
      if (!WRITES.has(method)) return act
      return (...args: unknown[]) => {
        const step = taken.push(method) - 1
        return decide(
          step,
          () => act(...args),
          async () => {
            const [path, content] = args as [string, Uint8Array]
            if (method === 'write')
              await writeFile(path, content.subarray(0, content.length / 2), { flag: 'wx' })
          },
        )
      }
    },
  }
  return { disk: new Proxy(disk, handler), steps: () => taken }
}
