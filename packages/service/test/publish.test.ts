import { MemoryStore } from '@nv2/store'
import { expect } from 'chai'
import {
  ALL_RIGHTS,
  client,
  codeOf,
  contents,
  DAY,
  key,
  later,
  NETMONITOR,
  NOW,
  open,
  put,
  roleTree,
  sha,
  signed,
  story,
} from './world.js'

describe('accept and publish', () => {
  it('publishes a whole story in one set, and a client believes all of it', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    expect(
      await codeOf(
        client(store).catch(() => Promise.reject(Object.assign(new Error(), { code: 'nothing yet' }))),
      ),
    ).to.equal('nothing yet')
    const accepted = await put(repository, await story())
    expect(accepted).to.include({ state: 'staged', created: true })
    expect(await store.read('timestamp.json')).to.equal(null)
    const report = await repository.publish(NOW)
    expect(report.timestamp).to.equal(1)
    expect(report.settled).to.have.length(1)
    const seen = await client(store)
    expect(seen).to.deep.include({ root: 1, timestamp: 1, snapshot: 1 })
    expect([...seen.roles.keys()]).to.have.members(['targets', 'wabbit-networks', NETMONITOR])
    expect(await repository.upload(accepted.id)).to.include({ state: 'published' })
    expect(await store.list('staged/')).to.deep.equal([])
  })

  it('publishes nothing before the first targets, and nothing when nothing is to do', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    expect((await repository.publish(NOW)).timestamp).to.equal(null)
    await put(repository, await story())
    await repository.publish(NOW)
    const before = await contents(store)
    expect((await repository.publish(NOW)).timestamp).to.equal(null)
    expect(await contents(store)).to.deep.equal(before)
  })

  it('takes sets that build on staged ones, and publishes them in one tick in any order of names', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    const files = await story()
    for (const role of ['targets', 'wabbit-networks', NETMONITOR])
      await put(repository, { [role]: files[role]! })
    expect((await store.list('staged/')).length).to.equal(3)
    await repository.publish(NOW)
    expect((await client(store)).roles.size).to.equal(3)
    expect((await client(store)).timestamp).to.equal(1)
  })

  it('answers the same upload twice with the same object', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    const files = await story()
    const first = await put(repository, files)
    const again = await put(repository, files, {
      replaces: { targets: null, 'wabbit-networks': null, [NETMONITOR]: null },
    })
    expect(again).to.include({ id: first.id, created: false, state: 'staged' })
    await repository.publish(NOW)
    expect(await put(repository, files)).to.include({ id: first.id, created: false, state: 'published' })
    // Part of what is published is published too.
    expect(await put(repository, { targets: files['targets']! })).to.include({
      created: false,
      state: 'published',
    })
    expect(await store.list('staged/')).to.deep.equal([])
  })

  it('says the head in a version conflict', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    await put(repository, await story())
    await repository.publish(NOW)
    const head = (await repository.role(NETMONITOR)).head!
    expect(head).to.include({ version: 1, state: 'published' })
    const two = await signed(roleTree({ version: 2, targets: [`${NETMONITOR}:v2`] }), 'dev')
    const before = await contents(store)
    for (const replaces of [
      null,
      { version: 1, sha256: '0'.repeat(64) },
      { version: 3, sha256: head.sha256 },
    ])
      try {
        await put(repository, { [NETMONITOR]: two }, { replaces: { [NETMONITOR]: replaces } })
        expect.fail('accepted')
      } catch (error) {
        expect(error).to.include({ code: 'VERSION_CONFLICT' })
        expect(error).to.have.property('detail').that.deep.equals({ role: NETMONITOR, head })
      }
    const same = await signed(roleTree({ version: 1, targets: [`${NETMONITOR}:other`] }), 'dev')
    expect(await codeOf(put(repository, { [NETMONITOR]: same }))).to.equal('VERSION_CONFLICT')
    const far = await signed(roleTree({ version: 2_000_000, targets: [] }), 'dev')
    expect(await codeOf(put(repository, { [NETMONITOR]: far }))).to.equal('VERSION_CONFLICT')
    expect(await contents(store)).to.deep.equal(before)
    // A staged version is the head too, and an imported role may skip numbers.
    await put(repository, { [NETMONITOR]: two })
    expect((await repository.role(NETMONITOR)).head).to.include({
      version: 2,
      state: 'staged',
      sha256: sha(two),
    })
    await put(repository, { [NETMONITOR]: await signed(roleTree({ version: 9 }), 'dev') })
    await repository.publish(NOW)
    expect((await client(store)).roles.get(NETMONITOR)).to.equal(9)
    expect(await store.read('2.wabbit-networks%2Fnetmonitor.json')).not.to.equal(null)
  })

  it('records a version that a later one passed in the same tick as superseded', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    await put(repository, await story())
    const two = await put(repository, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })
    const three = await put(repository, { [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev') })
    await repository.publish(NOW)
    expect(await repository.upload(two.id)).to.include({ state: 'superseded' })
    expect(await repository.upload(three.id)).to.include({ state: 'published' })
  })

  describe('key changes (protocol P2)', () => {
    it('wants the child in the same set, or a stated revocation that says who must sign again', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      await put(repository, await story())
      await repository.publish(NOW)
      const rotated = await signed(roleTree({ version: 2, delegates: { [NETMONITOR]: ['dev2'] } }), 'wabbit')
      expect(await codeOf(put(repository, { 'wabbit-networks': rotated }))).to.equal('BREAKS_DELEGATION')
      const child = await signed(roleTree({ version: 2 }), 'dev2')
      await put(repository, { 'wabbit-networks': rotated, [NETMONITOR]: child })
      await repository.publish(NOW)
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(2)
      const revoked = await signed(roleTree({ version: 3, delegates: { [NETMONITOR]: ['dev3'] } }), 'wabbit')
      const accepted = await put(repository, { 'wabbit-networks': revoked }, { revocation: true })
      expect(accepted.resign).to.deep.equal([NETMONITOR])
      await repository.publish(NOW)
      expect(await codeOf(client(store))).to.equal('SIGNATURE_THRESHOLD')
      await put(repository, { [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev3') })
      await repository.publish(NOW)
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(3)
    })

    it('rejects a child by the old key, never the delegator, when both were staged; the next version is free', async () => {
      const store = new MemoryStore()
      const [one, other] = [await open(store), await open(store)]
      await put(one, await story())
      await one.publish(NOW)
      const head = (await one.role(NETMONITOR)).head!
      const child = await put(one, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })
      const rotated = await signed(roleTree({ version: 2, delegates: { [NETMONITOR]: ['dev2'] } }), 'wabbit')
      const edit = await put(other, { 'wabbit-networks': rotated }, { revocation: true })
      await one.publish(NOW)
      expect(await one.upload(edit.id)).to.include({ state: 'published' })
      expect(await one.upload(child.id)).to.include({ state: 'rejected', code: 'SIGNATURE_THRESHOLD' })
      expect((await one.upload(child.id))?.reason).to.contain(NETMONITOR)
      // Rejected is read back, is the head, and its number is not used again.
      expect((await other.role(NETMONITOR)).head).to.include({ version: 2, state: 'rejected' })
      const two = await signed(roleTree({ version: 2, targets: [] }), 'dev2')
      expect(await codeOf(put(other, { [NETMONITOR]: two }, { replaces: { [NETMONITOR]: head } }))).to.equal(
        'VERSION_CONFLICT',
      )
      expect(
        await codeOf(put(one, { [NETMONITOR]: await signed(roleTree({ version: 2 }), 'dev') })),
      ).to.equal('UPLOAD_REJECTED')
      await put(other, { [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev2') })
      await other.publish(NOW)
      expect((await client(store)).roles.get(NETMONITOR)).to.equal(3)
    })
  })

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

    it('loses no set and forks no version when many publish at once', async () => {
      const store = new MemoryStore()
      const services = await Promise.all([open(store), open(store), open(store)])
      await put(services[0]!, await story())
      await Promise.all(services.map((service) => service.publish(NOW)))
      let floors
      for (let version = 2; version < 8; version++) {
        const uploaded = await put(services[version % 3]!, {
          [NETMONITOR]: await signed(roleTree({ version }), 'dev'),
        })
        await Promise.all(services.map((service) => service.publish(NOW)))
        expect(await services[0]!.upload(uploaded.id)).to.include({ state: 'published' })
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

  describe('whose name it is (protocol P6)', () => {
    it('keeps a name with the edge that first published it, and says so in the snapshot', async () => {
      const store = new MemoryStore()
      const repository = await open(store)
      await put(repository, await story())
      await repository.publish(NOW)
      // Top-level targets now delegates to netmonitor too, with a key of its own: the default owner, had it been first.
      const both = { 'wabbit-networks': ['wabbit'], [NETMONITOR]: ['operator', 'dev'] }
      const edit = await signed(roleTree({ version: 2, delegates: both }), 'targets')
      expect(await codeOf(put(repository, { targets: edit }))).to.equal('BREAKS_DELEGATION')
      const agreed = await signed(roleTree({ version: 2 }), 'dev', 'operator')
      await put(repository, { targets: edit, [NETMONITOR]: agreed })
      await repository.publish(NOW)
      const snapshot = Buffer.from((await store.read('2.snapshot.json'))!.bytes).toString()
      expect(snapshot).to.contain('"nv2_owners":{"wabbit-networks/netmonitor":"wabbit-networks"}')
      // A fresh service reads it back: the owner's key alone decides, the other edge is reported.
      const fresh = await open(store)
      const accepted = await put(fresh, { [NETMONITOR]: await signed(roleTree({ version: 3 }), 'dev') })
      expect(accepted.warnings.join()).to.contain('edge from targets')
      expect(
        await codeOf(put(fresh, { [NETMONITOR]: await signed(roleTree({ version: 4 }), 'operator') })),
      ).to.equal('SIGNATURE_THRESHOLD')
    })
  })

  it('counts rights of tokens by repository', async () => {
    const repository = await open(new MemoryStore(), { tokens: [{ ...ALL_RIGHTS, repository: 'other' }] })
    expect(await codeOf(put(repository, await story()))).to.equal('DENIED')
    expect(key('x').key.fingerprint).not.to.equal(null)
  })
})

/** Holds the first write of a staged set until it is released. */
function stall(real: MemoryStore) {
  let release = (): void => undefined
  let arrive = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const reached = new Promise<void>((resolve) => (arrive = resolve))
  const store = new Proxy(real, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      const call = method.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (name !== 'create') return call
      return async (...args: unknown[]) => {
        if (String(args[0]).startsWith('staged/')) {
          arrive()
          await released
        }
        return call(...args)
      }
    },
  })
  return { store, reached, release: () => release() }
}
