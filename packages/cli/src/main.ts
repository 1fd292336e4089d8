import { readFileSync } from 'node:fs'
import { homeFrom } from '@nv2/client/home'
import { CommanderError } from 'commander'
import { COMMANDS, GROUPS, type CommandSpec } from './commands.js'
import type { Context, Options, Run } from './context.js'
import { CliError } from './errors.js'
import { EXIT } from './exit.js'
import { failureOf } from './failure.js'
import { interruption } from './interruption.js'
import { Output } from './output.js'
import { passphraseFrom, takeVariable } from './passphrase.js'
import { buildProgram } from './program.js'

/** The part of `process` that the program uses. */
export type Host = Pick<
  NodeJS.Process,
  'argv' | 'env' | 'stdin' | 'stdout' | 'stderr' | 'on' | 'off' | 'exit'
>

/** Runs one command line and returns its exit status. */
export async function main(host: Host): Promise<number> {
  const variable = takeVariable(host.env)
  const argv = host.argv.slice(2)
  // Known before parsing, because a command line that does not parse must answer in the form it asked for.
  let out = outputOf(host, { json: argv.includes('--json'), quiet: false, color: true })
  // A reader that went away (`nv2 list | head`) is no failure.
  host.stdout.on('error', (error: NodeJS.ErrnoException) =>
    host.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.storage),
  )
  const program = buildProgram(
    async (spec, args, options) => {
      out = outputOf(host, options)
      const context = contextOf(host, out, options, variable)
      await (
        await load(spec)
      )(context, args, options)
    },
    { version: version(), writeOut: (text) => void host.stdout.write(text) },
  )
  try {
    if (argv.length === 0) program.help({ error: true })
    await program.parseAsync(argv, { from: 'user' })
    return EXIT.ok
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    const failure = failureOf(error instanceof CommanderError ? misuse(error, argv) : error)
    out.failure(failure)
    return failure.exit
  }
}

function outputOf(host: Host, options: Options): Output {
  return new Output({
    stdout: host.stdout,
    stderr: host.stderr,
    json: options['json'] === true,
    quiet: options['quiet'] === true,
    color: options['color'] !== false && (host.env['NO_COLOR'] ?? '') === '',
  })
}

function contextOf(host: Host, out: Output, options: Options, variable: string | undefined): Context {
  const file = options['passphraseFile']
  return {
    home: homeFrom(host.env),
    out,
    ask: passphraseFrom({
      file: typeof file === 'string' ? file : undefined,
      variable,
      terminal: { input: host.stdin, output: host.stderr },
    }),
    clock: () => new Date(),
    env: host.env,
    interrupted: interruption(host),
  }
}

/** Only the command that was typed is loaded: start-up is most of what a short command costs. */
async function load(spec: CommandSpec): Promise<Run> {
  const { run } = (await import(`./commands/${spec.file}.js`)) as { run: Run }
  return run
}

function misuse(error: CommanderError, argv: readonly string[]): CliError {
  const words = argv.filter((word) => !word.startsWith('-'))
  const known = [words.slice(0, 2), words.slice(0, 1)].map((some) => some.join(' ')).find(isCommand)
  const help = ['nv2', ...(known === undefined ? [] : [known]), '--help'].join(' ')
  if (error.code === 'commander.help') return new CliError('USAGE', `which command? \`${help}\` lists them`)
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\.?\n/g, ' ')
    .trim()
  return new CliError('USAGE', `${message}; \`${help}\` shows the form and an example`)
}

function isCommand(words: string): boolean {
  return GROUPS.has(words) || COMMANDS.some((spec) => spec.words === words)
}

function version(): string {
  const file = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return file.version
}
