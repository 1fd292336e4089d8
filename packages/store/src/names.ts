import { StoreError } from './errors.js'
import { TIMESTAMP } from './port.js'

/**
 * A part of a name is a file's or folder's name as it stands. No upper case but in escapes, so that two names never meet
 * on a file system that ignores case; nothing hidden, no `..`; 240 bytes, which every file system takes.
 */
const PART = /^(?!\.)(?:[a-z0-9._~-]|%[0-9A-F]{2}|%%){1,240}$/
const VERSIONED_TIMESTAMP = /^[0-9]+\.timestamp\.json$/

export function isName(name: string): boolean {
  const parts = name.split('/')
  return (
    parts.length <= 4 &&
    parts.every((part) => part.length <= 240 && PART.test(part)) &&
    !VERSIONED_TIMESTAMP.test(name)
  )
}

export function checkName(name: string): void {
  if (!isName(name))
    throw new StoreError(
      'BAD_STORE_NAME',
      `${JSON.stringify(name.slice(0, 200))} cannot be the name of a stored file`,
    )
}

/** A name that is written once. */
export function checkCreate(name: string): void {
  checkName(name)
  if (name === TIMESTAMP) throw new StoreError('BAD_STORE_NAME', `${TIMESTAMP} is only written by replace`)
}

export function checkReplace(name: string): void {
  if (name !== TIMESTAMP)
    throw new StoreError('BAD_STORE_NAME', `only ${TIMESTAMP} can be replaced, not ${JSON.stringify(name)}`)
}
