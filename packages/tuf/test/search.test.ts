import { expect } from 'chai'
import {
  search,
  type Delegation,
  type Found,
  type RoleRequest,
  type Target,
  type TufCode,
  type TufError,
} from '../src/index.js'
import { signer } from './keyring.js'
import {
  group,
  LATER,
  NOW,
  ONLINE,
  plain,
  publish,
  target,
  vote,
  type Published,
  type RoleSpec,
} from './repository.js'

const PATH = 'w/n:v1'
const ALL = ['w/*']
const key = (role: string) => signer(`key of ${role}`)

interface Answer {
  readonly found?: Found
  readonly error?: TufError
  readonly asked: readonly string[]
}

/** Runs the search as a client would: answers from the published files, `withheld` ones with null. */
function ask(published: Published, path = PATH, withheld: readonly string[] = [], budget?: number): Answer {
  const asked: string[] = []
  const steps = search(published.trusted, path, NOW, budget)
  try {
    let step: IteratorResult<RoleRequest, Found> = steps.next()
    while (!step.done) {
      const { role } = step.value
      asked.push(role)
      step = steps.next(withheld.includes(role) ? null : (published.files.get(role) ?? null))
    }
    return { found: step.value, asked }
  } catch (error) {
    return { error: error as TufError, asked }
  }
}

/** A tree in short: role -> its targets and delegations, each role signed by its own key. */
type Tree = Readonly<
  Record<
    string,
    {
      says?: string
      to?: readonly Delegation[]
      targets?: readonly Target[]
      by?: RoleSpec['signers']
      expires?: Date
    }
  >
>
const build = (tree: Tree): Promise<Published> => {
  const roles: Record<string, RoleSpec> = {}
  for (const [role, { says, to, targets, by, expires }] of Object.entries(tree))
    roles[role] = {
      signers: by ?? (role === 'targets' ? [ONLINE.targets] : [key(role)]),
      delegations: to ?? [],
      targets: targets ?? (says === undefined ? [] : [target(PATH, says)]),
      expires: expires ?? LATER,
    }
  return publish(roles)
}
const to = (role: string, more: Partial<Delegation> = {}) => plain(role, [key(role)], ALL, more)
const end = { terminating: true }
const voters = (...roles: string[]) => roles.map((role) => vote(role, [key(role)]))
const said = (found: Found | undefined) => found?.target.hashes.get('sha256')
const hash = (text: string) => target(PATH, text).hashes.get('sha256')

describe('search: plain delegations, pre-order, depth first', () => {
  const rows: [string, Tree, { asked: string[]; says?: string; code?: TufCode; proof?: string[] }][] = [
    [
      'the top level speaks first',
      { targets: { says: 'top', to: [to('A')] }, A: { says: 'a' } },
      { asked: [], says: 'top', proof: ['targets'] },
    ],
    [
      'in listed order',
      { targets: { to: [to('A'), to('B')] }, A: {}, B: { says: 'b' } },
      { asked: ['A', 'B'], says: 'b', proof: ['targets', 'B'] },
    ],
    [
      'a role’s children before its sisters',
      { targets: { to: [to('A'), to('B')] }, A: { to: [to('A/x')] }, 'A/x': { says: 'x' }, B: { says: 'b' } },
      { asked: ['A', 'A/x'], says: 'x', proof: ['targets', 'A', 'A/x'] },
    ],
    [
      'only roles whose paths match',
      { targets: { to: [plain('A', [key('A')], ['v/*']), to('B')] }, A: { says: 'a' }, B: { says: 'b' } },
      { asked: ['B'], says: 'b' },
    ],
    [
      'every hop’s paths must match',
      { targets: { to: [plain('A', [key('A')], ['v/*'])] }, A: { to: [to('A/x')] }, 'A/x': { says: 'x' } },
      { asked: [], code: 'TARGET_NOT_FOUND' },
    ],
    [
      'a terminating role ends the search',
      { targets: { to: [to('A', end), to('B')] }, A: {}, B: { says: 'b' } },
      { asked: ['A'], code: 'TARGET_NOT_FOUND' },
    ],
    [
      'a terminating role below ends it too',
      {
        targets: { to: [to('A'), to('B')] },
        A: { to: [to('A/x', end), to('A/y')] },
        'A/x': {},
        'A/y': { says: 'y' },
        B: { says: 'b' },
      },
      { asked: ['A', 'A/x'], code: 'TARGET_NOT_FOUND' },
    ],
    [
      'a cycle',
      {
        targets: { to: [to('A'), to('B')] },
        A: { to: [to('A/x')] },
        'A/x': { to: [to('A')] },
        B: { says: 'b' },
      },
      { asked: ['A', 'A/x', 'B'], says: 'b' },
    ],
    [
      'a role that delegates to itself',
      { targets: { to: [to('A'), to('B')] }, A: { to: [to('A')] }, B: { says: 'b' } },
      { asked: ['A', 'B'], says: 'b' },
    ],
    ['nobody knows it', { targets: { to: [to('A')] }, A: {} }, { asked: ['A'], code: 'TARGET_NOT_FOUND' }],
    [
      'a role that the snapshot does not list is not even asked for',
      { targets: { to: [to('gone'), to('B')] }, B: { says: 'b' } },
      { asked: [], code: 'ROLE_UNAVAILABLE' },
    ],
    [
      'a role signed by another key',
      { targets: { to: [to('A')] }, A: { says: 'a', by: [key('evil')] } },
      { asked: ['A'], code: 'SIGNATURE_THRESHOLD' },
    ],
    [
      'an expired role ends the search, it is not passed over',
      { targets: { to: [to('A'), to('B')] }, A: { expires: NOW }, B: { says: 'b' } },
      { asked: ['A'], code: 'EXPIRED' },
    ],
    [
      'a role named constructor',
      { targets: { to: [to('constructor')] }, constructor: { says: 'c' } },
      { asked: ['constructor'], says: 'c' },
    ],
  ]
  for (const [name, tree, wanted] of rows)
    it(name, async () => {
      const { found, error, asked } = ask(await build(tree))
      expect(asked).to.deep.equal(wanted.asked)
      expect(error?.code).to.equal(wanted.code)
      if (wanted.says !== undefined) expect(said(found), error?.message).to.equal(hash(wanted.says))
      if (wanted.proof) expect(found?.proof.map((one) => one.role)).to.deep.equal(wanted.proof)
    })

  it('a file that cannot be had ends the search', async () => {
    const published = await build({ targets: { to: [to('A'), to('B')] }, A: { says: 'a' }, B: { says: 'b' } })
    expect(ask(published, PATH, ['A']).error?.code).to.equal('ROLE_UNAVAILABLE')
  })

  it('verifies a role against this delegator’s keys each time it is reached, and asks for its file once', async () => {
    const published = await build({
      targets: { to: [to('A'), to('B')] },
      A: { to: [to('C')] },
      B: { to: [plain('C', [key('B’s own')], ALL)] },
      C: {},
    })
    const { error, asked } = ask(published)
    expect(asked).to.deep.equal(['A', 'C', 'B'])
    expect(error?.code).to.equal('SIGNATURE_THRESHOLD')
    expect(error?.message).to.include('that its B demands')
  })

  it('names called like members of the prototype are not found', async () => {
    const published = await build({ targets: { says: 'x' } })
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(ask(published, name).error?.code).to.equal('TARGET_NOT_FOUND')
  })

  it('stops at its budget, loudly', async () => {
    const many = Array.from({ length: 12 }, (_, i) => `R${i}`)
    const tree: Record<string, Tree[string]> = { targets: { to: many.map((role) => to(role)) } }
    for (const role of many) tree[role] = {}
    expect(ask(await build(tree), PATH, [], 10).error?.code).to.equal('SEARCH_BUDGET')
    expect(ask(await build(tree), PATH, [], 13).error?.code).to.equal('TARGET_NOT_FOUND')
  })

  it('does not pay 2^k for k diamonds in a row', async () => {
    const tree: Record<string, Tree[string]> = { targets: { to: [to('L0'), to('R0')] } }
    for (let i = 0; i < 20; i++)
      for (const side of ['L', 'R']) tree[`${side}${i}`] = { to: [to(`L${i + 1}`), to(`R${i + 1}`)] }
    tree['L20'] = {}
    tree['R20'] = {}
    const { error, asked } = ask(await build(tree))
    expect(error?.code).to.equal('TARGET_NOT_FOUND')
    expect(asked).to.have.length(42)
  })
})

describe('search: TAP 3 groups', () => {
  const both = (min = 2, terminating = false) => group('both', voters('dev', 'sec'), min, ALL, terminating)
  const three = (min: number) => group('three', voters('A', 'B', 'C'), min, ALL)
  const rows: [
    string,
    Tree,
    { says?: string; code?: TufCode; missing?: string[]; withheld?: string[]; proof?: string[] },
  ][] = [
    [
      'two of two agree',
      { targets: { to: [both()] }, dev: { says: 'x' }, sec: { says: 'x' } },
      { says: 'x', proof: ['targets', 'dev', 'sec'] },
    ],
    [
      'one alone is refused',
      { targets: { to: [both()] }, dev: { says: 'x' }, sec: {} },
      { code: 'NO_CONSENSUS', missing: ['sec'] },
    ],
    [
      'disagreement is refused',
      { targets: { to: [both()] }, dev: { says: 'x' }, sec: { says: 'y' } },
      { code: 'NO_CONSENSUS', missing: [] },
    ],
    [
      'one of two is enough where the group says so',
      { targets: { to: [both(1)] }, dev: {}, sec: { says: 'y' } },
      { says: 'y', proof: ['targets', 'sec'] },
    ],
    [
      'the earliest wins where one is enough',
      { targets: { to: [both(1)] }, dev: { says: 'x' }, sec: { says: 'y' } },
      { says: 'x' },
    ],
    [
      'the earliest whose word reaches the minimum wins (A:1 B:2 C:2)',
      { targets: { to: [three(2)] }, A: { says: '1' }, B: { says: '2' }, C: { says: '2' } },
      { says: '2', proof: ['targets', 'B', 'C'] },
    ],
    [
      'a withheld role aborts, though the others would agree',
      { targets: { to: [three(2)] }, A: { says: '1' }, B: { says: '2' }, C: { says: '2' } },
      { code: 'ROLE_UNAVAILABLE', withheld: ['A'] },
    ],
    [
      'an unpublished role aborts',
      { targets: { to: [both()] }, dev: { says: 'x' } },
      { code: 'ROLE_UNAVAILABLE' },
    ],
    [
      'an expired role aborts',
      { targets: { to: [three(2)] }, A: { says: '2' }, B: { says: '2' }, C: { expires: NOW } },
      { code: 'EXPIRED' },
    ],
    [
      'a role signed by another key aborts',
      { targets: { to: [three(2)] }, A: { says: '2' }, B: { says: '2' }, C: { by: [key('evil')] } },
      { code: 'SIGNATURE_THRESHOLD' },
    ],
    [
      'some, but too few, never falls through to the next delegation',
      { targets: { to: [both(), to('D')] }, dev: { says: 'x' }, sec: {}, D: { says: 'd' } },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'nobody in it knows: the next delegation',
      { targets: { to: [both(), to('D')] }, dev: {}, sec: {}, D: { says: 'd' } },
      { says: 'd' },
    ],
    [
      'nobody in it knows and it is terminating: the end',
      { targets: { to: [both(2, true), to('D')] }, dev: {}, sec: {}, D: { says: 'd' } },
      { code: 'TARGET_NOT_FOUND' },
    ],
    [
      'a vote by the role’s own delegation',
      { targets: { to: [both()] }, dev: { to: [to('dev/x')] }, 'dev/x': { says: 'x' }, sec: { says: 'x' } },
      { says: 'x', proof: ['targets', 'dev', 'dev/x', 'sec'] },
    ],
    [
      'terminating inside a branch ends that branch alone',
      {
        targets: { to: [both(1)] },
        dev: { to: [to('dev/x', end), to('dev/y')] },
        'dev/x': {},
        'dev/y': { says: 'y' },
        sec: { says: 's' },
      },
      { says: 's' },
    ],
    [
      'two branches that end in one role are one vote',
      { targets: { to: [both()] }, dev: { to: [to('C')] }, sec: { to: [to('C')] }, C: { says: 'x' } },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'A->C1, B->C2 signed by one key: one person does not decide alone',
      {
        targets: { to: [both()] },
        dev: { to: [plain('C1', [key('one')], ALL)] },
        sec: { to: [plain('C2', [key('one')], ALL)] },
        C1: { says: 'x', by: [key('one')] },
        C2: { says: 'x', by: [key('one')] },
      },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'a nested group votes with all its roles',
      {
        targets: { to: [group('outer', voters('A', 'B'), 2, ALL)] },
        A: { to: [group('inner', voters('A/1', 'A/2'), 2, ALL)] },
        'A/1': { says: 'x' },
        'A/2': { says: 'x' },
        B: { says: 'x' },
      },
      { says: 'x', proof: ['targets', 'A', 'A/1', 'A/2', 'B'] },
    ],
    [
      'a nested group and a sister share a role: one vote',
      {
        targets: { to: [group('outer', voters('A', 'B'), 2, ALL)] },
        A: { to: [group('inner', voters('A/1', 'B'), 2, ALL)] },
        'A/1': { says: 'x' },
        B: { says: 'x' },
      },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'a nested group without consensus aborts the whole search',
      {
        targets: { to: [group('outer', voters('A', 'B'), 1, ALL)] },
        A: { to: [group('inner', voters('A/1', 'A/2'), 2, ALL)] },
        'A/1': { says: 'x' },
        'A/2': {},
        B: { says: 'x' },
      },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'a vote that leads back up is no vote',
      { targets: { to: [to('A')] }, A: { to: [group('up', voters('A', 'B'), 2, ALL)] }, B: { says: 'x' } },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'same bytes, other media type: no agreement',
      {
        targets: { to: [both()] },
        dev: { targets: [target(PATH, 'x', 'a/b')] },
        sec: { targets: [target(PATH, 'x', 'c/d')] },
      },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'more hashes in one: no agreement',
      {
        targets: { to: [both()] },
        dev: { says: 'x' },
        sec: {
          targets: [
            {
              ...target(PATH, 'x'),
              hashes: new Map([...target(PATH, 'x').hashes, ['sha512', 'ab'.repeat(64)]]),
            },
          ],
        },
      },
      { code: 'NO_CONSENSUS' },
    ],
    [
      'an entry that was left without a key can never be satisfied',
      {
        targets: { to: [group('both', [...voters('dev'), vote('sec', [], 1)], 2, ALL)] },
        dev: { says: 'x' },
        sec: { says: 'x' },
      },
      { code: 'SIGNATURE_THRESHOLD' },
    ],
    [
      'other length: no agreement',
      {
        targets: { to: [both()] },
        dev: { says: 'x' },
        sec: { targets: [{ ...target(PATH, 'x'), length: 9 }] },
      },
      { code: 'NO_CONSENSUS' },
    ],
  ]
  for (const [name, tree, wanted] of rows)
    it(name, async () => {
      const { found, error } = ask(await build(tree), PATH, wanted.withheld)
      expect(error?.code, error?.message).to.equal(wanted.code)
      if (wanted.missing) expect(error?.missing).to.deep.equal(wanted.missing)
      if (wanted.says !== undefined) expect(said(found)).to.equal(hash(wanted.says))
      if (wanted.proof) expect(found?.proof.map((one) => one.role)).to.deep.equal(wanted.proof)
    })

  it('other custom data is each role’s own', async () => {
    const mine = target(PATH, 'x')
    const theirs = { ...mine, custom: new Map([...(mine.custom ?? []), ['note', 'scanned']]) }
    const { found } = ask(
      await build({ targets: { to: [both()] }, dev: { targets: [mine] }, sec: { targets: [theirs] } }),
    )
    expect(found?.target.custom?.has('note')).to.equal(false)
  })

  it('says who signed what and who is missing', async () => {
    const { error } = ask(await build({ targets: { to: [both()] }, dev: { says: 'x' }, sec: {} }))
    expect(error?.message).to.match(
      /needs 2 of 2 roles to agree: dev signed sha256:[0-9a-f]{12}…; missing: sec/,
    )
  })
})
