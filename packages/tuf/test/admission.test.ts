import { expect } from 'chai'
import {
  admit,
  parse,
  sign,
  type AdmitOptions,
  type Envelope,
  type RepositoryView,
  type Signer,
  type Targets,
  type TufCode,
} from '../src/index.js'
import { signer } from './keyring.js'
import { group, NOW, ONLINE, plain, roleTree, rootTree, target, vote, type RoleSpec } from './repository.js'

const [k1, k2, dev, sec, acme] = [signer('k1'), signer('k2'), signer('dev'), signer('sec'), signer('acme')]
type Specs = Readonly<Record<string, RoleSpec>>

const files = async (specs: Specs) => {
  const made = new Map<string, Uint8Array>()
  for (const [role, spec] of Object.entries(specs)) made.set(role, await sign(roleTree(spec), spec.signers))
  return made
}

async function view(specs: Specs, owners: Record<string, string> = {}): Promise<RepositoryView> {
  const roles = new Map<string, Envelope<Targets>>()
  for (const [role, bytes] of await files(specs)) roles.set(role, parse('targets', bytes, { role }))
  return {
    root: parse('root', await sign(rootTree(), [ONLINE.root])).signed,
    roles,
    owners: new Map(Object.entries(owners)),
  }
}

const top = (
  version: number,
  delegations: RoleSpec['delegations'],
  by: readonly Signer[] = [ONLINE.targets],
): RoleSpec => ({
  version,
  delegations: delegations ?? [],
  signers: by,
})
const w = (...signers: Signer[]) => plain('w', signers, ['w/*'])

describe('admission of a change set', () => {
  const rows: [
    string,
    { held?: Specs; owners?: Record<string, string>; set: Specs; options?: AdmitOptions },
    { code?: TufCode; role?: string; resign?: string[]; warns?: RegExp },
  ][] = [
    ['first targets', { set: { targets: top(1, []) } }, {}],
    ['targets by the developer', { set: { targets: top(1, [], [k1]) } }, { code: 'SIGNATURE_THRESHOLD' }],
    [
      'a role nobody delegates to',
      { held: { targets: top(1, []) }, set: { w: { signers: [k1] } } },
      { code: 'ROLE_NOT_DELEGATED' },
    ],
    [
      'delegator and role in one set',
      { held: { targets: top(1, []) }, set: { w: { signers: [k1] }, targets: top(2, [w(k1)]) } },
      {},
    ],
    [
      'three levels in one set, listed upside down',
      {
        set: {
          'w/n': { signers: [k2] },
          w: { signers: [k1], delegations: [plain('w/n', [k2], ['w/n:*'])] },
          targets: top(1, [w(k1)]),
        },
      },
      {},
    ],
    [
      'too few signatures',
      { held: { targets: top(1, [w(k1, k2)]) }, set: { w: { signers: [k1] } } },
      { code: 'SIGNATURE_THRESHOLD' },
    ],
    [
      'too few signatures for a threshold of two',
      {
        held: { targets: top(1, [{ ...w(k1), votes: [vote('w', [k1, k2], 2)] }]) },
        set: { w: { signers: [k1] } },
      },
      { code: 'SIGNATURE_THRESHOLD' },
    ],
    [
      'expired',
      { held: { targets: top(1, [w(k1)]) }, set: { w: { signers: [k1], expires: NOW } } },
      { code: 'EXPIRED' },
    ],
    [
      'the version that is there',
      {
        held: { targets: top(1, [w(k1)]), w: { version: 3, signers: [k1] } },
        set: { w: { version: 3, signers: [k1] } },
      },
      { code: 'ROLLBACK' },
    ],
    [
      'a path outside the edge',
      { held: { targets: top(1, [w(k1)]) }, set: { w: { signers: [k1], targets: [target('v/x:v1', 'x')] } } },
      { code: 'PATH_NOT_DELEGATED' },
    ],
    [
      'the same in an imported role',
      {
        held: { targets: top(1, [w(k1)]) },
        set: { w: { signers: [k1], targets: [target('v/x:v1', 'x')] } },
        options: { imported: new Set(['w']) },
      },
      { warns: /no client will find it/ },
    ],
    [
      'snapshot in a change set',
      { held: { targets: top(1, [w(k1)]) }, set: { snapshot: { signers: [k1] } } },
      { code: 'BAD_ROLE_NAME' },
    ],
    [
      'a delegated role called Root',
      { held: { targets: top(1, [w(k1)]) }, set: { Root: { signers: [k1] } } },
      { code: 'BAD_ROLE_NAME' },
    ],
    [
      'tenant q hands out the name of tenant w (P6)',
      {
        held: { targets: top(1, [w(k1), plain('q', [k2], ['q/*'])]) },
        set: { q: { signers: [k2], delegations: [plain('w/n', [k2], ['w/n:*'])] } },
      },
      { code: 'BAD_ROLE_NAME' },
    ],
    [
      'the edge that first published a name decides',
      {
        held: {
          targets: top(1, [w(k1), plain('w/n', [k2], ['w/n:*'])]),
          w: { signers: [k1], delegations: [plain('w/n', [dev], ['w/n:*'])] },
        },
        owners: { 'w/n': 'w' },
        set: { 'w/n': { signers: [k2] } },
      },
      { code: 'SIGNATURE_THRESHOLD' },
    ],
    [
      'another edge to the name that fails is reported',
      {
        held: {
          targets: top(1, [w(k1), plain('w/n', [k2], ['w/n:*'])]),
          w: { signers: [k1], delegations: [plain('w/n', [dev], ['w/n:*'])] },
        },
        owners: { 'w/n': 'w' },
        set: { 'w/n': { signers: [dev] } },
      },
      { warns: /edge from targets/ },
    ],
    [
      'a new edge to a published name must verify when it is made',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, [w(k1), plain('w', [k2], ['w/*'])].slice(1)) },
      },
      { code: 'BREAKS_DELEGATION' },
    ],
    [
      'rotation without the child signed again',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, [w(k2)]) },
      },
      { code: 'BREAKS_DELEGATION' },
    ],
    [
      'rotation with the child signed again',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, [w(k2)]), w: { version: 2, signers: [k2] } },
      },
      {},
    ],
    [
      'rotation stated as a revocation',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, [w(k2)]) },
        options: { revocation: true },
      },
      { resign: ['w'] },
    ],
    [
      'removal of a delegation',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, []) },
      },
      { code: 'BREAKS_DELEGATION' },
    ],
    [
      'removal stated as a revocation',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, []) },
        options: { revocation: true },
      },
      { resign: ['w'] },
    ],
    [
      'a child under its new delegator with the old key',
      {
        held: { targets: top(1, [w(k1)]), w: { signers: [k1] } },
        owners: { w: 'targets' },
        set: { targets: top(2, [w(k2)]), w: { version: 2, signers: [k1] } },
      },
      { code: 'SIGNATURE_THRESHOLD', role: 'w' },
    ],
    [
      'an imported role that leads on to a role which is not here',
      {
        held: { targets: top(1, [w(k1)]) },
        set: { w: { signers: [k1], delegations: [plain('w/n', [k2], ['w/n:*'])] } },
        options: { imported: new Set(['w']) },
      },
      { code: 'BREAKS_DELEGATION' },
    ],
    [
      'a group at ACME: the imported role and its own',
      {
        held: {
          targets: top(1, [group('n', [vote('w/n', [dev]), vote('acme/n', [acme])], 2, ['w/n:*', 'w/n@*'])]),
        },
        set: {
          'w/n': { version: 7, signers: [dev], targets: [target('w/n:v1', 'x')] },
          'acme/n': { signers: [acme], targets: [target('w/n:v1', 'x')] },
        },
        options: { imported: new Set(['w/n']) },
      },
      {},
    ],
    [
      'one role of a group alone',
      {
        held: { targets: top(1, [group('n', [vote('w/n', [dev]), vote('acme/n', [sec])], 2, ['w/n:*'])]) },
        set: { 'w/n': { signers: [dev] } },
      },
      {},
    ],
  ]
  for (const [name, given, wanted] of rows)
    it(name, async () => {
      const held = await view(given.held ?? {}, given.owners)
      const set = await files(given.set)
      let code: string | undefined
      try {
        const admission = admit(held, set, NOW, given.options)
        expect([...admission.edges.keys()].sort()).to.deep.equal([...set.keys()].sort())
        expect(admission.resign).to.deep.equal(wanted.resign ?? [])
        if (wanted.warns) expect(admission.warnings.join()).to.match(wanted.warns)
        else expect(admission.warnings).to.deep.equal([])
      } catch (error) {
        code = (error as { code?: string }).code
        if (code === undefined) throw error
        if (wanted.role !== undefined) expect((error as { role?: string }).role).to.equal(wanted.role)
      }
      expect(code).to.equal(wanted.code)
    })

  it('refuses a pattern that also owns its neighbours, and a threshold that nobody can meet', async () => {
    const held = await view({ targets: top(1, [w(k1)]) })
    const tree = JSON.parse(Buffer.from(await sign(roleTree({ signers: [], delegations: [plain('w/n', [k2], ['w/n:*'])] }), [k1])).toString()) as { signed: { delegations: { roles: { paths: string[]; threshold: number }[] } } } // prettier-ignore
    const [edge] = tree.signed.delegations.roles
    if (!edge) throw new Error('no edge')
    const admitTree = async () => {
      const again = parse('targets', Buffer.from(JSON.stringify(tree)))
      return admit(held, new Map([['w', await sign(again.tree, [k1])]]), NOW)
    }
    const codeOf = async () => admitTree().then(() => undefined, (error: unknown) => (error as { code?: string }).code) // prettier-ignore
    expect(await codeOf()).to.equal(undefined)
    edge.paths = ['w/n*']
    expect(await codeOf()).to.equal('BAD_PATTERN')
    edge.paths = ['w/n:*']
    edge.threshold = 2
    expect(await codeOf()).to.equal('METADATA_INVALID')
  })
})
