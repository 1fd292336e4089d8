import { MemoryStore } from '@nv2/store'
import { expect } from 'chai'
import { stall } from './stall.js'
import {
  ALL_RIGHTS,
  client,
  codeOf,
  contents,
  key,
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

  it('publishes versions in their order, also when the store cannot tell which came first', async () => {
    const store = new MemoryStore(() => 0)
    const repository = await open(store)
    await put(repository, await story())
    const ids: string[] = []
    for (let version = 2; version < 9; version++)
      ids.push((await put(repository, { [NETMONITOR]: await signed(roleTree({ version }), 'dev') })).id)
    await repository.publish(NOW)
    const states = await Promise.all(ids.map(async (id) => (await repository.upload(id))?.state))
    expect(states).to.deep.equal([...Array<string>(6).fill('superseded'), 'published'])
  })

  it('does not stop at two sets of which each has a version that the other passes', async () => {
    const store = new MemoryStore()
    const one = await open(store)
    const roles = ['wabbit-networks/a', 'wabbit-networks/b'] as const
    const file = (version: number) => signed(roleTree({ version }), 'dev')
    await put(one, {
      targets: (await story())['targets']!,
      'wabbit-networks': await signed(
        roleTree({ delegates: { [roles[0]]: ['dev'], [roles[1]]: ['dev'] } }),
        'wabbit',
      ),
    })
    await one.publish(NOW)
    const stalled = stall(store)
    const late = put(await open(stalled.store), { [roles[0]]: await file(1), [roles[1]]: await file(2) })
    await stalled.reached
    const first = await put(one, { [roles[0]]: await file(2), [roles[1]]: await file(1) })
    stalled.release()
    const ids = [first.id, (await late).id]
    await one.publish(NOW)
    const states = await Promise.all(ids.map(async (id) => (await one.upload(id))?.state))
    expect(states).to.have.members(['published', 'rejected'])
    expect((await client(store)).roles.size).to.equal(4)
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
