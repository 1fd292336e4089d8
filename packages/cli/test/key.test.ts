import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { EXIT } from '../src/index.js'
import { nv2, tempHome, type Ended } from './program.js'

const SECRET = 'tr0ub4dor'

describe('cli: key', () => {
  let home: Awaited<ReturnType<typeof tempHome>>
  let env: Record<string, string>
  beforeEach(async () => {
    home = await tempHome()
    env = { NV2_HOME: join(home.path, 'nv2'), NV2_PASSPHRASE: SECRET }
  })
  afterEach(() => home.remove())

  const json = ({ stdout }: Ended): unknown => JSON.parse(stdout)

  it('generates, lists, shows and exports', async () => {
    const made = await nv2(['key', 'generate', 'release', '--json'], env)
    expect(made.status, made.stderr).to.equal(EXIT.ok)
    const key = json(made) as { name: string; keyid: string }
    expect(key).to.include({ name: 'release', type: 'ed25519', private: true })
    expect(json(await nv2(['key', 'list', '--json'], env))).to.deep.equal({ keys: [key], broken: [] })
    expect((await nv2(['key', 'show', 'release'], env)).stdout).to.contain(key.keyid)
    const pem = await readFile(join(home.path, 'nv2', 'keys', 'release.pub'), 'utf8')
    expect(await nv2(['key', 'export', 'release', '--public'], env)).to.deep.equal({
      status: 0,
      stdout: pem,
      stderr: '',
    })
    expect((await nv2(['key', 'export', 'release'], env)).stderr).to.contain('--public')
    for (const path of ['', 'keys'])
      expect((await stat(join(home.path, 'nv2', path))).mode & 0o777).to.equal(0o700)
  })

  it('keeps the three ways to a passphrase apart, in their order, and names them when there is none', async () => {
    const file = join(home.path, 'passphrase')
    await writeFile(file, 'from a file\n')
    const { NV2_HOME = '' } = env
    const none = await nv2(['key', 'generate', 'a'], { NV2_HOME })
    expect(none.status).to.equal(EXIT.usage)
    for (const way of ['prompt', '--passphrase-file', 'NV2_PASSPHRASE']) expect(none.stderr).to.contain(way)
    expect((await nv2(['key', 'generate', 'a'], { NV2_HOME, NV2_PASSPHRASE: '' })).stderr).to.equal(
      none.stderr,
    )
    expect((await nv2(['key', 'generate', 'a', '--passphrase-file', file], env)).status).to.equal(EXIT.ok)
    const path = join(NV2_HOME, 'keys', 'a.key')
    const withFile = await nv2(['key', 'import', path, '--name', 'b', '--passphrase-file', file], {
      NV2_HOME,
    })
    expect(withFile.status, withFile.stderr).to.equal(EXIT.ok)
    const wrong = await nv2(['key', 'import', path, '--name', 'c'], env)
    expect(wrong.stderr).to.contain('WRONG_PASSPHRASE')
    expect(wrong.status).to.equal(EXIT.usage)
    expect(await readdir(join(NV2_HOME, 'keys'))).to.have.members(['a.key', 'a.pub', 'b.key', 'b.pub'])
  })

  it('refuses a passphrase file that is empty, too big or not there', async () => {
    const file = join(home.path, 'passphrase')
    const generate = ['key', 'generate', 'a', '--passphrase-file', file]
    expect((await nv2(generate, env)).stderr)
      .to.contain('cannot be read')
      .and.to.contain('USAGE')
    for (const [content, says] of [
      ['\n', 'is empty'],
      ['x'.repeat(5000), 'more than 4096'],
    ] as const) {
      await writeFile(file, content)
      expect((await nv2(generate, env)).stderr)
        .to.contain(says)
        .and.to.not.contain('xxx')
    }
    await mkdir(join(home.path, 'folder'))
    const folder = await nv2(['key', 'generate', 'a', '--passphrase-file', join(home.path, 'folder')], env)
    expect(folder.status).to.not.equal(EXIT.bug)
  })

  it('never says the passphrase', async () => {
    const { NV2_HOME = '' } = env
    await nv2(['key', 'generate', 'a'], env)
    const path = join(NV2_HOME, 'keys', 'a.key')
    const cut = join(home.path, 'cut.key')
    await writeFile(cut, (await readFile(path, 'latin1')).slice(0, 200))
    for (const args of [
      ['key', 'generate', 'a'],
      ['key', 'import', cut],
      ['key', 'import', path],
      ['key', 'import', home.path],
    ]) {
      const { status, stdout, stderr } = await nv2([...args, '--json'], env)
      expect(status, args.join(' ')).to.not.equal(EXIT.ok)
      expect(status).to.not.equal(EXIT.bug)
      expect(stdout + stderr).to.not.contain(SECRET)
    }
  })

  it('warns of a plain key and of one that is not whole, also with --quiet', async () => {
    const plain = join(home.path, 'plain.pem')
    await writeFile(
      plain,
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n',
    )
    const imported = await nv2(['key', 'import', plain, '--quiet'], env)
    expect(imported).to.include({ status: 0, stdout: '' })
    expect(imported.stderr).to.contain('warning').and.to.contain('not encrypted')
    const { NV2_HOME = '' } = env
    await writeFile(join(NV2_HOME, 'keys', 'half.key'), 'x')
    expect((await nv2(['key', 'list'], env)).stderr).to.contain('half.key has no half.pub')
  })
})
