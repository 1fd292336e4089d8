import { MemoryStore } from '@nv2/store'
import { expect } from 'chai'
import { createService, type Clock, type ServiceEvent, type ServiceOptions } from '../src/index.js'
import { client, codeOf, DAY, key, NOW, open, put, rootTree, signed, story } from './world.js'

/** A clock that moves when told; timers that are due run then. */
class TestClock implements Clock {
  private time = NOW.getTime()
  private readonly waiting = new Set<{ at: number; act: () => void }>()

  now(): Date {
    return new Date(this.time)
  }

  after(ms: number, act: () => void): () => void {
    const one = { at: this.time + ms, act }
    this.waiting.add(one)
    return () => this.waiting.delete(one)
  }

  get timers(): number {
    return this.waiting.size
  }

  async move(ms: number): Promise<void> {
    this.time += ms
    for (const one of [...this.waiting])
      if (one.at <= this.time) {
        this.waiting.delete(one)
        one.act()
      }
    await this.quiet()
  }

  /** Until every job has set its next timer. */
  async quiet(): Promise<void> {
    while (this.timers === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a running service', () => {
  async function running(change: Partial<ServiceOptions> = {}) {
    const store = new MemoryStore()
    const clock = new TestClock()
    const events: ServiceEvent[] = []
    const service = await createService({
      repositories: [{ name: 'public', rootBytes: await signed(rootTree(1), 'root'), store }],
      signers: [key('snapshot'), key('timestamp')],
      interval: 1000,
      clock,
      content: () => Promise.resolve(null),
      log: (event) => void events.push(event),
      ...change,
    })
    return { store, clock, service, events }
  }

  it('publishes what is staged at the next tick, renews later, and stops', async () => {
    const { store, clock, service, events } = await running({ timestampLife: 10_000 })
    service.start()
    await clock.quiet()
    expect(await store.read('timestamp.json')).to.equal(null)
    await put(await open(store), await story())
    await clock.move(1000)
    expect(await client(store, { now: clock.now() })).to.include({ timestamp: 1 })
    await clock.move(1000)
    expect(await client(store, { now: clock.now() })).to.include({ timestamp: 1 })
    await clock.move(6000)
    expect(await client(store, { now: clock.now() })).to.include({ timestamp: 2, snapshot: 1 })
    expect(events.map(({ event }) => event)).to.deep.equal(['published', 'published'])
    await service.stop()
    expect(clock.timers).to.equal(0)
  })

  it('goes on after a tick that failed, and says so', async () => {
    const { store, clock, service, events } = await running()
    const real = store.list.bind(store)
    store.list = () => Promise.reject(new Error('no list'))
    service.start()
    await clock.quiet()
    store.list = real
    await put(await open(store), await story())
    await clock.move(1000)
    expect(await client(store)).to.include({ timestamp: 1 })
    expect(events.map(({ event }) => event)).to.deep.equal(['failed', 'published'])
    await service.stop()
  })

  it('does nothing of itself when the interval is off', async () => {
    const { store, clock, service } = await running({ interval: 'off', snapshotLife: DAY })
    service.start()
    await put(await open(store), await story())
    expect(clock.timers).to.equal(0)
    const reports = await service.publish('public')
    expect(reports.get('public')?.timestamp).to.equal(1)
    await service.stop()
    expect(await codeOf(service.publish('other'))).to.equal('NOT_FOUND')
  })

  it('does not start for one repository whose keys it lacks, or whose root key it holds', async () => {
    const rootBytes = await signed(rootTree(1, { timestamp: ['elsewhere'] }), 'root')
    const repositories = [{ name: 'private', rootBytes, store: new MemoryStore() }]
    expect(await codeOf(running({ repositories }))).to.equal('ONLINE_KEY_MISSING')
    const signers = ['snapshot', 'timestamp', 'root'].map(key)
    expect(await codeOf(running({ signers }))).to.equal('OFFLINE_KEY_PRESENT')
  })
})
