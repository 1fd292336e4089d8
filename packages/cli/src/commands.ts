import { ARTIFACTS } from './table/artifacts.js'
import { KEYS } from './table/keys.js'
import { METADATA } from './table/metadata.js'
import { PLACES } from './table/places.js'
import type { CommandSpec, OptionSpec } from './table/spec.js'

export type { CommandSpec, OptionSpec } from './table/spec.js'

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [...KEYS, ...METADATA, ...ARTIFACTS, ...PLACES]

/** Options of every command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--json', help: 'print the result, or the error, as one JSON object' },
  { flags: '--quiet', help: 'print errors and warnings only' },
  { flags: '--no-color', help: 'no colours (also the environment variable NO_COLOR)' },
  {
    flags: '--passphrase-file <file>',
    help: 'read the passphrase of keys from this file (else NV2_PASSPHRASE, else a prompt)',
  },
]

/** What the words before the last mean. */
export const GROUPS: ReadonlyMap<string, string> = new Map([
  ['key', 'keys that sign'],
  ['repo', 'TUF repositories: roots of trust'],
  ['registry', 'registries and the trust in them'],
])
