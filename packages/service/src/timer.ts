import type { Clock } from './clock.js'

/**
 * Does a job again and again: the next wait begins when the job is done, so it never runs twice at once. A job that
 * fails is reported by the job itself; the timer goes on whatever happens (protocol P9).
 */
export class Timer {
  private readonly clock: Clock
  private readonly intervalMs: number
  private readonly job: () => Promise<void>
  private cancel: (() => void) | null = null
  private running: Promise<void> = Promise.resolve()
  private on = false

  constructor(clock: Clock, intervalMs: number, job: () => Promise<void>) {
    this.clock = clock
    this.intervalMs = intervalMs
    this.job = job
  }

  start(): void {
    if (this.on) return
    this.on = true
    this.tick()
  }

  /** Resolves when a job that runs now is done. */
  async stop(): Promise<void> {
    this.on = false
    this.cancel?.()
    this.cancel = null
    await this.running
  }

  private tick(): void {
    this.running = this.job()
      .catch(() => undefined)
      .then(() => {
        if (this.on) this.cancel = this.clock.after(this.intervalMs, () => this.tick())
      })
  }
}
