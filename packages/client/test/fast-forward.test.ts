import { testSigner } from '@nv2/testkit'
import { expect } from 'chai'
import { readFloors } from '../src/index.js'
import { codeOf, Consumer } from './consumer.js'

/** Protocol C1, by what a step of the root chain did to the keys after an attacker signed very high versions. */
describe('recovery from a fast-forward attack', () => {
  let consumer: Consumer
  beforeEach(async () => {
    consumer = await Consumer.open({
      prepare: async (simulator) => {
        simulator.timestampVersion = 1_000_000
        simulator.snapshotVersion = 1_000_000
        await simulator.publish()
      },
    })
    await consumer.session().refresh()
  })
  afterEach(() => consumer.close())

  /** The operator puts the numbers back and publishes under whatever root there is now. */
  async function recovered(timestamp: number, snapshot: number): Promise<string> {
    consumer.simulator.timestampVersion = timestamp
    consumer.simulator.snapshotVersion = snapshot
    await consumer.simulator.publish()
    return codeOf(() => consumer.session().refresh())
  }
  const rotate = (...roles: ('timestamp' | 'snapshot')[]): void => {
    for (const role of roles) consumer.simulator.signers.set(role, [testSigner(`new ${role}`)])
  }

  it('drops both floors when both keys were taken out', async () => {
    rotate('timestamp', 'snapshot')
    await consumer.simulator.nextRoot()
    expect(await recovered(10, 10)).to.equal('none')
    expect((await readFloors(consumer.trust)).timestamp?.version).to.equal(11)
  })

  it('drops only the floor of the role whose key was taken out', async () => {
    rotate('timestamp')
    await consumer.simulator.nextRoot()
    expect(await recovered(10, 10)).to.equal('ROLLBACK')
    expect(await recovered(10, 1_000_001)).to.equal('none')
  })

  it('drops the floors also when a later root put the old key back', async () => {
    const old = {
      timestamp: consumer.simulator.signersOf('timestamp'),
      snapshot: consumer.simulator.signersOf('snapshot'),
    }
    rotate('timestamp', 'snapshot')
    await consumer.simulator.nextRoot()
    consumer.simulator.signers.set('timestamp', old.timestamp)
    consumer.simulator.signers.set('snapshot', old.snapshot)
    await consumer.simulator.nextRoot()
    expect(await recovered(10, 10)).to.equal('none')
  })

  it('drops nothing when a spare key was added: that would open a rollback', async () => {
    const { simulator } = consumer
    for (const role of ['timestamp', 'snapshot'] as const)
      simulator.signers.set(role, [...simulator.signersOf(role), testSigner(`spare ${role}`)])
    await simulator.nextRoot()
    expect(await recovered(10, 10)).to.equal('ROLLBACK')
  })

  it('drops nothing when the root only renewed itself', async () => {
    await consumer.simulator.nextRoot()
    expect(await recovered(10, 10)).to.equal('ROLLBACK')
  })

  it('drops the floors when the held files no longer meet the new threshold', async () => {
    const { simulator } = consumer
    for (const role of ['timestamp', 'snapshot'] as const) {
      simulator.signers.set(role, [...simulator.signersOf(role), testSigner(`second ${role}`)])
      simulator.thresholds[role] = 2
    }
    await simulator.nextRoot()
    expect(await recovered(10, 10)).to.equal('none')
  })
})
