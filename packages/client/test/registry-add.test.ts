import { readFile } from 'node:fs/promises'
import { fileList, removeDir, RepositorySimulator, tempDir } from '@nv2/testkit'
import { pinRoot, sha256Hex } from '@nv2/tuf'
import { expect } from 'chai'
import {
  addRegistry,
  homeFrom,
  keepRoot,
  readConfig,
  repoFolder,
  writePin,
  type Home,
  type RegistryRequest,
} from '../src/index.js'
import { codeOf } from './consumer.js'

describe('registry add', () => {
  let folder: string
  let home: Home
  let root: Uint8Array
  let other: Uint8Array
  before(async () => {
    const rootOf = async (name: string): Promise<Uint8Array> =>
      (await RepositorySimulator.create({ name })).files.get('1.root.json') ?? new Uint8Array()
    root = await rootOf('one')
    other = await rootOf('other')
  })
  beforeEach(async () => {
    folder = await tempDir()
    home = homeFrom({ NV2_HOME: folder })
  })
  afterEach(() => removeDir(folder))

  const request = (more: Partial<RegistryRequest> = {}): RegistryRequest => ({
    name: 'public',
    url: 'https://registry.example/',
    root,
    ...more,
  })
  const without = { name: 'public', url: 'https://registry.example' }

  const refusals: [string, () => RegistryRequest, string][] = [
    ['no root', () => without, 'NO_ROOT'],
    ['a root that is not one', () => ({ ...without, root: Buffer.from('{}') }), 'METADATA_INVALID'],
    [
      'a root that nobody signed',
      () => ({
        ...without,
        root: Buffer.from(
          Buffer.from(root)
            .toString()
            .replace(/"sig":"[^"]*"/g, '"sig":""'),
        ),
      }),
      'SIGNATURE_THRESHOLD',
    ],
    ['a root of another hash', () => request({ rootSha256: '0'.repeat(64) }), 'TRUST_MISMATCH'],
    ['half a hash', () => ({ ...without, rootSha256: 'abc' }), 'USAGE'],
    ['a name that is a path', () => request({ name: '../x' }), 'USAGE'],
    ['a URL with a password', () => request({ url: 'https://me:secret@registry.example' }), 'USAGE'],
    ['plain http to another computer', () => request({ url: 'http://registry.example' }), 'USAGE'],
    ['a URL of a file', () => request({ url: 'file:///etc' }), 'USAGE'],
    ['a namespace that is none', () => request({ namespaces: ['../..'] }), 'USAGE'],
  ]
  for (const [what, given, code] of refusals)
    it(`${what}: ${code}, and nothing is written`, async () => {
      expect(await codeOf(() => addRegistry(home, given()))).to.equal(code)
      expect([...(await fileList(folder)).keys()]).to.deep.equal([])
    })

  it('pins the root and writes the entry; the same again changes nothing', async () => {
    const added = await addRegistry(home, request({ namespaces: ['wabbit-networks'], defaultUpload: true }))
    expect(added).to.include({ url: 'https://registry.example', repo: 'public', rootSha256: sha256Hex(root) })
    const files = await fileList(folder)
    expect([...files.keys()]).to.have.members([
      'config.json',
      'repos/public/pinned.json',
      'repos/public/roots/1.root.json',
    ])
    await addRegistry(home, request({ namespaces: ['wabbit-networks'], defaultUpload: true }))
    expect(await fileList(folder)).to.deep.equal(files)
  })

  for (const [what, more] of [
    ['another root', () => ({ root: other })],
    ['another place', () => ({ url: 'https://elsewhere.example' })],
    ['other namespaces', () => ({ namespaces: ['acme'] })],
  ] as const)
    it(`never changes an entry in passing: ${what}`, async () => {
      await addRegistry(home, request())
      const files = await fileList(folder)
      expect(await codeOf(() => addRegistry(home, request(more())))).to.equal('REGISTRY_EXISTS')
      expect(await fileList(folder)).to.deep.equal(files)
    })

  it('the last default that was stated holds', async () => {
    await addRegistry(home, request({ defaultDownload: true }))
    await addRegistry(home, request({ name: 'private', root: other, defaultDownload: true }))
    const { registries } = await readConfig(home)
    expect(registries.map((one) => one.defaultDownload)).to.deep.equal([false, true])
  })

  it('is one repository with the one that was made here with the same root', async () => {
    await writePin(repoFolder(home, 'mine'), { sha256: sha256Hex(root) })
    await keepRoot(repoFolder(home, 'mine'), pinRoot(root))
    expect((await addRegistry(home, request())).repo).to.equal('mine')
  })

  it('does not take over a repository of this name with another root', async () => {
    await writePin(repoFolder(home, 'public'), { sha256: sha256Hex(other) })
    const pinned = await readFile(`${repoFolder(home, 'public')}/pinned.json`, 'utf8')
    expect(await codeOf(() => addRegistry(home, request()))).to.equal('TRUST_MISMATCH')
    expect(await readFile(`${repoFolder(home, 'public')}/pinned.json`, 'utf8')).to.equal(pinned)
    expect(await readConfig(home)).to.deep.equal({ registries: [] })
  })
})
