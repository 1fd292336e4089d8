/** One command: data only, so that help and completion need none of the code behind it. */
export interface CommandSpec {
  /** As typed: `sign`, `key generate`. */
  readonly words: string
  /** commander's notation: `<name> [key]`. */
  readonly args?: string
  readonly summary: string
  /** What the summary cannot hold: rules that the user should know before typing. */
  readonly detail?: string
  readonly options?: readonly OptionSpec[]
  readonly examples: readonly [string, ...string[]]
  /** The file in commands/ that exports `run`. */
  readonly file: string
}

export interface OptionSpec {
  /** commander's notation: `--key <key...>`; three dots: may be given several times. */
  readonly flags: string
  readonly help: string
  readonly choices?: readonly string[]
  readonly default?: string
  readonly required?: true
}

export const REPO: OptionSpec = {
  flags: '--repo <name>',
  help: 'the TUF repository, when several here hold the role or key',
}
export const REGISTRY: OptionSpec = {
  flags: '--registry <name>',
  help: 'a registry of `nv2 registry list`, instead of the default',
}
export const EXPIRES: OptionSpec = {
  flags: '--expires <life>',
  help: 'how long the signed metadata is valid, as 90d or 12h',
}
export const SHARED_KEY: OptionSpec = {
  flags: '--allow-shared-key',
  help: 'the key may serve another role or repository too',
}
