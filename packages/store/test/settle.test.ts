import { expect } from 'chai'
import { createSettled, MemoryStore, replaceSettled, StoreError, type MetadataStore } from '../src/index.js'
import { codeOf } from './contract.js'

/** Loses the answer of the first `count` writes, which were done or not. */
function losing(real: MetadataStore, count: number, done: boolean): MetadataStore {
  let left = count
  const write = async <T>(act: () => Promise<T>): Promise<T> => {
    if (left-- <= 0) return act()
    if (done) await act()
    throw new StoreError('UNKNOWN_OUTCOME', 'the answer was lost')
  }
  return {
    read: (name) => real.read(name),
    list: (prefix) => real.list(prefix),
    remove: (name) => real.remove(name),
    create: (name, bytes) => write(() => real.create(name, bytes)),
    createAll: (entries) => write(() => real.createAll(entries)),
    replace: (name, bytes, expected) => write(() => real.replace(name, bytes, expected)),
  }
}

const bytes = Buffer.from('mine')

describe('settling a write whose answer was lost', () => {
  for (const done of [true, false])
    it(`creates all the same (it was ${done ? '' : 'not '}done)`, async () => {
      const real = new MemoryStore()
      expect(await createSettled(losing(real, 1, done), '1.root.json', bytes)).to.equal('done')
      expect(await real.read('1.root.json')).not.to.equal(null)
    })

  it('does not call a name lost that nobody has', async () => {
    const real = new MemoryStore()
    expect(await codeOf(() => createSettled(losing(real, 9, false), '1.root.json', bytes))).to.equal(
      'UNKNOWN_OUTCOME',
    )
    await real.create('1.root.json', Buffer.from('theirs'))
    expect(await createSettled(losing(real, 9, false), '1.root.json', bytes)).to.equal('lost')
  })

  it('calls a swap done when our bytes stand there, else lost', async () => {
    const real = new MemoryStore()
    expect(await replaceSettled(losing(real, 1, false), 'timestamp.json', bytes, null)).to.equal('lost')
    expect(await replaceSettled(losing(real, 1, true), 'timestamp.json', bytes, null)).to.equal('done')
  })
})
