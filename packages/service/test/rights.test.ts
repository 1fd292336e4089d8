import { MemoryStore } from '@nv2/store'
import { expect } from 'chai'
import { roleKeys, withDelegation } from '@nv2/tuf'

import type { Repository } from '../src/index.js'
import { parseTokens } from '../src/index.js'
import {
  codeOf,
  contents,
  key,
  later,
  NETMONITOR,
  NOW,
  open,
  proofFor,
  put,
  roleTree,
  sha,
  signed,
  story,
  uploadBody,
} from './world.js'

const text = (value: string): Uint8Array => Buffer.from(value)

async function ready(): Promise<{ store: MemoryStore; repository: Repository }> {
  const store = new MemoryStore()
  const repository = await open(store)
  await put(repository, await story())
  await repository.publish(NOW)
  return { store, repository }
}

describe('the right to upload (protocol P5)', () => {
  const upload = async (version = 2) => {
    const file = await signed(roleTree({ version }), 'dev')
    const before = await signed(roleTree({ targets: [`${NETMONITOR}:latest`] }), 'dev')
    return uploadBody(
      { [NETMONITOR]: file },
      { replaces: { [NETMONITOR]: { version: 1, sha256: sha(before) } } },
    )
  }
  const V = { [NETMONITOR]: 2 }

  for (const by of ['dev', 'wabbit', 'targets'])
    it(`takes a request signed by ${by}: a key of the role's edge, or of one above it`, async () => {
      const { repository } = await ready()
      const body = await upload()
      const proof = await proofFor(repository, body, V, { [NETMONITOR]: by })
      expect(await repository.accept(body, proof, NOW)).to.include({ created: true })
    })

  it('takes a request signed by another vote of the same group', async () => {
    const { repository } = await ready()
    const tree = withDelegation(roleTree({ version: 2, delegates: { 'wabbit-networks': ['wabbit'] } }), {
      name: 'both',
      paths: { kind: 'paths', patterns: ['acme/app:*'] },
      terminating: false,
      votes: [
        { role: 'acme/dev', keys: roleKeys([key('acme-dev').key], 1) },
        { role: 'acme/security', keys: roleKeys([key('acme-security').key], 1) },
      ],
      minAgreement: 2,
      multi: true,
    })
    await put(repository, { targets: await signed(tree, 'targets') })
    const body = uploadBody({ 'acme/dev': await signed(roleTree({ targets: ['acme/app:v1'] }), 'acme-dev') })
    const proof = await proofFor(repository, body, {}, { 'acme/dev': 'acme-security' })
    expect(await repository.accept(body, proof, NOW)).to.include({ created: true })
  })

  const refusals: [string, (repository: Repository, body: Uint8Array) => Promise<object>, string][] = [
    ['nothing', () => Promise.resolve({}), 'UNAUTHORIZED'],
    ['an unknown token', () => Promise.resolve({ token: 'guess' }), 'UNAUTHORIZED'],
    ['a key of no edge', (r, b) => proofFor(r, b, V, { [NETMONITOR]: 'stranger' }), 'DENIED'],
    ['an online key', (r, b) => proofFor(r, b, V, { [NETMONITOR]: 'snapshot' }), 'DENIED'],
    ['a proof for another role', (r, b) => proofFor(r, b, V, { 'wabbit-networks': 'wabbit' }), 'DENIED'],
    [
      'a proof for another version',
      (r, b) => proofFor(r, b, { [NETMONITOR]: 3 }, { [NETMONITOR]: 'dev' }),
      'DENIED',
    ],
    ['a proof for another body', (r) => proofFor(r, text('other'), V, { [NETMONITOR]: 'dev' }), 'DENIED'],
    [
      'a proof for another repository',
      (_, b) => proofFor({ firstRoot: '0'.repeat(64) }, b, V, { [NETMONITOR]: 'dev' }),
      'DENIED',
    ],
    ['an expired proof', (r, b) => proofFor(r, b, V, { [NETMONITOR]: 'dev' }, NOW), 'UNAUTHORIZED'],
    [
      'a proof for a whole day',
      (r, b) => proofFor(r, b, V, { [NETMONITOR]: 'dev' }, later(1)),
      'UNAUTHORIZED',
    ],
  ]
  for (const [what, proof, code] of refusals)
    it(`refuses ${what}: ${code}`, async () => {
      const { store, repository } = await ready()
      const before = await contents(store)
      const body = await upload()
      expect(await codeOf(repository.accept(body, await proof(repository, body), NOW))).to.equal(code)
      expect(await contents(store)).to.deep.equal(before)
    })

  it('does not take a right out of an edge that nobody with a right has sent', async () => {
    const { store, repository } = await ready()
    const before = await contents(store)
    const stolen = await signed(
      roleTree({ version: 2, delegates: { [NETMONITOR]: ['stranger'] } }),
      'stranger',
    )
    const body = uploadBody({
      'wabbit-networks': stolen,
      [NETMONITOR]: await signed(roleTree({ version: 2 }), 'stranger'),
    })
    const by = { 'wabbit-networks': 'stranger', [NETMONITOR]: 'stranger' }
    const proof = await proofFor(repository, body, { 'wabbit-networks': 2, [NETMONITOR]: 2 }, by)
    expect(await codeOf(repository.accept(body, proof, NOW))).to.equal('DENIED')
    expect(await contents(store)).to.deep.equal(before)
  })

  it('lets a new publisher bring its delegator and its role in one set, each signed for', async () => {
    const store = new MemoryStore()
    const repository = await open(store)
    const files = await story()
    const body = uploadBody(files)
    const proof = await proofFor(
      repository,
      body,
      {},
      { targets: 'targets', 'wabbit-networks': 'wabbit', [NETMONITOR]: 'dev' },
    )
    expect(await repository.accept(body, proof, NOW)).to.include({ created: true })
  })

  it('knows tokens by repository and by role', async () => {
    const right = (roles: string[], repository = 'public') =>
      parseTokens(JSON.stringify({ tokens: [{ sha256: sha(text('secret')), repository, roles }] }))
    const rows: [ReturnType<typeof right>, string][] = [
      [right([NETMONITOR]), 'no error'],
      [right(['wabbit-networks/*']), 'no error'],
      [right(['*']), 'no error'],
      [right(['wabbit-networks']), 'DENIED'],
      [right(['wabbit-networks/net*']), 'DENIED'],
      [right([NETMONITOR], 'private'), 'DENIED'],
      [[], 'UNAUTHORIZED'],
    ]
    for (const [tokens, code] of rows) {
      const store = new MemoryStore()
      const first = await open(store)
      await put(first, await story())
      await first.publish(NOW)
      const repository = await open(store, { tokens })
      expect(await codeOf(repository.accept(await upload(), { token: 'secret' }, NOW))).to.equal(code)
    }
  })

  for (const file of [
    '{}',
    '{"tokens":[{}]}',
    '{"tokens":[{"sha256":"x","repository":"p","roles":[]}]}',
    '[',
  ])
    it(`does not read ${file} as a tokens file`, () => {
      expect(() => parseTokens(file)).to.throw()
    })
})
