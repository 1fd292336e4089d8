/** A clock that only moves when told. Hand `clock.now` to code that takes `() => Date`. */
export class FakeClock {
  private time: number

  constructor(start: Date | string = '2030-01-01T00:00:00Z') {
    this.time = new Date(start).getTime()
  }

  readonly now = (): Date => new Date(this.time)

  /** Moves by milliseconds; negative goes back. */
  move(milliseconds: number): void {
    this.time += milliseconds
  }

  set(to: Date | string): void {
    this.time = new Date(to).getTime()
  }
}

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
