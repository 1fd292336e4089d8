import { expect } from 'chai'
import { readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  nextRoot,
  pinRoot,
  requireFreshRoot,
  search,
  TufError,
  trustSnapshot,
  trustTargets,
  trustTimestamp,
  type Found,
  type TrustedTargets,
} from '@nv2/tuf'
import {
  DAY,
  fileList,
  held,
  RepositorySimulator,
  serveSimulator,
  testSigner,
  withTempDir,
} from '@nv2/testkit'

const PATH = 'wabbit-networks/netmonitor:v1'

function refresh(simulator: RepositorySimulator): TrustedTargets {
  const read = (name: string): Uint8Array => simulator.read(name) ?? new Uint8Array()
  const now = simulator.clock.now()
  let root = pinRoot(read('1.root.json'))
  for (let n = 2; simulator.files.has(`${n}.root.json`); n++) root = nextRoot(root, read(`${n}.root.json`))
  const timestamp = trustTimestamp(requireFreshRoot(root, now), read('timestamp.json'), now)
  const snapshot = trustSnapshot(
    timestamp,
    read(`${timestamp.envelope.signed.snapshot.version}.snapshot.json`),
    now,
  )
  const version = snapshot.envelope.signed.meta.get('targets')?.version ?? 0
  return trustTargets(snapshot, read(`${version}.targets.json`), now)
}

function find(simulator: RepositorySimulator, path: string): Found {
  const steps = search(refresh(simulator), path, simulator.clock.now())
  let step = steps.next()
  while (!step.done) {
    const { role, meta } = step.value
    step = steps.next(simulator.read(`${meta.version}.${encodeURIComponent(role)}.json`))
  }
  return step.value
}

async function withNetmonitor(): Promise<RepositorySimulator> {
  const simulator = await RepositorySimulator.create()
  const wabbit = testSigner('wabbit')
  simulator.signers.set('wabbit-networks', [wabbit])
  simulator.delegate('targets', {
    name: 'wabbit-networks',
    paths: { kind: 'paths', patterns: ['wabbit-networks/*'] },
    terminating: false,
    votes: [{ role: 'wabbit-networks', keys: held(1, wabbit) }],
    minAgreement: 1,
    multi: false,
  })
  simulator.addTarget('wabbit-networks', PATH, Buffer.from('hello'))
  await simulator.publish()
  return simulator
}

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof TufError) return error.code
    throw error
  }
  return 'none'
}

describe('repository simulator', () => {
  it('publishes what the rules accept', async () => {
    const simulator = await withNetmonitor()
    const found = find(simulator, PATH)
    expect(found.target.length).to.equal(5)
    expect(found.proof.map((proven) => proven.role)).to.deep.equal(['targets', 'wabbit-networks'])
    expect(simulator.requests).to.include('1.wabbit-networks.json')
  })

  it('makes the same bytes every time', async () => {
    const [one, two] = [await withNetmonitor(), await withNetmonitor()]
    expect([...one.files]).to.deep.equal([...two.files])
  })

  it('walks a chain of roots', async () => {
    const simulator = await withNetmonitor()
    const former = simulator.signersOf('root')
    simulator.signers.set('root', [testSigner('new root')])
    await simulator.nextRoot(former)
    expect(find(simulator, PATH).target.path).to.equal(PATH)
    await simulator.nextRoot()
    simulator.signers.set('root', [testSigner('thief')])
    await simulator.nextRoot()
    expect(codeOf(() => refresh(simulator))).to.equal('SIGNATURE_THRESHOLD')
  })

  const attacks: [string, string, (simulator: RepositorySimulator) => void | Promise<void>][] = [
    ['frozen', 'EXPIRED', (s) => s.clock.move(2 * DAY)],
    ['snapshot altered', 'HASH_MISMATCH', (s) => void s.files.set('2.snapshot.json', Buffer.from('{}'))],
    [
      'timestamp by a stranger',
      'SIGNATURE_THRESHOLD',
      async (s) => {
        s.signers.set('timestamp', [testSigner('stranger')])
        await s.nextTimestamp()
      },
    ],
  ]
  for (const [name, code, attack] of attacks)
    it(`plays the attack: ${name}`, async () => {
      const simulator = await withNetmonitor()
      await attack(simulator)
      expect(codeOf(() => find(simulator, PATH))).to.equal(code)
    })

  it('goes back to what it captured', async () => {
    const simulator = await withNetmonitor()
    const before = simulator.capture()
    await simulator.publish()
    expect(refresh(simulator).snapshot.timestamp.envelope.signed.version).to.equal(3)
    simulator.restore(before)
    expect(refresh(simulator).snapshot.timestamp.envelope.signed.version).to.equal(2)
  })

  it('serves metadata and content on a free port', async () => {
    const simulator = await withNetmonitor()
    const server = await serveSimulator(simulator)
    try {
      const root = await fetch(`${server.url}/metadata/1.root.json`)
      expect(Buffer.from(await root.arrayBuffer())).to.deep.equal(
        Buffer.from(simulator.files.get('1.root.json') ?? []),
      )
      const [hash] = simulator.content.keys()
      const content = await fetch(`${server.url}/targets/wabbit-networks/${hash ?? ''}.netmonitor:v1`)
      expect(await content.text()).to.equal('hello')
      expect((await fetch(`${server.url}/metadata/9.root.json`)).status).to.equal(404)
      expect(simulator.requests.slice(-2)).to.deep.equal(['1.root.json', '9.root.json'])
    } finally {
      await server.close()
    }
  })
})

describe('temporary folders', () => {
  it('are gone afterwards, and list what they hold', async () => {
    let seen = ''
    await withTempDir(async (path) => {
      seen = path
      await writeFile(join(path, 'a'), 'x')
      const before = await fileList(path)
      expect([...before.keys()]).to.deep.equal(['a'])
      expect(await readFile(join(path, 'a'), 'utf8')).to.equal('x')
      await writeFile(join(path, 'a'), 'y')
      expect(await fileList(path)).to.not.deep.equal(before)
    })
    expect(existsSync(seen)).to.equal(false)
  })
})
