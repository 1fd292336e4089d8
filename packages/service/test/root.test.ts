import { MemoryStore, type MetadataStore } from '@nv2/store'
import { expect } from 'chai'
import { watch } from './watch.js'
import { parse, type JsonObject } from '@nv2/tuf'
import type { Repository } from '../src/index.js'
import {
  client,
  codeOf,
  contents,
  key,
  later,
  NETMONITOR,
  NOW,
  open,
  put,
  roleTree,
  rootTree,
  sha,
  signed,
  story,
} from './world.js'

const ALL = { signers: ['snapshot', 'timestamp', 'snapshot2', 'timestamp2'].map(key) }
const ONLINE2 = { snapshot: ['snapshot2'], timestamp: ['timestamp2'] }

async function published(store: MetadataStore): Promise<Repository> {
  const repository = await open(store, ALL)
  await put(repository, await story())
  await repository.publish(NOW)
  return repository
}

const signersOf = async (store: MetadataStore, name: string): Promise<string[]> => {
  const type = name.includes('timestamp') ? 'timestamp' : 'snapshot'
  return parse(type, (await store.read(name))!.bytes).signatures.map(({ keyid }) => keyid)
}
const ids = (...words: string[]): string[] => words.map((word) => key(word).key.keyid)

describe('root rotation (protocol P7)', () => {
  it('publishes under both roots, then creates the root, later signs with the new keys alone', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    const old = await client(store)
    const { id } = await put(repository, { root: await signed(rootTree(2, ONLINE2), 'root') })
    expect(await store.read('2.root.json'), 'staged only').to.equal(null)
    expect((await repository.role('root')).head).to.include({ version: 2, state: 'staged' })
    const watched = watch(store)
    const other = await open(watched.store, ALL)
    await other.publish(NOW)
    expect(watched.writes.indexOf('timestamp.json')).to.be.lessThan(watched.writes.indexOf('2.root.json'))
    expect(watched.writes.indexOf('timestamp.json')).to.be.greaterThan(-1)
    // A client that has not asked for root 2 yet believes the very same files.
    expect(await signersOf(store, 'timestamp.json')).to.have.members(ids('timestamp', 'timestamp2'))
    expect(await signersOf(store, '2.snapshot.json')).to.have.members(ids('snapshot', 'snapshot2'))
    expect(await client(store, { floors: old.floors })).to.include({ root: 2, timestamp: 2 })
    expect(await client(store, { root: 2 })).to.include({ root: 2 })
    expect(await other.upload(id)).to.include({ state: 'published' })
    await other.publish(later(4))
    expect(await signersOf(store, 'timestamp.json')).to.have.members(ids('timestamp2'))
    expect(await signersOf(store, '3.snapshot.json')).to.have.members(ids('snapshot2'))
    expect(await client(store, { floors: old.floors, now: later(4) })).to.include({ root: 2, timestamp: 3 })
    expect(other.hasRoot(sha((await store.read('2.root.json'))!.bytes))).to.equal(true)
  })

  it('is believed by a client that reads between any two writes', async () => {
    const store = new MemoryStore()
    await published(store)
    let { floors } = await client(store)
    const watched = watch(store, async () => {
      ;({ floors } = await client(store, { floors }))
    })
    const other = await open(watched.store, ALL)
    await put(other, { root: await signed(rootTree(2, ONLINE2), 'root') })
    await put(other, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })
    await other.publish(NOW)
    expect(await client(store, { floors })).to.include({ root: 2 })
    expect((await client(store)).roles.get(NETMONITOR)).to.equal(2)
  })

  it('signs for a root that another service creates while this one reads', async () => {
    const store = new MemoryStore()
    const other = await published(store)
    await put(other, { root: await signed(rootTree(2, ONLINE2), 'root') })
    // One dies after the publication for both roots, before it creates the root.
    const dies: MetadataStore = watch(store).store
    const create = dies.create.bind(dies)
    dies.create = (name, bytes) =>
      name === '2.root.json' ? Promise.reject(new Error('dead')) : create(name, bytes)
    await (await open(dies, ALL)).publish(NOW).catch(() => undefined)
    const watched = watch(store, async () => void (await client(store, { now: later(0.7) })))
    const list = watched.store.list.bind(watched.store)
    watched.store.list = async (prefix) => {
      watched.store.list = list
      await other.publish(later(0.1))
      return list(prefix)
    }
    expect(await store.read('2.root.json')).to.equal(null)
    const late = await open(watched.store, ALL)
    expect((await late.publish(later(0.7))).timestamp).to.equal(3)
    expect(await client(store, { now: later(0.7) })).to.include({ root: 2 })
  })

  it('does not publish again for a root that changes no online key', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    await put(repository, { root: await signed(rootTree(2, { root: ['root2'] }), 'root', 'root2') })
    await repository.publish(NOW)
    expect(await client(store)).to.include({ root: 2, timestamp: 1 })
  })

  it('wants new targets keys to come with targets signed by both', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    const root = await signed(rootTree(2, { targets: ['targets2'] }), 'root')
    expect(await codeOf(put(repository, { root }))).to.equal('ROOT_REFUSED')
    const tree = roleTree({ version: 2, delegates: { 'wabbit-networks': ['wabbit'] } })
    expect(await codeOf(put(repository, { root, targets: await signed(tree, 'targets') }))).to.equal(
      'ROOT_REFUSED',
    )
    expect(await codeOf(put(repository, { root, targets: await signed(tree, 'targets2') }))).to.equal(
      'SIGNATURE_THRESHOLD',
    )
    await put(repository, { root, targets: await signed(tree, 'targets', 'targets2') })
    // While it waits, targets must keep both.
    const three = roleTree({ version: 3, delegates: { 'wabbit-networks': ['wabbit'] } })
    expect(await codeOf(put(repository, { targets: await signed(three, 'targets') }))).to.equal(
      'ROOT_REFUSED',
    )
    await repository.publish(NOW)
    expect(await client(store)).to.include({ root: 2 })
    await put(repository, { targets: await signed(three, 'targets2') })
    await repository.publish(NOW)
    expect((await client(store)).roles.get('targets')).to.equal(3)
  })

  it('takes over at once when the set is a revocation: the stolen key signs nothing more', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    const root = await signed(rootTree(2, { ...ONLINE2, targets: ['targets2'] }), 'root')
    const targets = await signed(
      roleTree({ version: 2, delegates: { 'wabbit-networks': ['wabbit'] } }),
      'targets2',
    )
    await put(repository, { root, targets }, { revocation: true })
    const watched = watch(store)
    await (await open(watched.store, ALL)).publish(NOW)
    const writes = watched.writes.filter((name) => /root|timestamp/.test(name))
    expect(writes).to.deep.equal(['2.root.json', 'timestamp.json'])
    expect(await signersOf(store, 'timestamp.json')).to.have.members(ids('timestamp2'))
    expect(await client(store)).to.include({ root: 2, timestamp: 2 })
  })

  it('takes over at once on the operator’s word (rotateNow)', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    await put(repository, { root: await signed(rootTree(2, ONLINE2), 'root') })
    await repository.publish(NOW, { rotateNow: true })
    expect(await signersOf(store, 'timestamp.json')).to.have.members(ids('timestamp2'))
    expect(await client(store)).to.include({ root: 2 })
  })

  it('publishes again when somebody else created a root that the current set fails under', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    await store.create('2.root.json', await signed(rootTree(2, ONLINE2), 'root'))
    expect(await codeOf(client(store))).to.equal('SIGNATURE_THRESHOLD')
    expect((await repository.publish(NOW)).timestamp).to.equal(2)
    expect(await client(store)).to.include({ root: 2 })
  })

  const without = (tree: JsonObject, name: string, value: boolean): JsonObject =>
    new Map([...tree, [name, value]])
  const refusals: [string, () => Promise<Uint8Array>, string][] = [
    [
      'not signed by the old root key',
      () => signed(rootTree(2, { root: ['root2'] }), 'root2'),
      'SIGNATURE_THRESHOLD',
    ],
    [
      'not signed by its own key',
      () => signed(rootTree(2, { root: ['root2'] }), 'root'),
      'SIGNATURE_THRESHOLD',
    ],
    ['that skips a number', () => signed(rootTree(3), 'root'), 'VERSION_MISMATCH'],
    ['that has expired', () => signed(rootTree(2, {}, later(-1)), 'root'), 'ROOT_REFUSED'],
    [
      'that drops consistent_snapshot',
      () => signed(without(rootTree(2), 'consistent_snapshot', false), 'root'),
      'ROOT_REFUSED',
    ],
    [
      'with a timestamp key that the service lacks',
      () => signed(rootTree(2, { timestamp: ['nobody'] }), 'root'),
      'ROOT_REFUSED',
    ],
    [
      'with a snapshot threshold that the service cannot meet',
      () => signed(rootTree(2, { snapshot: ['snapshot', 'nobody'] }), 'root'),
      'ROOT_REFUSED',
    ],
    [
      'that makes an online key a targets key',
      () => signed(rootTree(2, { targets: ['snapshot2'] }), 'root'),
      'ROOT_REFUSED',
    ],
  ]
  for (const [what, make, code] of refusals)
    it(`refuses a root ${what}, and writes nothing`, async () => {
      const store = new MemoryStore()
      const repository = await published(store)
      const before = await contents(store)
      expect(await codeOf(put(repository, { root: await make() }))).to.equal(code)
      expect(await contents(store)).to.deep.equal(before)
    })

  it('takes one staged root at a time, and frees the number of one that was rejected', async () => {
    const store = new MemoryStore()
    const [one, other] = [await published(store), await open(store, ALL)]
    await put(one, { root: await signed(rootTree(2, {}, later(100)), 'root') })
    expect(await codeOf(put(other, { root: await signed(rootTree(2, {}, later(200)), 'root') }))).to.equal(
      'VERSION_CONFLICT',
    )
    await one.publish(later(101))
    expect((await one.role('root')).head).to.include({ version: 1, state: 'published' })
    const fresh = await signed(rootTree(2, {}, later(200)), 'root')
    const accepted = await put(one, { root: fresh }, { now: later(101) })
    expect(accepted.state).to.equal('staged')
  })
})
