import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { COMMANDS, EXIT } from '../src/index.js'
import { buildProgram } from '../src/program.js'
import { nv2, tempHome } from './program.js'

describe('cli: the command line', () => {
  let home: Awaited<ReturnType<typeof tempHome>>
  before(async () => {
    home = await tempHome()
  })
  after(() => home.remove())

  it('tells its version, alone and beside other words', async () => {
    const file = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    for (const args of [['--version'], ['-V'], ['--json', '--version']])
      expect(await nv2(args)).to.deep.equal({ status: 0, stdout: `${file.version}\n`, stderr: '' })
  })

  it('helps: 0 and on stdout', async () => {
    for (const args of [['--help'], ['key', '--help'], ['key', 'generate', '--help']]) {
      const { status, stdout, stderr } = await nv2(args)
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
      expect(stdout).to.contain('Usage: nv2').and.to.contain('--passphrase-file')
    }
  })

  it('has an example in the help of every command', () => {
    let text = ''
    const program = buildProgram(async () => undefined, { version: '', writeOut: (part) => (text += part) })
    for (const { words, examples } of COMMANDS) {
      text = ''
      expect(() => program.parse([...words.split(' '), '--help'], { from: 'user' })).to.throw()
      expect(text, words).to.contain(examples[0])
    }
  })

  it('reads every example: its options and arguments exist', async () => {
    const seen: string[] = []
    for (const { words, examples } of COMMANDS)
      for (const example of examples) {
        const argv = (/^nv2 ([^>]*)/.exec(example)?.[1] ?? '').trim().split(/\s+/)
        const program = buildProgram(async (spec) => void seen.push(spec.words), {
          version: '',
          writeOut: () => undefined,
        })
        await program.parseAsync(argv, { from: 'user' })
        expect(seen.at(-1)).to.equal(words)
      }
  })

  it('has a file for every command that is built, and no file for none', () => {
    const folder = fileURLToPath(new URL('../src/commands/', import.meta.url))
    for (const { file } of COMMANDS) expect(existsSync(`${folder}${file}.js`), file).to.equal(true)
    expect(readdirSync(folder)).to.include('key-generate.js')
  })

  it('takes a repeated option both ways, with further words and said again', async () => {
    const seen: unknown[] = []
    const dispatch = async (_: unknown, args: unknown, options: object): Promise<void> =>
      void seen.push(args, options)
    for (const keys of [
      ['--key', 'a', 'b'],
      ['--key', 'a', '--key', 'b'],
    ]) {
      const program = buildProgram(dispatch, { version: '', writeOut: () => undefined })
      await program.parseAsync(['delegate', 'targets', 'x', ...keys, '--path', 'x', '--json'], {
        from: 'user',
      })
    }
    expect(seen[0]).to.deep.equal(['targets', 'x'])
    expect(seen[1]).to.deep.include({ key: ['a', 'b'], path: ['x'], json: true })
    expect(seen[3]).to.deep.equal(seen[1])
  })

  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ['no command', [], 'nv2 --help'],
    ['no such command', ['frob'], '`nv2 --help`'],
    ['a near miss', ['key', 'generte'], 'Did you mean generate?'],
    ['half a command', ['key'], '`nv2 key --help`'],
    ['a missing argument', ['key', 'generate'], "missing required argument 'name'"],
    ['too many arguments', ['key', 'list', 'x'], 'too many arguments'],
    ['no such option', ['key', 'list', '--frob'], "unknown option '--frob'"],
    ['a value that is no choice', ['key', 'generate', 'x', '--type', 'dsa'], 'ed25519, ecdsa-p256, rsa'],
  ]
  for (const [name, args, says] of wrong)
    it(`refuses ${name} with 1, says how it goes, and writes nothing`, async () => {
      const { status, stdout, stderr } = await nv2(args, { NV2_HOME: home.path })
      expect(status).to.equal(EXIT.usage)
      expect(stdout).to.equal('')
      expect(stderr)
        .to.match(/^nv2: .*\(USAGE\)\n$/)
        .and.to.contain(says)
      expect(readdirSync(home.path)).to.deep.equal([])
    })

  it('gives an error as one JSON object too when asked', async () => {
    const { status, stdout, stderr } = await nv2(['key', 'show', 'none', '--json'], { NV2_HOME: home.path })
    expect(status).to.equal(EXIT.notFound)
    expect(stderr).to.match(/^nv2: there is no key none/)
    expect((JSON.parse(stdout) as { error: { code: string } }).error.code).to.equal('KEY_NOT_FOUND')
    const misuse = await nv2(['key', 'show', '--json'])
    expect((JSON.parse(misuse.stdout) as { error: { code: string } }).error.code).to.equal('USAGE')
  })

  it('reads nothing from the current folder and refuses a home that depends on it', async () => {
    const { status, stderr } = await nv2(['key', 'list'], { NV2_HOME: 'relative' })
    expect(status).to.equal(EXIT.usage)
    expect(stderr).to.contain('absolute')
  })
})
