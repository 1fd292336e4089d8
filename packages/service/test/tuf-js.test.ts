import { FileStore } from '@nv2/store'
import { expect } from 'chai'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Updater } from 'tuf-js'
import { createService, type Service } from '../src/index.js'
import { listen, type Listening } from './listen.js'
import {
  contentOf,
  key,
  later,
  NETMONITOR,
  open,
  put,
  roleTree,
  rootTree,
  sha,
  signed,
  story,
} from './world.js'

const PATH = `${NETMONITOR}:latest`
const ALL = ['snapshot', 'timestamp', 'snapshot2', 'timestamp2'].map(key)

describe('stock tuf-js as a client', () => {
  let folder: string
  let store: FileStore
  let service: Service
  let server: Listening

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nv2-tuf-js-'))
    store = await FileStore.open(join(folder, 'store'))
    service = await createService({
      repositories: [{ name: 'public', rootBytes: await signed(rootTree(1), 'root'), store }],
      signers: ALL,
      interval: 'off',
      content: (sha256, path) => Promise.resolve(sha(contentOf(path)) === sha256 ? contentOf(path) : null),
    })
    server = await listen(service.handler)
  })
  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** A client with a folder of its own, which it keeps between calls. */
  async function updater(name: string): Promise<Updater> {
    const dirs = { metadataDir: join(folder, name), targetDir: join(folder, `${name}-targets`) }
    for (const dir of Object.values(dirs)) await mkdir(dir, { recursive: true })
    await writeFile(join(dirs.metadataDir, 'root.json'), await signed(rootTree(1), 'root'), {
      flag: 'wx',
    }).catch(() => undefined)
    const base = `${server.url}/tuf/public`
    return new Updater({ ...dirs, metadataBaseUrl: `${base}/metadata`, targetBaseUrl: `${base}/targets` })
  }

  async function download(name: string): Promise<string> {
    const one = await updater(name)
    await one.refresh()
    const target = await one.getTargetInfo(PATH)
    if (!target) throw new Error(`${PATH} was not found`)
    return readFile(await one.downloadTarget(target), 'utf8')
  }

  it('refreshes, finds and downloads what the service published', async () => {
    await put(await open(store, { signers: ALL }), await story(), { now: new Date() })
    await service.publish()
    expect(await download('client')).to.equal(`content of ${PATH}`)
    expect(await (await updater('client')).getTargetInfo(`${NETMONITOR}:other`)).to.equal(undefined)
  })

  it('follows a change of all online keys, fresh or with old state', async () => {
    const repository = await open(store, { signers: ALL })
    await put(repository, await story())
    await service.publish()
    await download('old')
    const root = await signed(rootTree(2, { snapshot: ['snapshot2'], timestamp: ['timestamp2'] }), 'root')
    await put(repository, { root })
    await service.publish()
    expect(await download('old')).to.equal(`content of ${PATH}`)
    expect(await download('new')).to.equal(`content of ${PATH}`)
    await put(repository, {
      [NETMONITOR]: await signed(roleTree({ version: 2, targets: [PATH], expires: later(10) }), 'dev'),
    })
    await service.publish()
    expect(await download('old')).to.equal(`content of ${PATH}`)
    expect(await download('third')).to.equal(`content of ${PATH}`)
  })

  it('reads names that need encoding', async () => {
    const role = 'wabbit-networks/Net Monitor+ü'
    const files = await story()
    files['wabbit-networks'] = await signed(roleTree({ delegates: { [role]: ['dev'] } }), 'wabbit')
    files[role] = files[NETMONITOR]!
    delete files[NETMONITOR]
    await put(await open(store, { signers: ALL }), files)
    await service.publish()
    expect(await download('client')).to.equal(`content of ${PATH}`)
  })
})
