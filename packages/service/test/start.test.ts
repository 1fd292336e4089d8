import { MemoryStore, type MetadataStore } from '@nv2/store'
import { expect } from 'chai'
import { encodeJson, jsonObject, parse } from '@nv2/tuf'
import { Repository } from '../src/index.js'
import { codeOf, key, later, NOW, open, put, rootTree, sha, signed, story } from './world.js'

const ALL = { signers: ['snapshot', 'timestamp', 'snapshot2', 'timestamp2'].map(key) }

async function published(store: MetadataStore): Promise<Repository> {
  const repository = await open(store, ALL)
  await put(repository, await story())
  await repository.publish(NOW)
  return repository
}

describe('what a service starts with', () => {
  const start = (signers: readonly string[], root = signed(rootTree(1), 'root'), store = new MemoryStore()) =>
    root.then((rootBytes) => Repository.open({ name: 'public', rootBytes, store, signers: signers.map(key) }))

  for (const role of ['root', 'targets'])
    it(`refuses to hold the ${role} key`, async () => {
      const store = new MemoryStore()
      expect(await codeOf(start(['snapshot', 'timestamp', role], undefined, store))).to.equal(
        'OFFLINE_KEY_PRESENT',
      )
      expect(await store.list('')).to.deep.equal([])
    })

  for (const signers of [['snapshot'], ['timestamp'], [], ['dev', 'timestamp']])
    it(`refuses to start with the keys [${signers.join()}] alone`, async () => {
      expect(await codeOf(start(signers))).to.equal('ONLINE_KEY_MISSING')
    })

  it('refuses to hold a root or targets key that came with a later root', async () => {
    const store = new MemoryStore()
    await published(store)
    await store.create('2.root.json', await signed(rootTree(2, { root: ['root', 'spare'] }), 'root', 'spare'))
    expect(await codeOf(start(['snapshot', 'timestamp', 'spare'], undefined, store))).to.equal(
      'OFFLINE_KEY_PRESENT',
    )
  })

  it('refuses a root that is not of the stored chain, and takes any that is', async () => {
    const store = new MemoryStore()
    await published(store)
    const two = await signed(rootTree(2), 'root')
    await store.create('2.root.json', two)
    const signers = ['snapshot', 'timestamp']
    expect((await start(signers, Promise.resolve(two), store)).firstRoot).to.equal(
      sha(await signed(rootTree(1), 'root')),
    )
    for (const other of [signed(rootTree(1, {}, later(9)), 'root'), signed(rootTree(3), 'root')])
      expect(await codeOf(start(signers, other, store))).to.equal('ROOT_MISMATCH')
  })

  it('refuses to begin a repository with another root than 1, or without consistent snapshots', async () => {
    const signers = ['snapshot', 'timestamp']
    expect(await codeOf(start(signers, signed(rootTree(2), 'root')))).to.equal('ROOT_REFUSED')
    const off = signed(new Map([...rootTree(1), ['consistent_snapshot', false]]), 'root')
    expect(await codeOf(start(signers, off))).to.equal('ROOT_REFUSED')
    const unsigned = encodeJson(
      jsonObject([
        ['signatures', []],
        ['signed', rootTree(1)],
      ]),
    )
    expect(await codeOf(start(signers, Promise.resolve(unsigned)))).to.equal('SIGNATURE_THRESHOLD')
  })

  it('refuses a store whose timestamp no root has signed: its number would be counted from', async () => {
    const store = new MemoryStore()
    const repository = await published(store)
    const real = (await store.read('timestamp.json'))!
    const tree = new Map([...parse('timestamp', real.bytes).tree, ['version', 2 ** 53 - 2]])
    await store.replace('timestamp.json', await signed(tree, 'stranger'), real.revision)
    expect(await codeOf(repository.publish(later(0.9)))).to.equal('REPOSITORY_DAMAGED')
  })
})
