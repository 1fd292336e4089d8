import { createHash } from 'node:crypto'

/** How long the online roles live, and when they are made anew. */
export interface Lifetimes {
  readonly snapshotMs: number
  readonly timestampMs: number
}

export const DAY_MS = 86_400_000
export const DEFAULT_LIFETIMES: Lifetimes = { snapshotMs: 7 * DAY_MS, timestampMs: DAY_MS }

export interface Dated {
  readonly version: number
  readonly expires: Date
}

/**
 * True once half of the life is over, or a little earlier (protocol P9). How much earlier hangs on the version and on the
 * process, so that many repositories made at one time are not renewed at one time, and two services seldom collide. Also
 * when what is published lives longer than it may by now: who shortens a life means what is out there too.
 */
export function renewalDue(signed: Dated, lifeMs: number, now: Date, seed: string): boolean {
  const jitter = createHash('sha256').update(`${seed}:${signed.version}`).digest().readUInt32BE(0) / 2 ** 32
  const left = signed.expires.getTime() - now.getTime()
  return left <= lifeMs * (0.5 + 0.1 * jitter) || left > lifeMs
}
