/** Time as the service sees it; tests hand in one that they move. */
export interface Clock {
  now(): Date
  /** Calls `act` once after this many milliseconds, unless the answer is called first. */
  after(ms: number, act: () => void): () => void
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  after(ms, act) {
    const timer = setTimeout(act, Math.min(ms, LONGEST_TIMER_MS))
    return () => clearTimeout(timer)
  },
}
