import { expect } from 'chai'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { disk, FileStore, StoreError, type MetadataStore, type Outcome } from '../src/index.js'
import { networkFileSystem } from '../src/network-fs.js'
import { codeOf, contract } from './contract.js'
import { dyingDisk, failingDisk, type Faults } from './fault.js'
import { removeTempFolders, tempFolder } from './temp.js'

after(removeTempFolders)
contract('file', async () => FileStore.open(await tempFolder()))

const b = (text: string): Uint8Array => Buffer.from(text)
const read = async (store: MetadataStore, name: string): Promise<string | undefined> => {
  const stored = await store.read(name)
  return stored ? Buffer.from(stored.bytes).toString() : undefined
}

/** A publication in small: roles, then the swap. Gives what it was told. */
async function publish(store: MetadataStore): Promise<(Outcome | undefined)[]> {
  const [role, snapshot] = await store.createAll([
    { name: '2.a%2Fb.json', bytes: b('role 2 role 2') },
    { name: '2.snapshot.json', bytes: b('snapshot 2 snapshot 2') },
  ])
  const staged = await store.create('staged/new', b('staged staged'))
  const before = await store.read('timestamp.json')
  return [
    role,
    snapshot,
    staged,
    await store.replace('timestamp.json', b('time 2 time 2'), before?.revision ?? null),
  ]
}

async function prepared(): Promise<string> {
  const folder = await tempFolder()
  const store = await FileStore.open(folder)
  await store.create('1.snapshot.json', b('snapshot 1'))
  await store.replace('timestamp.json', b('time 1'), null)
  return folder
}

async function consistent(folder: string): Promise<string> {
  const store = await FileStore.open(folder)
  const time = await read(store, 'timestamp.json')
  expect(time).to.be.oneOf(['time 1', 'time 2 time 2'])
  expect(await read(store, '2.a%2Fb.json')).to.be.oneOf([undefined, 'role 2 role 2'])
  expect(await read(store, '2.snapshot.json')).to.be.oneOf([undefined, 'snapshot 2 snapshot 2'])
  if (time === 'time 2 time 2') expect(await read(store, '2.snapshot.json')).to.equal('snapshot 2 snapshot 2')
  // What a plain file server shows is the same.
  expect(await readFile(join(folder, 'timestamp.json'), 'utf8')).to.equal(time)
  return time ?? ''
}

describe('file store', () => {
  it('keeps files for the owner only and leaves no temp file', async () => {
    const folder = await prepared()
    const store = await FileStore.open(folder)
    await publish(store)
    expect((await stat(folder)).mode & 0o777).to.equal(0o700)
    expect((await stat(join(folder, 'staged'))).mode & 0o777).to.equal(0o700)
    for (const name of ['timestamp.json', '2.timestamp.json', '2.a%2Fb.json', 'staged/new'])
      expect((await stat(join(folder, name))).mode & 0o777, name).to.equal(0o600)
    expect(await readdir(join(folder, '.tmp'))).to.deep.equal([])
  })

  it('ignores half-written temp files, and sweeps the old ones when it opens', async () => {
    const folder = await prepared()
    await writeFile(join(folder, '.tmp', 'old'), 'hal')
    await writeFile(join(folder, '.tmp', 'new'), 'hal')
    await utimes(join(folder, '.tmp', 'old'), 1, 1)
    const store = await FileStore.open(folder)
    expect(await readdir(join(folder, '.tmp'))).to.deep.equal(['new'])
    expect((await store.list('')).map(({ name }) => name)).to.deep.equal([
      '1.snapshot.json',
      'timestamp.json',
    ])
  })

  it('leaves alone what others put into the folder', async () => {
    const folder = await prepared()
    await writeFile(join(folder, 'README'), 'mine')
    await mkdir(join(folder, 'Lost+Found'))
    const store = await FileStore.open(folder)
    expect((await store.list('')).map(({ name }) => name)).to.deep.equal([
      '1.snapshot.json',
      'timestamp.json',
    ])
  })

  it('knows the network file systems that statfs tells of', () => {
    expect(networkFileSystem(0x6969)).to.equal('NFS')
    expect(networkFileSystem(0xff534d42 | 0)).to.equal('CIFS')
    expect(networkFileSystem(0xef53)).to.equal(null)
  })

  it('refuses a network file system', async () => {
    const nfs = { ...disk, fileSystemType: () => Promise.resolve(0x6969) }
    const folder = await tempFolder()
    expect(await codeOf(() => FileStore.open(folder, { disk: nfs }))).to.equal('NETWORK_FILE_SYSTEM')
  })

  it('says when its folder is a file', async () => {
    const path = join(await tempFolder(), 'file')
    await writeFile(path, '')
    expect(await codeOf(() => FileStore.open(path))).to.equal('STORAGE_BROKEN')
  })

  for (const [errno, code] of [
    ['ENOSPC', 'STORAGE_FULL'],
    ['EROFS', 'STORAGE_READ_ONLY'],
    ['EACCES', 'STORAGE_READ_ONLY'],
    ['EIO', 'STORAGE_BROKEN'],
  ] as const)
    it(`calls ${errno} of a write ${code}, and nothing was written`, async () => {
      const folder = await prepared()
      const opened = (await steps(folder, () => Promise.resolve())).length
      const { disk } = failingDisk(opened, errno, false)
      const store = await FileStore.open(folder, { disk })
      expect(await codeOf(() => store.create('9.x.json', b('x')))).to.equal(code)
      expect(await read(store, '9.x.json')).to.equal(undefined)
      expect(await store.create('9.x.json', b('x'))).to.equal('done')
    })

  it('is consistent after a crash at every single step of a publication', async () => {
    const clean = await steps(await prepared(), publish)
    const seen = new Map<string, number>()
    let kills = 0
    for (let at = 0; at < clean.length; at++) {
      const folder = await prepared()
      const died = await run(folder, dyingDisk(at), publish)
      if (died !== 'finished') kills++
      const time = await consistent(folder)
      seen.set(time, (seen.get(time) ?? 0) + 1)
      // The next one goes on from there.
      const next = await FileStore.open(folder)
      const now = await next.read('timestamp.json')
      expect(await next.replace('timestamp.json', b('next'), now?.revision ?? null)).to.equal('done')
      expect(await readFile(join(folder, 'timestamp.json'), 'utf8')).to.equal('next')
    }
    expect(clean.length).to.be.greaterThan(15)
    expect(kills).to.be.greaterThan(clean.length / 2)
    expect([...seen.keys()].sort()).to.deep.equal(['time 1', 'time 2 time 2'])
  })

  it('never says that a write did not happen when it did (every step failing, before and after the fact)', async () => {
    const clean = await steps(await prepared(), publish)
    for (let at = 0; at < clean.length; at++)
      for (const after of [false, true]) {
        const folder = await prepared()
        const told = await run(folder, failingDisk(at, 'EIO', after), publish)
        const time = await consistent(folder)
        if (told === 'finished') expect(time).to.equal('time 2 time 2')
        if (told === 'STORAGE_BROKEN') expect(time, `step ${at} ${clean[at] ?? ''}`).to.equal('time 1')
      }
  })
})

async function steps(
  folder: string,
  act: (store: MetadataStore) => Promise<unknown>,
): Promise<readonly string[]> {
  const faults = dyingDisk(Infinity)
  await act(await FileStore.open(folder, { disk: faults.disk }))
  return faults.steps()
}

async function run(
  folder: string,
  faults: Faults,
  act: (store: MetadataStore) => Promise<unknown>,
): Promise<string> {
  try {
    await act(await FileStore.open(folder, { disk: faults.disk }))
    return 'finished'
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
}
