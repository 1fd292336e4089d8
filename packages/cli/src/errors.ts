/** What the program itself can refuse; the libraries have their own codes. */
export type CliCode = 'USAGE' | 'INTERRUPTED' | 'SYSTEM' | 'INTERNAL'

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliCode

  constructor(code: CliCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** A command line that cannot be obeyed as it stands. */
export function usage(message: string): CliError {
  return new CliError('USAGE', message)
}
