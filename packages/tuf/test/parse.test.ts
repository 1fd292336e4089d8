import { expect } from 'chai'
import fc from 'fast-check'
import {
  encodeJson,
  jsonObject,
  parse,
  parseJson,
  sign,
  TufError,
  type Json,
  type JsonObject,
  type TufCode,
} from '../src/index.js'
import { refused } from './expect.js'
import { signer } from './keyring.js'
import { group, ONLINE, plain, publish, roleTree, rootTree, target, vote } from './repository.js'

const [a, b, c] = [signer('a'), signer('b'), signer('c')]

/** The same tree with one place (a.b.0.c) set to something else; `undefined` removes it. */
function change(tree: Json, path: string, value: Json | undefined): Json {
  const [name = '', ...rest] = path.split('>')
  if (Array.isArray(tree))
    return tree.map((item: Json, i) => (String(i) === name ? next(item, rest, value) : item))
  if (!(tree instanceof Map)) throw new Error(`nothing at ${path}`)
  const object = tree as JsonObject
  const inner = next(object.get(name), rest, value)
  return jsonObject([...[...object].filter(([n]) => n !== name), [name, inner]])
}
const next = (item: Json | undefined, rest: string[], value: Json | undefined): Json =>
  (rest.length > 0 ? change(item ?? null, rest.join('>'), value) : value) as Json

const file = (signed: Json, signatures: Json = []) => encodeJson(jsonObject([['signed', signed], ['signatures', signatures]])) // prettier-ignore

describe('parse: from bytes to types', () => {
  const rootJson = rootTree()
  const multi = roleTree({
    signers: [],
    targets: [target('w/n:v1', 'one')],
    delegations: [group('both', [vote('w/dev', [a]), vote('w/sec', [b])], 2, ['w/n:*'])],
  })
  const single = roleTree({ signers: [], delegations: [plain('w', [a], ['w/*']), plain('v', [b], ['v/*'])] })
  const online = [...ONLINE.root.key.keyid].join('')
  const sig = (keyid: string, value: Json = '') => jsonObject([['keyid', keyid], ['sig', value]]) // prettier-ignore

  const rows: [string, 'root' | 'targets' | 'snapshot' | 'timestamp', Uint8Array, TufCode][] = [
    ['a list instead of a document', 'root', encodeJson([]), 'METADATA_INVALID'],
    ['no signed part', 'root', encodeJson(jsonObject([['signatures', []]])), 'METADATA_INVALID'],
    [
      'snapshot metadata served as root',
      'root',
      file(change(rootJson, '_type', 'snapshot')),
      'METADATA_WRONG_TYPE',
    ],
    [
      'another major version of the specification',
      'root',
      file(change(rootJson, 'spec_version', '2.0.0')),
      'METADATA_INVALID',
    ],
    [
      '"1." as specification version',
      'root',
      file(change(rootJson, 'spec_version', '1.')),
      'METADATA_INVALID',
    ],
    ['version 0', 'root', file(change(rootJson, 'version', 0)), 'METADATA_INVALID'],
    ['version -5', 'root', file(change(rootJson, 'version', -5)), 'METADATA_INVALID'],
    ['a version as text', 'root', file(change(rootJson, 'version', '1')), 'METADATA_INVALID'],
    ['expires: never', 'root', file(change(rootJson, 'expires', 'never')), 'METADATA_INVALID'],
    [
      'a date without Z',
      'root',
      file(change(rootJson, 'expires', '2035-01-01T00:00:00')),
      'METADATA_INVALID',
    ],
    [
      'a date with an offset',
      'root',
      file(change(rootJson, 'expires', '2035-01-01T00:00:00+02:00')),
      'METADATA_INVALID',
    ],
    ['February 30th', 'root', file(change(rootJson, 'expires', '2035-02-30T00:00:00Z')), 'METADATA_INVALID'],
    ['threshold 0', 'root', file(change(rootJson, 'roles>root>threshold', 0)), 'METADATA_INVALID'],
    ['threshold -1', 'root', file(change(rootJson, 'roles>root>threshold', -1)), 'METADATA_INVALID'],
    ['threshold "2"', 'root', file(change(rootJson, 'roles>root>threshold', '2')), 'METADATA_INVALID'],
    [
      'a key id twice in a role',
      'root',
      file(change(rootJson, 'roles>root>keyids', [online, online])),
      'METADATA_INVALID',
    ],
    [
      'a root without a timestamp role',
      'root',
      file(change(rootJson, 'roles>timestamp', undefined)),
      'METADATA_INVALID',
    ],
    ['a key that is a number', 'root', file(change(rootJson, `keys>${online}`, 7)), 'METADATA_INVALID'],
    ['one key id signing twice', 'root', file(rootJson, [sig('x'), sig('x')]), 'METADATA_INVALID'],
    ['a signature that is a number', 'root', file(rootJson, [sig('x', 1)]), 'METADATA_INVALID'],
    [
      'a million signatures',
      'root',
      file(
        rootJson,
        Array.from({ length: 1025 }, (_, i) => sig(String(i))),
      ),
      'METADATA_INVALID',
    ],
    ['more bytes than a root may have', 'root', Buffer.alloc(512_001, 0x20), 'METADATA_TOO_LARGE'],
    ['more bytes than a timestamp may have', 'timestamp', Buffer.alloc(16_385, 0x20), 'METADATA_TOO_LARGE'],
    [
      'a target without a hash',
      'targets',
      file(change(multi, 'targets>w/n:v1>hashes', jsonObject([]))),
      'METADATA_INVALID',
    ],
    [
      'a target of negative length',
      'targets',
      file(change(multi, 'targets>w/n:v1>length', -1)),
      'METADATA_INVALID',
    ],
    [
      'custom that is no object',
      'targets',
      file(change(multi, 'targets>w/n:v1>custom', 'x')),
      'METADATA_INVALID',
    ],
    [
      'a target called ../x',
      'targets',
      file(change(multi, 'targets>../x', (multi.get('targets') as JsonObject).get('w/n:v1'))),
      'BAD_TARGET_NAME',
    ],
    [
      'one role delegated to twice',
      'targets',
      file(change(single, 'delegations>roles>1>name', 'w')),
      'METADATA_INVALID',
    ],
    [
      'a delegation with paths and prefixes',
      'targets',
      file(change(single, 'delegations>roles>0>path_hash_prefixes', ['0'])),
      'METADATA_INVALID',
    ],
    [
      'a delegation with neither',
      'targets',
      file(change(single, 'delegations>roles>0>paths', undefined)),
      'METADATA_INVALID',
    ],
    [
      'roles beside succinct_roles',
      'targets',
      file(change(single, 'delegations>succinct_roles', jsonObject([]))),
      'METADATA_INVALID',
    ],
    [
      'keys_for_delegations beside an object',
      'targets',
      file(change(single, 'keys_for_delegations', jsonObject([]))),
      'METADATA_INVALID',
    ],
    [
      'a group that wants 3 of 2',
      'targets',
      file(change(multi, 'delegations>0>min_roles_in_agreement', 3)),
      'METADATA_INVALID',
    ],
    [
      'a group that wants 0',
      'targets',
      file(change(multi, 'delegations>0>min_roles_in_agreement', 0)),
      'METADATA_INVALID',
    ],
    ['an empty group', 'targets', file(change(multi, 'delegations>0>roleinfo', [])), 'METADATA_INVALID'],
    [
      'a role twice in a group',
      'targets',
      file(change(multi, 'delegations>0>roleinfo>1>rolename', 'w/dev')),
      'METADATA_INVALID',
    ],
    [
      'one key for two roles of a group',
      'targets',
      file(change(multi, 'delegations>0>roleinfo>1>keyids', [a.key.keyid])),
      'METADATA_INVALID',
    ],
    [
      'an empty role name',
      'targets',
      file(change(single, 'delegations>roles>0>name', '')),
      'METADATA_INVALID',
    ],
  ]
  for (const [name, type, bytes, code] of rows)
    it(`refuses ${name}`, () => {
      refused(code, () => parse(type, bytes))
    })

  it('refuses one public key under two ids in two roles of a group', () => {
    const twin = jsonObject([...(a.key.tree), ['x-note', 'same key, other id']]) // prettier-ignore
    let tree = change(multi, 'keys_for_delegations>other', twin)
    tree = change(tree, 'delegations>0>roleinfo>1>keyids', ['other'])
    refused('METADATA_INVALID', () => parse('targets', file(tree)))
  })

  it('refuses a role name with other keys in a second group (protocol D1)', () => {
    const tree = roleTree({
      signers: [],
      delegations: [group('one', [vote('w/dev', [a]), vote('w/sec', [b])], 2, ['w/n:*'])],
    })
    const [first] = tree.get('delegations') as Json[]
    const second = change(change(first ?? null, 'name', 'two'), 'roleinfo>0>keyids', [b.key.keyid])
    const third = change(second, 'roleinfo>1>rolename', 'w/third')
    const fixed = change(third, 'roleinfo>1>keyids', [a.key.keyid])
    refused('METADATA_INVALID', () =>
      parse('targets', file(change(tree, 'delegations', [first ?? null, fixed]))),
    )
  })

  it('reads a threshold above the number of keys, and role names that are paths or prototype names', () => {
    let tree: Json = change(single, 'delegations>roles>0>threshold', 9)
    for (const name of ['../x', '/x', '?', 'constructor', '__proto__', 'C:\\x']) {
      tree = change(tree, 'delegations>roles>0>name', name)
      expect(parse('targets', file(tree)).signed.delegations[0]?.name).to.equal(name)
    }
  })

  it('reads an empty signature and an unknown kind of key', () => {
    const tree = change(rootJson, `keys>${online}`, jsonObject([['keytype', 'x'], ['scheme', 'y'], ['keyval', jsonObject([])]])) // prettier-ignore
    expect(parse('root', file(tree, [sig('z')])).signatures).to.deep.equal([{ keyid: 'z', sig: '' }])
  })

  it('keeps unknown members in what is signed', async () => {
    const tree = change(rootJson, 'x-extra', 'kept') as JsonObject
    const envelope = parse('root', await sign(tree, [ONLINE.root]))
    expect(Buffer.from(envelope.payload).toString()).to.include('"x-extra":"kept"')
    expect(envelope.tree.get('x-extra')).to.equal('kept')
  })

  it('throws TufError and nothing else, whatever one place of the document holds', async () => {
    const { files } = await publish({ targets: { signers: [ONLINE.targets], targets: [target('a', 'b')], delegations: [plain('w', [a, b, c], ['w/*'])] } }) // prettier-ignore
    const document = JSON.parse(Buffer.from(files.get('targets') ?? []).toString()) as unknown
    const places: [Record<string, unknown>, string][] = []
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return
      for (const name of Object.keys(node)) {
        places.push([node as Record<string, unknown>, name])
        walk((node as Record<string, unknown>)[name])
      }
    }
    walk(document)
    const odd = fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1.5,
      2 ** 53,
      '',
      'x',
      [],
      {},
      [[]],
      [null],
      { a: null },
      '\ud800',
    )
    fc.assert(
      fc.property(fc.nat(places.length - 1), odd, (at, value) => {
        const [holder, name] = places[at] ?? [{}, '']
        const held = holder[name]
        holder[name] = value
        try {
          parse('targets', Buffer.from(JSON.stringify(document)))
        } catch (error) {
          expect(error).to.be.instanceOf(TufError)
        } finally {
          holder[name] = held
        }
      }),
      { numRuns: 1500 },
    )
    expect(parseJson(Buffer.from(JSON.stringify(document)), 'it')).to.be.instanceOf(Map)
  })
})
