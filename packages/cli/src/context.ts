import type { Home } from '@nv2/client'
import type { AskPassphrase } from '@nv2/keys'
import type { Output } from './output.js'

/** What a command is given instead of reaching for the process: everything outside it. */
export interface Context {
  readonly home: Home
  readonly out: Output
  /** Asks for a passphrase when one is needed; hand it to KeyStore. */
  readonly ask: AskPassphrase
  readonly clock: () => Date
  /** Without NV2_PASSPHRASE. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** From the first call on, Ctrl-C and SIGTERM abort this signal instead of ending the process; a second Ctrl-C ends it. */
  interrupted(): AbortSignal
}

/** The values of a command's options by their camel-cased names; each command states those it reads. */
export type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** What every file in commands/ exports as `run`. `args` are the positionals in order; a missing optional one is undefined. */
export type Run<O = Options> = (
  context: Context,
  args: readonly (string | undefined)[],
  options: O,
) => Promise<void>
