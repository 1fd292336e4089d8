import {
  RepositorySimulator,
  FakeClock,
  DAY,
  held,
  removeDir,
  serveSimulator,
  tempDir,
  testSigner,
  type TestServer,
} from '@nv2/testkit'
import { expect } from 'chai'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../architecture/tree.js'
import { ask, needs, refusal } from './part.js'

const python = process.env['NV2_PYTHON'] ?? 'python3'
const client = join(root, 'test/src/real/python/client.py')
const path = 'wabbit-networks/netmonitor:v1'

describe('python-tuf reads what we write', function () {
  this.timeout(120_000)
  let folder: string
  let simulator: RepositorySimulator
  let server: TestServer
  let hash: string
  let rootFile: string
  let turn = 0

  before(async function () {
    await needs(this, python, '-c', 'import tuf.ngclient')
    folder = await tempDir('python-tuf')
    // python-tuf has the real clock.
    simulator = await RepositorySimulator.create({ clock: new FakeClock(new Date()) })
    simulator.delegate('targets', delegation('wabbit-networks', 'Wabbit'))
    simulator.signers.set('wabbit-networks', [testSigner('Wabbit')])
    simulator.delegate('wabbit-networks', delegation('wabbit-networks/netmonitor', 'dev'))
    simulator.signers.set('wabbit-networks/netmonitor', [testSigner('dev')])
    hash = simulator.addTarget('wabbit-networks/netmonitor', path, Buffer.from('the manifest'))
    await simulator.publish()
    server = await serveSimulator(simulator)
    rootFile = join(folder, '1.root.json')
    await writeFile(rootFile, simulator.files.get('1.root.json')!)
  })
  after(async () => {
    await server?.close()
    if (folder) await removeDir(folder)
  })

  it('a target two delegations down, in a role whose name has a slash', async () => {
    expect(await ask(python, ...(await args()))).to.equal(`${hash}\n`)
  })

  it('a new root, signed by the old one', async () => {
    const former = simulator.signersOf('root')
    simulator.signers.set('root', [testSigner('second root key')])
    await simulator.nextRoot([...former])
    expect(await ask(python, ...(await args()))).to.equal(`${hash}\n`)
  })

  it('and refuses altered content', async () => {
    const right = simulator.content.get(hash)!
    simulator.content.set(hash, Buffer.from('the manifesT'))
    expect(await refusal(python, ...(await args()))).to.match(/^LengthOrHashMismatchError/)
    simulator.content.set(hash, right)
  })

  it('and refuses metadata whose time has passed', async () => {
    await simulator.publish({ timestamp: new Date(simulator.clock.now().getTime() - DAY) })
    expect(await refusal(python, ...(await args()))).to.match(/^ExpiredMetadataError/)
    await simulator.publish()
  })

  it('and refuses a role that another key signed', async () => {
    simulator.signers.set('wabbit-networks/netmonitor', [testSigner('Mallory')])
    simulator.addTarget('wabbit-networks/netmonitor', path, Buffer.from('the manifest'))
    await simulator.publish()
    expect(await refusal(python, ...(await args()))).to.match(/^UnsignedMetadataError/)
  })

  async function args(): Promise<string[]> {
    const home = join(folder, `client-${++turn}`)
    await mkdir(home)
    return [client, rootFile, `${server.url}/metadata/`, `${server.url}/targets/`, home, path]
  }

  function delegation(name: string, word: string): Parameters<RepositorySimulator['delegate']>[1] {
    const patterns = ['wabbit-networks/netmonitor:*', 'wabbit-networks/netmonitor@*']
    return {
      name,
      paths: { kind: 'paths', patterns },
      terminating: false,
      votes: [{ role: name, keys: held(1, testSigner(word)) }],
      minAgreement: 1,
      multi: false,
    }
  }
})
