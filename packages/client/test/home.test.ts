import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeDir, tempDir } from '@nv2/testkit'
import { expect } from 'chai'
import {
  createOnce,
  editConfig,
  exclusively,
  homeFrom,
  readConfig,
  readIfThere,
  replaceFile,
} from '../src/index.js'
import { codeOf } from './consumer.js'

describe('where things live', () => {
  it('NV2_HOME holds everything', () => {
    const home = homeFrom({ NV2_HOME: '/n', HOME: '/h', XDG_CONFIG_HOME: '/c' })
    expect({ ...home }).to.deep.equal({
      config: '/n/config.json',
      keys: '/n/keys',
      repos: '/n/repos',
      cache: '/n/cache',
      store: '/n/store',
    })
  })

  it('else the XDG folders; a relative one is ignored, so the current folder is never read', () => {
    expect({ ...homeFrom({ HOME: '/h', XDG_CACHE_HOME: '/c', XDG_DATA_HOME: 'data' }) }).to.deep.equal({
      config: '/h/.config/nv2/config.json',
      keys: '/h/.local/share/nv2/keys',
      repos: '/h/.config/nv2/repos',
      cache: '/c/nv2',
      store: '/h/.local/share/nv2/store',
    })
  })

  it('a relative NV2_HOME is refused', async () => {
    expect(await codeOf(() => homeFrom({ NV2_HOME: '.nv2' }))).to.equal('USAGE')
  })
})

describe('files that count', () => {
  let folder: string
  beforeEach(async () => {
    folder = await tempDir()
  })
  afterEach(() => removeDir(folder))

  it('are created once, by one of many', async () => {
    const path = join(folder, 'a', 'b.json')
    const won = await Promise.all([1, 2, 3, 4].map((n) => createOnce(path, Buffer.from(String(n)))))
    expect(won.filter(Boolean)).to.have.length(1)
    expect((await readFile(path, 'utf8')).length).to.equal(1)
    expect(await readdir(join(folder, 'a'))).to.deep.equal(['b.json'])
  })

  it('are replaced whole, and a symbolic link in their place is not followed', async () => {
    const path = join(folder, 'x')
    await writeFile(join(folder, 'victim'), 'untouched')
    await symlink(join(folder, 'victim'), path)
    expect(await codeOf(() => readIfThere(path, 100))).to.equal('HOME_BROKEN')
    await replaceFile(path, Buffer.from('new'))
    expect(await readFile(join(folder, 'victim'), 'utf8')).to.equal('untouched')
    expect(await readFile(path, 'utf8')).to.equal('new')
  })

  it('are not read beyond their limit', async () => {
    await writeFile(join(folder, 'big'), Buffer.alloc(101))
    expect(await codeOf(() => readIfThere(join(folder, 'big'), 100))).to.equal('HOME_BROKEN')
  })

  it('say which lock to remove when another process does not come to an end', async () => {
    const path = join(folder, 'config.json')
    await writeFile(`${path}.lock`, '1')
    expect(await codeOf(() => exclusively(path, () => Promise.resolve(), 50))).to.equal('HOME_BUSY')
  })
})

describe('the configuration', () => {
  let folder: string
  beforeEach(async () => {
    folder = await tempDir()
  })
  afterEach(() => removeDir(folder))

  const good = {
    name: 'public',
    url: 'https://registry.example',
    repo: 'public',
    rootSha256: '0'.repeat(64),
    namespaces: ['wabbit-networks'],
    defaultUpload: false,
    defaultDownload: true,
  }
  const rows: [string, unknown][] = [
    ['half-written', '{"version":1,"regis'],
    ['empty', ''],
    ['of a newer version', { version: 2, registries: [] }],
    ['with an unknown member', { version: 1, registries: [], trustEverything: true }],
    ['with an unknown member in an entry', { version: 1, registries: [{ ...good, insecure: true }] }],
    ['with a name that is a path', { version: 1, registries: [{ ...good, repo: '../../x' }] }],
    ['without a root', { version: 1, registries: [{ ...good, rootSha256: undefined }] }],
    ['with one name twice', { version: 1, registries: [good, { ...good, defaultDownload: false }] }],
    ['with two defaults', { version: 1, registries: [good, { ...good, name: 'other' }] }],
    ['with one member twice', '{"version":1,"registries":[],"registries":[]}'],
  ]
  for (const [what, content] of rows)
    it(`${what} is refused and left as it is`, async () => {
      const home = homeFrom({ NV2_HOME: folder })
      const text = typeof content === 'string' ? content : JSON.stringify(content)
      await writeFile(home.config, text)
      expect(await codeOf(() => readConfig(home))).to.equal('HOME_BROKEN')
      expect(await codeOf(() => editConfig(home, () => ({ registries: [] })))).to.equal('HOME_BROKEN')
      expect(await readFile(home.config, 'utf8')).to.equal(text)
    })

  it('comes back as it was written; edits at the same time do not lose each other', async () => {
    const home = homeFrom({ NV2_HOME: folder })
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        editConfig(home, ({ registries }) => ({
          registries: [...registries, { ...good, name, defaultDownload: false }],
        })),
      ),
    )
    const { registries } = await readConfig(home)
    expect(registries.map((one) => one.name).sort()).to.deep.equal(['a', 'b', 'c'])
    expect(registries[0]).to.deep.include({ url: good.url, namespaces: good.namespaces })
  })
})
