/** Everything that keys can refuse. Closed: the exit table of the cli maps every member, or does not compile. */
export type KeysCode =
  | 'WRONG_PASSPHRASE'
  | 'PASSPHRASE_NEEDED'
  | 'KEY_FILE_BROKEN'
  | 'KEY_FILE_REFUSED'
  | 'KEY_UNSUPPORTED'
  | 'KEY_NAME_BAD'
  | 'KEY_NOT_FOUND'
  | 'KEY_EXISTS'
  | 'KEY_NOT_PRIVATE'
  | 'KEY_STORE_FAILED'

/** The only error that this package throws for what comes from outside. No message and no cause holds a passphrase or key. */
export class KeysError extends Error {
  override readonly name = 'KeysError'
  readonly code: KeysCode

  constructor(code: KeysCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
