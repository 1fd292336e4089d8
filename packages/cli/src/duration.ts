import { usage } from './errors.js'

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Milliseconds of a life such as 90d, 12h, 30m, 30s or 500ms. */
export function duration(text: string, option: string): number {
  const [, number = '', unit = ''] = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/.exec(text) ?? []
  const value = Number(number) * (UNITS.get(unit) ?? Number.NaN)
  // A century: beyond it a date of four-digit years is near, and nobody means it.
  if (value > 0 && value <= 36_525 * 86_400_000) return value
  throw usage(`${option} ${JSON.stringify(text)} is no duration; write it as 90d, 12h, 30m, 30s or 500ms`)
}
