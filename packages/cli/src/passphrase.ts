import { open } from 'node:fs/promises'
import type { AskPassphrase } from '@nv2/keys'
import { usage, CliError } from './errors.js'
import { readHidden, type Terminal } from './prompt.js'

export interface PassphraseSources {
  /** --passphrase-file */
  readonly file: string | undefined
  /** NV2_PASSPHRASE, as taken out of the environment. */
  readonly variable: string | undefined
  readonly terminal: Terminal
}

const LIMIT = 4096
const WAYS =
  'give it at a prompt (run nv2 on a terminal), with --passphrase-file FILE, or in the environment variable NV2_PASSPHRASE'

/** The three ways to a passphrase, in this order: file, environment, prompt. Never the command line: others read that. */
export function passphraseFrom(sources: PassphraseSources): AskPassphrase {
  return async ({ purpose, what }) => {
    if (sources.file !== undefined) return fromFile(sources.file)
    if (sources.variable !== undefined) return sources.variable
    if (sources.terminal.input.isTTY !== true)
      throw new CliError(
        'USAGE',
        `the passphrase of ${what} is needed and there is no terminal to ask on; ${WAYS}`,
      )
    const first = await readHidden(sources.terminal, `Passphrase of ${what}: `)
    if (purpose === 'open') return first
    if (first === '') throw usage(`an empty passphrase protects nothing; choose one for ${what}`)
    if ((await readHidden(sources.terminal, 'The same again: ')) !== first)
      throw usage('the two passphrases differ; nothing was written, try again')
    return first
  }
}

/** Takes NV2_PASSPHRASE out of the environment, so that no child process inherits it. Empty counts as not given. */
export function takeVariable(env: Record<string, string | undefined>): string | undefined {
  const value = env['NV2_PASSPHRASE']
  delete env['NV2_PASSPHRASE']
  return value === '' ? undefined : value
}

async function fromFile(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new CliError(
      'USAGE',
      `--passphrase-file ${path} cannot be read: ${(cause as Error).message}`,
      cause,
    )
  })
  try {
    const buffer = Buffer.alloc(LIMIT + 1)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null)
    if (bytesRead > LIMIT) throw usage(`--passphrase-file ${path} has more than ${LIMIT} bytes`)
    let end = bytesRead
    // Editors end a file with a line break that nobody meant to type.
    if (buffer[end - 1] === 0x0a) end--
    if (buffer[end - 1] === 0x0d) end--
    if (end <= 0) throw usage(`--passphrase-file ${path} is empty`)
    return buffer.subarray(0, end)
  } finally {
    await handle.close()
  }
}
