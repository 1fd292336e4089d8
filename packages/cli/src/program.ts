import { Command, Option } from 'commander'
import { COMMANDS, GLOBAL_OPTIONS, GROUPS, type CommandSpec, type OptionSpec } from './commands.js'
import type { Options } from './context.js'

/** Called with what was typed, once it is known which command is meant. */
export type Dispatch = (
  spec: CommandSpec,
  args: readonly (string | undefined)[],
  options: Options,
) => Promise<void>

export interface ProgramStreams {
  readonly writeOut: (text: string) => void
  readonly version: string
}

/** The command line as commander reads it. Throws commander's CommanderError for help, version and misuse. */
export function buildProgram(dispatch: Dispatch, { writeOut, version }: ProgramStreams): Command {
  const program = new Command('nv2')
    .description('Sign OCI artifacts offline with TUF; believe only your own root of trust.')
    .version(version)
    .exitOverride()
    // Errors are thrown; the caller prints them, in the one form of all errors.
    .configureOutput({ writeOut, writeErr: () => undefined })
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .showSuggestionAfterError(true)
  for (const option of GLOBAL_OPTIONS) program.addOption(toOption(option))
  program.addHelpText(
    'after',
    '\nExample:\n  nv2 download netmonitor\n\n`nv2 COMMAND --help` says more of each.',
  )
  const groups = new Map<string, Command>()
  for (const spec of COMMANDS) register(program, groups, spec, dispatch)
  return program
}

function register(
  program: Command,
  groups: Map<string, Command>,
  spec: CommandSpec,
  dispatch: Dispatch,
): void {
  const [word = '', last] = spec.words.split(' ')
  let parent = program
  if (last !== undefined) {
    parent = groups.get(word) ?? program.command(word).description(GROUPS.get(word) ?? '')
    groups.set(word, parent)
  }
  const command = parent.command(`${last ?? word} ${spec.args ?? ''}`.trim()).summary(spec.summary)
  command.description(`${spec.summary}${spec.detail === undefined ? '' : `\n\n${spec.detail}`}`)
  for (const option of spec.options ?? []) command.addOption(toOption(option))
  command.addHelpText('after', `\nExample:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`)
  command.action(async () => {
    const count = command.registeredArguments.length
    const args = Array.from({ length: count }, (_, i) => command.args[i])
    await dispatch(spec, args, command.optsWithGlobals<Options>())
  })
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.help)
  if (spec.choices) option.choices([...spec.choices])
  if (spec.default !== undefined) option.default(spec.default)
  if (spec.required) option.makeOptionMandatory()
  return option
}
