import { expect } from 'chai'
import { TufError, type TufCode } from '../src/index.js'

/** Runs it, wants a TufError with this code, and gives it back. */
export function refused(code: TufCode, act: () => unknown): TufError {
  let error: unknown
  try {
    act()
  } catch (caught) {
    error = caught
  }
  expect(error, `nothing was refused; ${code} was expected`).to.be.instanceOf(TufError)
  const tufError = error as TufError
  expect(tufError.code, tufError.message).to.equal(code)
  return tufError
}
