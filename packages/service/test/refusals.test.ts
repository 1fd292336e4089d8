import { MemoryStore } from '@nv2/store'
import { expect } from 'chai'
import {
  newSnapshot,
  newTimestamp,
  pinRoot,
  requireFreshRoot,
  roleKeys,
  trustSnapshot,
  trustTimestamp,
  withDelegation,
  type Delegation,
  type JsonObject,
} from '@nv2/tuf'
import { Repository } from '../src/index.js'
import {
  client,
  codeOf,
  contents,
  key,
  later,
  NETMONITOR,
  NOW,
  open,
  put,
  roleTree,
  rootTree,
  sha,
  signed,
  story,
  TOKEN,
} from './world.js'

const text = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

async function ready(): Promise<{ store: MemoryStore; repository: Repository }> {
  const store = new MemoryStore()
  const repository = await open(store)
  await put(repository, await story())
  await repository.publish(NOW)
  return { store, repository }
}

/** A delegation as nobody should write it. */
function delegating(role: string, change: Partial<Delegation> = {}): JsonObject {
  const good: Delegation = {
    name: role,
    paths: { kind: 'paths', patterns: ['wabbit-networks/x:*'] },
    terminating: false,
    votes: [{ role, keys: roleKeys([key('x').key], 1) }],
    minAgreement: 1,
    multi: false,
  }
  const base = roleTree({ version: 2, delegates: { [NETMONITOR]: ['dev'] } })
  return withDelegation(base, { ...good, ...change })
}

/** Rewrites the tree after our own writer has agreed to it. */
function edit(tree: JsonObject, from: string, to: string): JsonObject {
  const walk = (value: unknown): unknown => {
    if (value === from) return to
    if (Array.isArray(value)) return value.map(walk)
    if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, walk(item)]))
    return value
  }
  return walk(tree) as JsonObject
}

describe('what ACCEPT refuses, with nothing written', () => {
  const metadata = async (): Promise<string> => base64(await signed(roleTree({ version: 2 }), 'dev'))
  const one = async (change: object): Promise<Uint8Array> =>
    text({ version: 1, roles: [{ role: NETMONITOR, replaces: null, metadata: await metadata(), ...change }] })

  const bodies: [string, () => Promise<Uint8Array> | Uint8Array, string][] = [
    ['an empty body', () => text(''), 'BAD_REQUEST'],
    ['no JSON', () => text('{'), 'BAD_REQUEST'],
    ['no object', () => text([]), 'BAD_REQUEST'],
    ['another version', () => text({ version: 2, roles: [] }), 'BAD_REQUEST'],
    ['a member twice', () => text('{"version":1,"version":1,"roles":[]}'), 'BAD_REQUEST'],
    ['deep nesting', () => text(`{"version":1,"roles":${'['.repeat(50)}${']'.repeat(50)}}`), 'BAD_REQUEST'],
    ['no roles', () => text({ version: 1, roles: [] }), 'BAD_REQUEST'],
    ['too many roles', () => text({ version: 1, roles: Array(1001).fill({}) }), 'BAD_REQUEST'],
    ['a role without a name', () => one({ role: '' }), 'BAD_REQUEST'],
    ['a role with a number for a name', () => one({ role: 7 }), 'BAD_REQUEST'],
    ['no metadata', () => one({ metadata: null }), 'BAD_REQUEST'],
    ['metadata not in base64', () => one({ metadata: 'a b' }), 'BAD_REQUEST'],
    ['replaces without a digest', () => one({ replaces: { version: 1 } }), 'BAD_REQUEST'],
    ['revocation as text', () => text({ version: 1, revocation: 'yes', roles: [{}] }), 'BAD_REQUEST'],
    ['metadata that is no JSON', () => one({ metadata: base64(text('x')) }), 'METADATA_NOT_JSON'],
    [
      'metadata with a member twice',
      () => one({ metadata: base64(text('{"signed":{},"signed":{}}')) }),
      'METADATA_DUPLICATE_MEMBER',
    ],
    [
      'metadata that is no TUF',
      () => one({ metadata: base64(text('{"signed":1,"signatures":[]}')) }),
      'METADATA_INVALID',
    ],
    ['a root that is none', () => one({ role: 'root' }), 'METADATA_WRONG_TYPE'],
    [
      'a snapshot',
      async () =>
        one({
          metadata: base64(
            await signed(newSnapshot({ version: 1, expires: later(1), meta: new Map() }), 'dev'),
          ),
        }),
      'METADATA_WRONG_TYPE',
    ],
  ]
  for (const [what, body, code] of bodies)
    it(`${what}: ${code}`, async () => {
      const { store, repository } = await ready()
      const before = await contents(store)
      expect(await codeOf(repository.accept(await body(), { token: TOKEN }, NOW))).to.equal(code)
      expect(await contents(store)).to.deep.equal(before)
    })

  const sets: [string, () => Promise<Record<string, Uint8Array>>, string][] = [
    [
      'a role that nobody delegates to',
      async () => ({ 'evil/x': await signed(roleTree(), 'dev') }),
      'ROLE_NOT_DELEGATED',
    ],
    ['a role called snapshot', async () => ({ snapshot: await signed(roleTree(), 'dev') }), 'BAD_ROLE_NAME'],
    [
      'a role called Timestamp',
      async () => ({ Timestamp: await signed(roleTree(), 'dev') }),
      'BAD_ROLE_NAME',
    ],
    [
      'a role without its signature',
      async () => ({ [NETMONITOR]: await signed(roleTree({ version: 2 })) }),
      'SIGNATURE_THRESHOLD',
    ],
    [
      'a role signed by a stranger',
      async () => ({ [NETMONITOR]: await signed(roleTree({ version: 2 }), 'stranger') }),
      'SIGNATURE_THRESHOLD',
    ],
    [
      'an expired role',
      async () => ({ [NETMONITOR]: await signed(roleTree({ version: 2, expires: later(-1) }), 'dev') }),
      'EXPIRED',
    ],
    [
      'a target outside the delegation',
      async () => ({
        [NETMONITOR]: await signed(roleTree({ version: 2, targets: ['acme/app:latest'] }), 'dev'),
      }),
      'PATH_NOT_DELEGATED',
    ],
    [
      'a delegation to another tenant’s name',
      async () => ({ 'wabbit-networks': await signed(delegating('acme/app'), 'wabbit') }),
      'BAD_ROLE_NAME',
    ],
    [
      'a delegation to a role called root',
      async () => ({
        'wabbit-networks': await signed(
          edit(delegating('wabbit-networks/x'), 'wabbit-networks/x', 'Root'),
          'wabbit',
        ),
      }),
      'BAD_ROLE_NAME',
    ],
    [
      'a pattern R*',
      async () => ({
        'wabbit-networks': await signed(
          edit(delegating('wabbit-networks/x'), 'wabbit-networks/x:*', 'wabbit-networks/x*'),
          'wabbit',
        ),
      }),
      'BAD_PATTERN',
    ],
    [
      'a set of which one role is bad',
      async () => ({
        'wabbit-networks': await signed(
          roleTree({ version: 2, delegates: { [NETMONITOR]: ['dev'] } }),
          'wabbit',
        ),
        [NETMONITOR]: await signed(roleTree({ version: 2 }), 'stranger'),
      }),
      'SIGNATURE_THRESHOLD',
    ],
  ]
  for (const [what, files, code] of sets)
    it(`${what}: ${code}`, async () => {
      const { store, repository } = await ready()
      const before = await contents(store)
      expect(await codeOf(put(repository, await files()))).to.equal(code)
      expect(await contents(store)).to.deep.equal(before)
      await repository.publish(NOW)
      expect(await contents(store)).to.deep.equal(before)
    })

  it('takes an imported file with foreign paths, with a warning', async () => {
    const { repository } = await ready()
    const file = await signed(roleTree({ version: 2, targets: ['acme/app:latest'] }), 'dev')
    const { warnings } = await put(repository, { [NETMONITOR]: file }, { imported: [NETMONITOR] })
    expect(warnings.join()).to.contain('acme/app:latest')
  })
})

describe('the developer’s key', () => {
  it('cannot sign snapshot or timestamp', async () => {
    const { store } = await ready()
    const root = requireFreshRoot(pinRoot((await store.read('1.root.json'))!.bytes), NOW)
    const published = trustTimestamp(root, (await store.read('timestamp.json'))!.bytes, NOW)
    const snapshot = await signed(newSnapshot({ version: 1, expires: later(1), meta: new Map() }), 'dev')
    const hash = new Map([['sha256', sha(snapshot)]])
    const named = newTimestamp({ version: 9, expires: later(1), snapshot: { version: 1, hashes: hash } })
    const forged = await signed(named, 'dev')
    expect(await codeOf((async () => trustTimestamp(root, forged, NOW))())).to.equal('SIGNATURE_THRESHOLD')
    const honest = trustTimestamp(root, await signed(named, 'timestamp'), NOW)
    expect(await codeOf((async () => trustSnapshot(honest, snapshot, NOW))())).to.equal('SIGNATURE_THRESHOLD')
    expect(await codeOf((async () => trustSnapshot(published, snapshot, NOW))())).to.equal('HASH_MISMATCH')
  })

  it('is of no use to the service', async () => {
    const rootBytes = await signed(rootTree(1), 'root')
    const store = new MemoryStore()
    const act = Repository.open({ name: 'public', rootBytes, store, signers: [key('dev')] })
    expect(await codeOf(act)).to.equal('ONLINE_KEY_MISSING')
  })

  it('does not reach readers when a key store gives wrong signatures', async () => {
    const store = new MemoryStore()
    const broken = { key: key('timestamp').key, sign: (bytes: Uint8Array) => key('dev').sign(bytes) }
    const repository = await open(store, { signers: [key('snapshot'), broken] })
    await put(repository, await story())
    expect(await codeOf(repository.publish(NOW))).to.equal('SIGNATURE_THRESHOLD')
    expect(await store.read('timestamp.json')).to.equal(null)
    const healed = await open(store)
    await healed.publish(NOW)
    expect((await client(store)).roles.size).to.equal(3)
  })
})
