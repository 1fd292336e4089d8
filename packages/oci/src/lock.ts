import { randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode, linkInto, moveInto, writeTemporary } from './durable-file.js'
import { OciError } from './errors.js'

/**
 * One writer at a time over one folder, between processes of one host, without time-outs that break live locks.
 *
 * Holding is a chain of create-only files 1, 2, 3 ...: whoever creates N+1 holds the lock, and may create it only once N
 * is marked free or its process is dead. Of two that see the same dead holder one wins the create. The highest file
 * is never removed, so a slow taker finds a higher number than its own and steps back.
 */
export async function withLock<T>(
  folder: string,
  temp: string,
  work: () => Promise<T>,
  patience = 30_000,
): Promise<T> {
  const held = await take(folder, temp, patience)
  try {
    return await work()
  } finally {
    await moveInto(await writeTemporary(temp, encode({ free: true })), join(folder, String(held)))
  }
}

/** Tells this run from an earlier one that had the same number (process 1 of a container, say). */
const run = randomUUID()

interface Holder {
  readonly free?: boolean
  readonly pid?: number
  readonly host?: string
  readonly run?: string
}

const encode = (holder: Holder): Uint8Array => Buffer.from(JSON.stringify(holder))

async function take(folder: string, temp: string, patience: number): Promise<number> {
  await mkdir(folder, { recursive: true })
  const giveUp = Date.now() + patience
  for (;;) {
    const top = highest(await readdir(folder))
    const holder = top === 0 ? { free: true } : await read(join(folder, String(top)))
    if (holder !== undefined && (holder.free === true || isDead(holder))) {
      const mine = join(folder, String(top + 1))
      const own = await writeTemporary(temp, encode({ pid: process.pid, host: hostname(), run }))
      if (await linkInto(own, mine)) {
        const numbers = (await readdir(folder)).map(Number)
        if (highest(numbers.map(String)) === top + 1) {
          await Promise.all(
            numbers.filter((n) => n <= top).map((n) => rm(join(folder, String(n)), { force: true })),
          )
          return top + 1
        }
        await rm(mine, { force: true })
      }
    } else if (Date.now() > giveUp) {
      const who =
        holder?.pid === undefined
          ? 'another process'
          : `process ${String(holder.pid)} on ${holder.host ?? '?'}`
      throw new OciError(
        'LAYOUT_BUSY',
        `${who} has been writing the index for ${String(patience / 1000)} seconds. Wait for it; if it is no nv2, remove the folder ${folder}`,
      )
    }
    await sleep(2 + Math.random() * 10)
  }
}

const highest = (names: readonly string[]): number =>
  names.reduce((top, name) => (/^[1-9][0-9]{0,14}$/.test(name) ? Math.max(top, Number(name)) : top), 0)

async function read(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch (error) {
    // Removed by a newer holder between our two looks: look again. Unreadable: nothing of ours, wait and then say so.
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

function isDead(holder: Holder): boolean {
  if (holder.host !== hostname() || holder.pid === undefined) return false
  if (holder.pid === process.pid) return holder.run !== run
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return errorCode(error) === 'ESRCH'
  }
}
