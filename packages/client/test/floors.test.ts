import { RepositorySimulator, testSigner } from '@nv2/testkit'
import { nextRoot, pinRoot, type TrustedRoot } from '@nv2/tuf'
import { expect } from 'chai'
import { highest, NO_FLOORS, type Floors } from '../src/floors.js'

describe('floors of two writers', () => {
  let chain: TrustedRoot[]
  let before: string
  const after = testSigner('new timestamp').key.fingerprint ?? ''

  beforeEach(async () => {
    const simulator = await RepositorySimulator.create()
    before = simulator.signersOf('timestamp')[0]?.key.fingerprint ?? ''
    const first = pinRoot(simulator.files.get('1.root.json') ?? new Uint8Array())
    simulator.signers.set('timestamp', [testSigner('new timestamp')])
    chain = [first, nextRoot(first, await simulator.nextRoot())]
  })

  const floors = (root: number, version: number, sha256: string, key: string): Floors => ({
    ...NO_FLOORS,
    root,
    timestamp: { version, sha256, signedBy: [key] },
  })

  it('the higher version holds, whoever writes last', () => {
    const [low, high] = [floors(2, 4, 'low', after), floors(2, 5, 'high', after)]
    expect(highest(low, high, chain).timestamp?.sha256).to.equal('high')
    expect(highest(high, low, chain).timestamp?.sha256).to.equal('high')
  })

  it('on a tie what is held stays (protocol C2)', () => {
    const [held, other] = [floors(2, 5, 'held', after), floors(2, 5, 'other', after)]
    expect(highest(held, other, chain).timestamp?.sha256).to.equal('held')
  })

  it('a writer that still knows the old root does not bring back what the new one dropped', () => {
    const recovered = floors(2, 11, 'recovered', after)
    const forwarded = floors(1, 1_000_000, 'forwarded', before)
    for (const both of [highest(recovered, forwarded, chain), highest(forwarded, recovered, chain)]) {
      expect(both.timestamp?.version).to.equal(11)
      expect(both.root).to.equal(2)
    }
  })

  it('without the chain to judge by, nothing is dropped', () => {
    expect(highest(floors(1, 9, 'held', before), NO_FLOORS, []).timestamp?.version).to.equal(9)
  })
})
