import { spawnSync } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { CliError, exitOf, EXIT } from '../src/index.js'
import { expect } from 'chai'
import { duration } from '../src/duration.js'
import { failureOf } from '../src/failure.js'
import { Output } from '../src/output.js'
import { passphraseFrom, takeVariable } from '../src/passphrase.js'
import { printable } from '../src/printable.js'
import { readHidden, type Terminal } from '../src/prompt.js'
import { nv2 } from './program.js'

/** A stream that says it is a terminal, and remembers whether it was told to hide what is typed. */
function terminal(): Terminal & { type: (text: string) => void; raw: boolean[]; shown: () => string } {
  const raw: boolean[] = []
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) })
  const output = new PassThrough()
  const type = (text: string): void => void input.write(text)
  return { input, output, raw, type, shown: () => String(output.read() ?? '') }
}

const failing = async (work: Promise<unknown>): Promise<CliError> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).to.be.instanceOf(CliError)
  return error as CliError
}

describe('cli: parts', () => {
  describe('prompt', () => {
    it('reads a line without echo, with corrections, and leaves the rest for the next', async () => {
      const tty = terminal()
      tty.type('wrong\x15pä✓x\x7f\rnext\n')
      expect(await readHidden(tty, 'First: ')).to.equal('pä✓')
      expect(await readHidden(tty, 'Second: ')).to.equal('next')
      expect(tty.shown()).to.equal('First: \nSecond: \n')
      expect(tty.raw).to.deep.equal([true, false, true, false])
    })

    it('puts the terminal back when Ctrl-C is typed or the input ends', async () => {
      for (const end of ['half\x03', '\x04', null]) {
        const tty = terminal()
        if (end === null) (tty.input as PassThrough).end()
        else tty.type(end)
        expect((await failing(readHidden(tty, ''))).code).to.equal('INTERRUPTED')
        expect(tty.raw.at(-1)).to.equal(false)
      }
    })

    it('asks twice for a new passphrase, once for an old one, and refuses two that differ or none', async () => {
      const ask = (typed: string, purpose: 'open' | 'create'): Promise<string | Uint8Array> => {
        const tty = terminal()
        tty.type(typed)
        return passphraseFrom({ file: undefined, variable: undefined, terminal: tty })({
          purpose,
          what: 'key x',
        })
      }
      expect(await ask('one\r', 'open')).to.equal('one')
      expect(await ask('one\rone\r', 'create')).to.equal('one')
      expect((await failing(ask('one\rtwo\r', 'create'))).message)
        .to.contain('differ')
        .and.to.not.contain('two\r')
      expect((await failing(ask('\r\r', 'create'))).message).to.contain('empty')
    })
  })

  it('takes NV2_PASSPHRASE out of the environment, so that children do not inherit it', () => {
    const env: Record<string, string | undefined> = { NV2_PASSPHRASE: 'x', PATH: 'y' }
    expect(takeVariable(env)).to.equal('x')
    expect(env).to.deep.equal({ PATH: 'y' })
  })

  it('reads durations and nothing that only looks like one', async () => {
    const cases: readonly (readonly [string, number])[] = [
      ['90d', 7_776_000_000],
      ['12h', 43_200_000],
      ['5m', 300_000],
      ['30s', 30_000],
      ['500ms', 500],
    ]
    for (const [text, value] of cases) expect(duration(text, '--x')).to.equal(value)
    for (const text of [
      '',
      '0s',
      '-1d',
      '1.5h',
      '1',
      'd',
      '1w',
      '1d2h',
      ' 1d',
      '1D',
      '999999999d',
      '٣d',
      'Infinityd',
    ])
      expect(() => duration(text, '--x'), text).to.throw(CliError, '--x')
  })

  it('shows names that would act on a terminal as what they are', () => {
    expect(printable('a\x1b[2K\rb')).to.equal('a\\u001b[2K\\u000db')
    expect(printable('\x1b]0;title\x07\x9b2J\u202etxt')).to.equal('\\u001b]0;title\\u0007\\u009b2J\\u202etxt')
    expect(printable('\x1b[31mred\x1b[0m\tä\n')).to.equal('\x1b[31mred\x1b[0m\tä\n')
    expect(printable('\x1b[8mhidden')).to.equal('\\u001b[8mhidden')
  })

  it('keeps people and programs apart: --json, --quiet, progress only on a terminal', () => {
    const said = (options: { json?: boolean; quiet?: boolean; tty?: boolean }): [string, string] => {
      const [stdout, stderr] = [
        new PassThrough(),
        Object.assign(new PassThrough(), { isTTY: options.tty === true }),
      ]
      const out = new Output({
        stdout,
        stderr,
        json: options.json === true,
        quiet: options.quiet === true,
        color: true,
      })
      out.progress('working')
      out.line('step')
      out.result({ a: 1 }, 'done')
      out.warn('careful')
      return [String(stdout.read() ?? ''), String(stderr.read() ?? '')]
    }
    expect(said({})).to.deep.equal(['step\ndone\n', 'nv2: warning: careful\n'])
    expect(said({ json: true })).to.deep.equal(['{"a":1}\n', 'nv2: warning: careful\n'])
    expect(said({ quiet: true })).to.deep.equal(['', 'nv2: warning: careful\n'])
    expect(said({ tty: true })[1]).to.equal('\r\x1b[Kworking\r\x1b[Knv2: warning: careful\n')
  })

  it('maps each kind of failure to its exit status, without a stack trace', () => {
    expect(exitOf('EXPIRED')).to.equal(EXIT.refused)
    expect(exitOf('toString')).to.equal(undefined)
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    expect(failureOf(full)).to.include({ code: 'SYSTEM', exit: EXIT.storage })
    for (const bug of [
      new TypeError('x is not a function'),
      'text',
      undefined,
      Object.assign(new Error('?'), { code: 'WHAT' }),
    ])
      expect(failureOf(bug)).to.include({ code: 'INTERNAL', exit: EXIT.bug })
    const refused = Object.assign(new Error('1 of 2'), {
      code: 'SIGNATURE_THRESHOLD',
      role: 'x',
      missing: ['security'],
    })
    expect(failureOf(refused).detail).to.deep.equal({ role: 'x', missing: ['security'] })
  })

  describe('completion', () => {
    const complete = (script: string, ...words: string[]): string[] => {
      const setup = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _nv2; printf '%s\\n' "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['--norc', '-c', `${script}\n${setup}`], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter(Boolean)
    }

    it('completes words and options in bash', async function () {
      if (spawnSync('bash', ['--version']).status !== 0) this.skip()
      const { stdout } = await nv2(['completion', 'bash'])
      expect(complete(stdout, 'nv2', 'ke')).to.deep.equal(['key'])
      expect(complete(stdout, 'nv2', 'key', 'ge')).to.deep.equal(['generate'])
      expect(complete(stdout, 'nv2', 'key', 'generate', '--ty')).to.deep.equal(['--type'])
      expect(complete(stdout, 'nv2', 'upload', 'netmonitor', '--wa')).to.deep.equal(['--wait'])
      expect(complete(stdout, 'nv2', 'registry', 'add', '--default-up')).to.deep.equal(['--default-upload'])
    })

    it('has a script for zsh and fish, and an error for others', async () => {
      expect((await nv2(['completion', 'zsh'])).stdout).to.match(/^#compdef nv2\n/)
      expect((await nv2(['completion', 'fish'])).stdout).to.contain(
        '__fish_seen_subcommand_from key; and __fish_seen_subcommand_from generate',
      )
      expect((await nv2(['completion', 'tcsh'])).stderr).to.contain('bash, zsh, fish')
    })
  })
})
