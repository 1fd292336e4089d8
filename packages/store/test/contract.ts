import { expect } from 'chai'
import { createSettled, replaceSettled, StoreError, type MetadataStore } from '../src/index.js'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (stored: { bytes: Uint8Array } | null): string | undefined =>
  stored ? Buffer.from(stored.bytes).toString() : undefined

/** What every store must do (protocol S1). `open` gives a new, empty store. */
export function contract(kind: string, open: () => Promise<MetadataStore>): void {
  describe(`${kind}: the contract of a metadata store`, () => {
    let store: MetadataStore
    beforeEach(async () => {
      store = await open()
    })

    it('reads null for what is not there', async () => {
      expect(await store.read('1.root.json')).to.equal(null)
      expect(await store.read('timestamp.json')).to.equal(null)
      expect(await store.list('')).to.deep.equal([])
    })

    it('creates once, keeps the first bytes, and says lost after that', async () => {
      expect(await store.create('1.root.json', bytes('a'))).to.equal('done')
      expect(await store.create('1.root.json', bytes('b'))).to.equal('lost')
      expect(text(await store.read('1.root.json'))).to.equal('a')
    })

    it('creates many with one outcome each', async () => {
      await store.create('2.targets.json', bytes('old'))
      const outcomes = await store.createAll([
        { name: '1.targets.json', bytes: bytes('1') },
        { name: '2.targets.json', bytes: bytes('2') },
        { name: '3.targets.json', bytes: bytes('3') },
      ])
      expect(outcomes).to.deep.equal(['done', 'lost', 'done'])
      expect(text(await store.read('2.targets.json'))).to.equal('old')
      expect(await store.createAll([])).to.deep.equal([])
    })

    it('replaces the timestamp only for the revision that was read', async () => {
      expect(await store.replace('timestamp.json', bytes('x'), '7')).to.equal('lost')
      expect(await store.replace('timestamp.json', bytes('1'), null)).to.equal('done')
      expect(await store.replace('timestamp.json', bytes('1b'), null)).to.equal('lost')
      const first = await store.read('timestamp.json')
      expect(await store.replace('timestamp.json', bytes('2'), first?.revision ?? null)).to.equal('done')
      expect(await store.replace('timestamp.json', bytes('3'), first?.revision ?? null)).to.equal('lost')
      const second = await store.read('timestamp.json')
      expect(text(second)).to.equal('2')
      expect(second?.revision).not.to.equal(first?.revision)
    })

    it('lets exactly one of many racing writers win, for create and for replace', async () => {
      const racers = [...Array(20).keys()]
      const created = await Promise.all(racers.map((n) => store.create('5.targets.json', bytes(String(n)))))
      expect(created.filter((outcome) => outcome === 'done')).to.have.length(1)
      expect(text(await store.read('5.targets.json'))).to.equal(String(created.indexOf('done')))
      const swapped = await Promise.all(
        racers.map((n) => store.replace('timestamp.json', bytes(String(n)), null)),
      )
      expect(swapped.filter((outcome) => outcome === 'done')).to.have.length(1)
      expect(text(await store.read('timestamp.json'))).to.equal(String(swapped.indexOf('done')))
    })

    it('lists by prefix, with an age, without its own bookkeeping', async () => {
      await store.create('staged/aa', bytes('1'))
      await store.create('staged/ab', bytes('1'))
      await store.create('rejected/aa', bytes('1'))
      await store.create('1.root.json', bytes('1'))
      await store.replace('timestamp.json', bytes('1'), null)
      const names = async (prefix: string): Promise<string[]> =>
        (await store.list(prefix)).map(({ name }) => name)
      expect(await names('staged/')).to.deep.equal(['staged/aa', 'staged/ab'])
      expect(await names('staged/ab')).to.deep.equal(['staged/ab'])
      expect(await names('none/')).to.deep.equal([])
      expect(await names('')).to.deep.equal([
        '1.root.json',
        'rejected/aa',
        'staged/aa',
        'staged/ab',
        'timestamp.json',
      ])
      for (const { ageMs } of await store.list('')) expect(ageMs).to.be.within(0, 60_000)
    })

    it('removes, and does not mind what is already gone', async () => {
      await store.create('staged/aa', bytes('1'))
      await store.remove('staged/aa')
      await store.remove('staged/aa')
      expect(await store.read('staged/aa')).to.equal(null)
      expect(await store.create('staged/aa', bytes('2'))).to.equal('done')
    })

    it('holds names that file systems do not like', async () => {
      const long = `3.${'%41'.repeat(70)}.json`
      for (const name of [
        '1.%2E%2E%2Fx.json',
        '1.con.json',
        '1.a%20%3F.json',
        '1.%%00ff.json',
        '1.a~b_c-d.json',
        long,
      ]) {
        expect(await store.create(name, bytes(name))).to.equal('done')
        expect(await store.create(name, bytes('again'))).to.equal('lost')
        expect(text(await store.read(name))).to.equal(name)
        expect((await store.list(name)).map((item) => item.name)).to.deep.equal([name])
      }
    })

    for (const name of [
      '',
      '../x',
      'a/../b',
      '/x',
      'x/',
      '.hidden',
      'A',
      'a\\b',
      'a b',
      '%2f',
      '%',
      'a'.repeat(241),
      '4.timestamp.json',
    ])
      it(`refuses ${JSON.stringify(name)} as a name`, async () => {
        for (const act of [
          () => store.create(name, bytes('1')),
          () => store.createAll([{ name, bytes: bytes('1') }]),
          () => store.read(name),
          () => store.remove(name),
        ])
          expect(await codeOf(act)).to.equal('BAD_STORE_NAME')
        expect(await store.list('')).to.deep.equal([])
      })

    it('writes the timestamp by replace alone, and nothing else by it', async () => {
      expect(await codeOf(() => store.create('timestamp.json', bytes('1')))).to.equal('BAD_STORE_NAME')
      expect(await codeOf(() => store.remove('timestamp.json'))).to.equal('BAD_STORE_NAME')
      expect(await codeOf(() => store.replace('1.root.json', bytes('1'), null))).to.equal('BAD_STORE_NAME')
    })

    it('gives bytes that nobody else can change', async () => {
      const mine = bytes('mine')
      await store.create('1.root.json', mine)
      mine[0] = 0
      const read = await store.read('1.root.json')
      if (read) read.bytes[0] = 0
      expect(text(await store.read('1.root.json'))).to.equal('mine')
    })

    it('settles: own bytes that already stand there are done, other bytes are lost', async () => {
      expect(await createSettled(store, '1.root.json', bytes('a'))).to.equal('done')
      expect(await createSettled(store, '1.root.json', bytes('a'))).to.equal('done')
      expect(await createSettled(store, '1.root.json', bytes('b'))).to.equal('lost')
      expect(await replaceSettled(store, 'timestamp.json', bytes('a'), null)).to.equal('done')
      expect(await replaceSettled(store, 'timestamp.json', bytes('b'), null)).to.equal('lost')
    })
  })
}

export async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act()
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
  return 'no error'
}
