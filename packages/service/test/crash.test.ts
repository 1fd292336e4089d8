import { FileStore, MemoryStore, type MetadataStore } from '@nv2/store'
import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faultyStore, type Fault } from './fault-store.js'
import { client, key, later, NETMONITOR, NOW, open, put, roleTree, rootTree, signed, story } from './world.js'

const ALL = { signers: ['snapshot', 'timestamp', 'snapshot2', 'timestamp2'].map(key) }
const OLD = { snapshot: ['snapshot'], timestamp: ['timestamp'] }
const NEW = { snapshot: ['snapshot2'], timestamp: ['timestamp2'] }

interface Scenario {
  readonly name: string
  /** Accepts what is to be published; the ids of the uploads. */
  readonly prepare: (store: MetadataStore) => Promise<string[]>
  /** How the uploads must end, in their order. */
  readonly ends: readonly string[]
  /** What a client must see in the end. */
  readonly check: (store: MetadataStore) => Promise<void>
}

const scenarios: Scenario[] = [
  {
    name: 'the first publication',
    ends: ['published'],
    async prepare(store) {
      return [(await put(await open(store, ALL), await story())).id]
    },
    check: async (store) => void expect((await client(store)).roles.size).to.equal(3),
  },
  {
    name: 'two sets, one of them passed by the other, and a key change',
    ends: ['superseded', 'published'],
    async prepare(store) {
      const [one, other] = [await open(store, ALL), await open(store, ALL)]
      await put(one, await story())
      await one.publish(NOW)
      const child = await put(one, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })
      const delegates = { [NETMONITOR]: ['dev2'] }
      const edit = await put(
        other,
        {
          'wabbit-networks': await signed(roleTree({ version: 2, delegates }), 'wabbit'),
          [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev2'),
        },
        {},
      )
      return [child.id, edit.id]
    },
    check: async (store) => void expect((await client(store)).roles.get(NETMONITOR)).to.equal(3),
  },
  {
    name: 'a root with new online keys',
    ends: ['published'],
    async prepare(store) {
      const repository = await open(store, ALL)
      await put(repository, await story())
      await repository.publish(NOW)
      return [(await put(repository, { root: await signed(rootTree(2, NEW), 'root') })).id]
    },
    check: async (store) => void expect(await client(store)).to.include({ root: 2 }),
  },
  {
    name: 'a root with new targets keys, at once (a stolen key)',
    ends: ['published'],
    async prepare(store) {
      const repository = await open(store, ALL)
      await put(repository, await story())
      await repository.publish(NOW)
      const targets = await signed(
        roleTree({ version: 2, delegates: { 'wabbit-networks': ['wabbit'] } }),
        'targets2',
      )
      const root = await signed(rootTree(2, { ...OLD, targets: ['targets2'] }), 'root')
      return [(await put(repository, { root, targets }, { revocation: true })).id]
    },
    check: async (store) => void expect((await client(store)).roles.get('targets')).to.equal(2),
  },
]

/** Publishes with the fault, then starts afresh. Gives the writes that were tried. */
async function publishWith(real: MetadataStore, at: number, fault: Fault): Promise<readonly string[]> {
  const faulty = faultyStore(real, at, fault)
  await open(faulty.store, ALL)
    .then((repository) => repository.publish(NOW))
    .catch(() => undefined)
  return faulty.writes()
}

describe('a publisher killed at any operation', () => {
  for (const { name, prepare, ends, check } of scenarios)
    for (const fault of ['before', 'half', 'after', 'unknown-done', 'unknown-lost'] as const)
      it(`${name}: ${fault}`, async () => {
        const clean = new MemoryStore()
        await prepare(clean)
        const operations = await publishWith(clean, -1, fault)
        await check(clean)
        expect(operations.length).to.be.greaterThan(3)
        for (let at = 0; at < operations.length; at++) {
          const store = new MemoryStore()
          const ids = await prepare(store)
          const floors = (await store.read('timestamp.json')) ? (await client(store)).floors : undefined
          const tried = await publishWith(store, at, fault)
          expect(tried.length, 'the fault was met').to.be.greaterThan(at)
          const where = `${fault} ${tried[at] ?? ''}`
          const rotatesNow = name.includes('at once')
          // Between the kill and the restart: a client sees the old or the new, whole.
          if ((await store.read('timestamp.json')) && !rotatesNow) await client(store, { floors })
          const fresh = await open(store, ALL)
          await fresh.publish(NOW)
          await check(store)
          await client(store, { floors })
          const states = await Promise.all(ids.map(async (id) => (await fresh.upload(id))?.state))
          expect(states, where).to.deep.equal(ends)
          expect(await store.list('staged/'), where).to.deep.equal([])
          expect((await fresh.publish(NOW)).timestamp, 'then all is quiet').to.equal(null)
          await fresh.publish(later(0.7))
          await client(store, { floors, now: later(0.7) })
        }
      })

  it('accepts an upload again whose answer was lost', async () => {
    for (const fault of ['before', 'after', 'unknown-done', 'unknown-lost'] as const) {
      const store = new MemoryStore()
      await open(store)
      const faulty = faultyStore(store, 0, fault)
      await put(await open(faulty.store), await story()).catch(() => undefined)
      expect(faulty.writes()).to.have.length.greaterThan(0)
      const repository = await open(store)
      const again = await put(repository, await story(), {
        replaces: { targets: null, 'wabbit-networks': null, [NETMONITOR]: null },
      })
      expect(again.state).to.equal('staged')
      await repository.publish(NOW)
      expect((await client(store)).roles.size).to.equal(3)
    }
  })
})

describe('two publishers on one file store', () => {
  let folder: string
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'nv2-service-'))))
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('publish every set, and a client never sees anything go back', async () => {
    const stores = [await FileStore.open(folder), await FileStore.open(folder)] as const
    const services = [await open(stores[0], ALL), await open(stores[1], ALL)] as const
    await put(services[0], await story())
    await Promise.all(services.map((service) => service.publish(NOW)))
    let { floors } = await client(stores[1])
    const ids: string[] = []
    for (let version = 2; version < 10; version++) {
      const service = services[version % 2 === 0 ? 0 : 1]
      ids.push((await put(service, { [NETMONITOR]: await signed(roleTree({ version }), 'dev') })).id)
      await Promise.all(services.map((one) => one.publish(NOW)))
      floors = (await client(stores[version % 2 === 0 ? 1 : 0], { floors })).floors
    }
    for (const id of ids) expect(await services[1].upload(id)).to.include({ state: 'published' })
    expect(floors.snapshot.roles.get(NETMONITOR)).to.equal(9)
  })
})
