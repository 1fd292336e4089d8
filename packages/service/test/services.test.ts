import { MemoryStore, StoreError } from '@nv2/store'
import { expect } from 'chai'
import { stall } from './stall.js'
import { client, codeOf, DAY, later, NETMONITOR, NOW, open, put, roleTree, signed, story } from './world.js'

describe('publishers that meet, die, or find things broken', () => {
  describe('two services on one store', () => {
    it('publishes one of two sets that claim a version, and rejects the other with a reason', async () => {
      const store = new MemoryStore()
      const [one, other] = [await open(store), await open(store)]
      await put(one, await story())
      await one.publish(NOW)
      // Both looked before either wrote: what one process would refuse, two cannot.
      const head = (await one.role(NETMONITOR)).head!
      const a = await signed(roleTree({ version: 2, targets: [`${NETMONITOR}:a`] }), 'dev')
      const b = await signed(roleTree({ version: 2, targets: [`${NETMONITOR}:b`] }), 'dev')
      const stalled = stall(store)
      const blind = await open(stalled.store)
      const late = put(blind, { [NETMONITOR]: b }, { replaces: { [NETMONITOR]: head } })
      await stalled.reached
      const first = await put(other, { [NETMONITOR]: a })
      stalled.release()
      const second = await late
      await one.publish(NOW)
      const states = [await one.upload(first.id), await one.upload(second.id)]
      expect(states.map((status) => status?.state)).to.have.members(['published', 'rejected'])
      expect(states.find((status) => status?.state === 'rejected')?.reason).to.match(
        /version 2.*another upload/,
      )
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(2)
    })

    it('rejects a version that jumped over one which its uploader did not see', async () => {
      const store = new MemoryStore()
      const one = await open(store)
      await put(one, await story())
      await one.publish(NOW)
      const head = (await one.role(NETMONITOR)).head!
      const stalled = stall(store)
      const blind = await open(stalled.store)
      const five = await signed(roleTree({ version: 5 }), 'dev')
      const late = put(blind, { [NETMONITOR]: five }, { replaces: { [NETMONITOR]: head } })
      await stalled.reached
      const two = await put(one, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })
      stalled.release()
      const { id } = await late
      await one.publish(NOW)
      expect(await one.upload(two.id)).to.include({ state: 'published' })
      expect(await one.upload(id)).to.include({ state: 'rejected', code: 'VERSION_CONFLICT' })
      expect((await one.upload(id))?.reason).to.contain('replaces version 1')
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(2)
    })

    it('loses no set and forks no version when many publish at once', async () => {
      const store = new MemoryStore()
      const services = await Promise.all([open(store), open(store), open(store)])
      await put(services[0], await story())
      await Promise.all(services.map((service) => service.publish(NOW)))
      let floors
      for (let version = 2; version < 8; version++) {
        const uploaded = await put(services[version % 3]!, {
          [NETMONITOR]: await signed(roleTree({ version }), 'dev'),
        })
        await Promise.all(services.map((service) => service.publish(NOW)))
        expect(await services[0].upload(uploaded.id)).to.include({ state: 'published' })
        const seen: Awaited<ReturnType<typeof client>> = await client(store, { floors })
        expect(seen.roles.get(NETMONITOR)).to.equal(version)
        floors = seen.floors
      }
    })
  })

  describe('dead publishers (protocol P1)', () => {
    it('skips the snapshot number that one left behind, and never adopts it', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      await put(repository, await story())
      await store.create('1.snapshot.json', Buffer.from('an orphan'))
      await store.create('2.snapshot.json', Buffer.from('another one'))
      await repository.publish(NOW)
      expect(await client(store)).to.include({ timestamp: 1, snapshot: 3 })
    })

    it('uses a role file that one left behind when it says the same, else rejects the version', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      const files = await story()
      await store.create('1.wabbit-networks%2Fnetmonitor.json', files[NETMONITOR]!)
      await put(repository, files)
      await repository.publish(NOW)
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(1)
      await store.create(
        '2.wabbit-networks%2Fnetmonitor.json',
        await signed(roleTree({ version: 2, targets: [] }), 'dev'),
      )
      const squatted = await put(repository, {
        [NETMONITOR]: await signed(roleTree({ version: 2, targets: [`${NETMONITOR}:x`] }), 'dev'),
      })
      await repository.publish(NOW)
      expect(await repository.upload(squatted.id)).to.include({ state: 'rejected', code: 'VERSION_CONFLICT' })
      await put(repository, { [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev') })
      await repository.publish(NOW)
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(3)
    })
  })

  describe('renewal (protocol P9)', () => {
    it('renews the timestamp, then the snapshot, when nothing is staged', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      await put(repository, await story())
      await repository.publish(NOW)
      expect((await repository.publish(later(0.3))).timestamp).to.equal(null)
      expect((await repository.publish(later(0.51))).timestamp).to.equal(2)
      expect(await client(store, { now: later(1.4) })).to.include({ timestamp: 2, snapshot: 1 })
      expect((await repository.publish(later(3.6))).timestamp).to.equal(3)
      expect(await client(store, { now: later(4.5) })).to.include({ timestamp: 3, snapshot: 2 })
    })

    it('renews with what is staged broken, and with a published file gone', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      await put(repository, await story())
      await repository.publish(NOW)
      const waiting = await put(repository, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })
      await store.remove('1.wabbit-networks.json')
      const fresh = await open(store)
      const report = await fresh.publish(later(0.6))
      expect(report).to.deep.include({ timestamp: 2, unreadable: ['wabbit-networks'] })
      expect(await fresh.upload(waiting.id)).to.include({ state: 'staged' })
      expect(
        await codeOf(put(fresh, { [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev') })),
      ).to.equal('REPOSITORY_DAMAGED')
      await store.create('1.wabbit-networks.json', (await story())['wabbit-networks']!)
      expect((await fresh.publish(later(0.6))).timestamp).to.equal(3)
      expect((await client(store, { now: later(0.7) })).roles.get(NETMONITOR)).to.equal(2)
    })

    it('renews on a disk that takes no new role file', async () => {
      const store = new MemoryStore()
      await put(await open(store), await story())
      await (await open(store)).publish(NOW)
      const { id } = await put(await open(store), {
        [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev'),
      })
      const full = (): Promise<never> => Promise.reject(new StoreError('STORAGE_FULL', 'full'))
      const createAll = store.createAll.bind(store)
      const create = store.create.bind(store)
      store.createAll = (entries) => (entries.length > 0 ? full() : createAll(entries))
      store.create = (name, bytes) => (name.startsWith('2.wabbit') ? full() : create(name, bytes))
      const repository = await open(store)
      expect(await codeOf(repository.publish(later(0.7)))).to.equal('STORAGE_FULL')
      expect(await client(store, { now: later(1.5) })).to.include({ timestamp: 2 })
      Object.assign(store, { createAll, create })
      await repository.publish(later(0.8))
      expect(await repository.upload(id)).to.include({ state: 'published' })
    })

    it('rejects what expired while it was staged', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      await put(repository, await story())
      await repository.publish(NOW)
      const short = await signed(roleTree({ version: 2, expires: new Date(NOW.getTime() + DAY / 10) }), 'dev')
      const { id } = await put(repository, { [NETMONITOR]: short })
      await repository.publish(later(0.2))
      expect(await repository.upload(id)).to.include({ state: 'rejected', code: 'EXPIRED' })
    })
  })
})
