import { DAY, HOUR, MINUTE, testSigner } from '@nv2/testkit'
import { sha256Hex } from '@nv2/tuf'
import { expect } from 'chai'
import { firstRootSha256, placeOf, readFloors, resetClock } from '../src/index.js'
import { codeOf, Consumer } from './consumer.js'

const TS = 'timestamp.json'

describe('a refresh while the publisher moves', () => {
  let consumer: Consumer
  beforeEach(async () => {
    consumer = await Consumer.open()
  })
  afterEach(() => consumer.close())

  /** Runs `work` once, just before `file` is answered. */
  const once = (file: string, work: () => Promise<unknown>): void => {
    let done = false
    consumer.before = async (asked) => {
      if (done || asked !== file) return
      done = true
      await work()
    }
  }

  it('starts again from timestamp, once, when the snapshot it was told of is gone', async () => {
    once('1.snapshot.json', async () => {
      await consumer.simulator.publish()
      consumer.simulator.files.delete('1.snapshot.json')
    })
    const asked = await consumer.asked(() => consumer.session().refresh())
    expect(asked).to.deep.equal([
      '2.root.json',
      TS,
      '1.snapshot.json',
      TS,
      '2.snapshot.json',
      '1.targets.json',
    ])
  })

  it('starts again from root, once, when the timestamp is signed with keys of a root that came meanwhile', async () => {
    once(TS, async () => {
      consumer.simulator.signers.set('timestamp', [testSigner('new timestamp')])
      await consumer.simulator.nextRoot()
      await consumer.simulator.nextTimestamp()
    })
    const asked = await consumer.asked(() => consumer.session().refresh())
    expect(asked.slice(0, 5)).to.deep.equal(['2.root.json', TS, '2.root.json', '3.root.json', TS])
  })
})

describe('the root chain', () => {
  let consumer: Consumer
  afterEach(() => consumer.close())

  it('keeps every root on the way and asks only for the next one later', async () => {
    consumer = await Consumer.open()
    for (let i = 0; i < 3; i++) await consumer.simulator.nextRoot()
    await consumer.session().refresh()
    expect(Object.keys(await consumer.trusted()).filter((name) => name.startsWith('roots/'))).to.have.length(
      4,
    )
    const asked = await consumer.asked(() => consumer.session().refresh())
    expect(asked).to.deep.equal(['5.root.json', TS])
  })

  it('keeps the verified roots of an update that fails later', async () => {
    consumer = await Consumer.open()
    await consumer.simulator.nextRoot()
    consumer.simulator.files.delete(TS)
    expect(await codeOf(() => consumer.session().refresh())).to.equal('ROLE_UNAVAILABLE')
    expect(Object.keys(await consumer.trusted())).to.include('roots/2.root.json')
  })

  it('passes over an expired root that is not the last', async () => {
    consumer = await Consumer.open()
    const { simulator } = consumer
    await simulator.nextRoot([], simulator.in(1))
    await simulator.nextRoot()
    simulator.clock.move(2 * DAY)
    simulator.edit('targets', (tree) => tree)
    await simulator.publish()
    expect((await consumer.session().refresh()).snapshot.timestamp.current.root.version).to.equal(3)
  })

  it('finds a root that was pinned by its hash, and refuses every other', async () => {
    consumer = await Consumer.open({ pin: 'hash', prepare: async (s) => void (await s.nextRoot()) })
    const { root } = (await consumer.session().refresh()).snapshot.timestamp.current
    expect(root.version).to.equal(2)
    await consumer.close()

    consumer = await Consumer.open({ pin: 'hash' })
    consumer.simulator.files.set('1.root.json', consumer.simulator.files.get(TS) ?? new Uint8Array())
    expect(await codeOf(() => consumer.session().refresh())).to.equal('TRUST_MISMATCH')
    expect(Object.keys(await consumer.trusted())).to.deep.equal(['pinned.json'])
  })

  it('names the repository by its first root, also when a later one was pinned', async () => {
    consumer = await Consumer.open()
    const first = sha256Hex(consumer.simulator.files.get('1.root.json') ?? new Uint8Array())
    expect(await firstRootSha256(placeOf(consumer.home, consumer.registry))).to.equal(first)
  })
})

describe('the clock', () => {
  let consumer: Consumer
  beforeEach(async () => {
    consumer = await Consumer.open()
    await consumer.session().refresh()
  })
  afterEach(() => consumer.close())

  it('may go back five minutes and not more', async () => {
    consumer.simulator.clock.move(-5 * MINUTE)
    await consumer.session().refresh()
    consumer.simulator.clock.move(-1)
    const asked = await consumer.asked(async () => {
      expect(await codeOf(() => consumer.session().refresh())).to.equal('CLOCK_WENT_BACK')
    })
    expect(asked).to.deep.equal([])
  })

  it('is believed again after an explicit reset, which lowers nothing else', async () => {
    const before = await readFloors(consumer.trust)
    consumer.simulator.clock.move(-HOUR)
    await resetClock(consumer.trust, consumer.simulator.clock.now(), () => Promise.resolve([]))
    await consumer.session().refresh()
    const after = await readFloors(consumer.trust)
    expect(after.lastSuccess).to.equal(before.lastSuccess - HOUR)
    expect(after.timestamp).to.deep.equal(before.timestamp)
    expect(after.roles).to.deep.equal(before.roles)
  })
})
