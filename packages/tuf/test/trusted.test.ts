import { expect } from 'chai'
import {
  metaFileOf,
  newSnapshot,
  newTimestamp,
  nextRoot,
  pinRoot,
  requireFreshRoot,
  sha256Hex,
  sign,
  trustSnapshot,
  trustTargets,
  trustTimestamp,
  type CurrentRoot,
  type JsonObject,
  type Signer,
  type TrustedSnapshot,
  type TrustedTimestamp,
} from '../src/index.js'
import { refused } from './expect.js'
import { signer } from './keyring.js'
import { LATER, NOW, ONLINE, roleTree, rootTree } from './repository.js'

const other = signer('other')
const EARLIER = new Date('2025-12-31T23:59:59Z')

describe('the chain of roots', () => {
  const make = async (tree: JsonObject, ...signers: Signer[]) => sign(tree, signers)
  const one = make(rootTree(1), ONLINE.root)

  it('pins a root that meets its own threshold only', async () => {
    expect(pinRoot(await one).root.version).to.equal(1)
    refused('SIGNATURE_THRESHOLD', pinRoot.bind(null, await make(rootTree(1))))
    refused('SIGNATURE_THRESHOLD', pinRoot.bind(null, await make(rootTree(1), other)))
  })

  it('takes root N+1 signed by the old and the new holders', async () => {
    const two = await make(rootTree(2, { root: other }), ONLINE.root, other)
    expect(nextRoot(pinRoot(await one), two).root.version).to.equal(2)
  })

  for (const [name, signers] of [
    ['by the old holders alone', [ONLINE.root]],
    ['by the new holders alone', [other]],
    ['by nobody', []],
  ] as [string, Signer[]][])
    it(`refuses a new root signed ${name}`, async () => {
      const two = await make(rootTree(2, { root: other }), ...signers)
      refused('SIGNATURE_THRESHOLD', nextRoot.bind(null, pinRoot(await one), two))
    })

  for (const version of [1, 3])
    it(`refuses version ${version} where 2 was asked for`, async () => {
      refused(
        'VERSION_MISMATCH',
        nextRoot.bind(null, pinRoot(await one), await make(rootTree(version), ONLINE.root)),
      )
    })

  it('looks at the expiry of the last root only, and not past the second', async () => {
    const old = pinRoot(await make(rootTree(1, {}, EARLIER), ONLINE.root))
    const fresh = nextRoot(old, await make(rootTree(2), ONLINE.root))
    expect(requireFreshRoot(fresh, NOW).root.version).to.equal(2)
    expect(refused('EXPIRED', () => requireFreshRoot(old, NOW)).message).to.include('1 second')
    refused(
      'EXPIRED',
      requireFreshRoot.bind(null, pinRoot(await make(rootTree(1, {}, NOW), ONLINE.root)), NOW),
    )
  })
})

describe('timestamp, snapshot and targets', () => {
  let root: CurrentRoot
  let targets: Uint8Array
  const snapshotOf = (
    version: number,
    meta: [string, number, Uint8Array][],
    expires = LATER,
    by = ONLINE.snapshot,
  ) =>
    sign(
      newSnapshot({
        version,
        expires,
        meta: new Map(meta.map(([role, v, bytes]) => [role, metaFileOf(bytes, v)])),
      }),
      [by],
    )
  const timestampOf = (
    version: number,
    snapshot: Uint8Array,
    of: number,
    expires = LATER,
    by = ONLINE.timestamp,
  ) => sign(newTimestamp({ version, expires, snapshot: metaFileOf(snapshot, of) }), [by])

  before(async () => {
    root = requireFreshRoot(pinRoot(await sign(rootTree(), [ONLINE.root])), NOW)
    targets = await sign(roleTree({ signers: [] }), [ONLINE.targets])
  })
  const stamp = async (bytes: Uint8Array | Promise<Uint8Array>): Promise<TrustedTimestamp> =>
    trustTimestamp(root, await bytes, NOW)
  const snap = async (snapshot: Uint8Array, of = 1): Promise<TrustedSnapshot> =>
    trustSnapshot(await stamp(timestampOf(1, snapshot, of)), snapshot, NOW)

  it('are trusted when all is well', async () => {
    expect(
      trustTargets(await snap(await snapshotOf(1, [['targets', 1, targets]])), targets, NOW).envelope.signed
        .version,
    ).to.equal(1)
  })

  it('timestamp: refuses the developer, expiry, rollback, equivocation and an older snapshot behind it', async () => {
    const snapshot = await snapshotOf(4, [['targets', 1, targets]])
    const bytes = await timestampOf(5, snapshot, 4)
    const floor = { version: 5, sha256: sha256Hex(bytes), snapshotVersion: 4 }
    expect(trustTimestamp(root, bytes, NOW, floor).envelope.signed.version).to.equal(5)
    const rows: [Promise<Uint8Array>, Parameters<typeof refused>[0]][] = [
      [timestampOf(6, snapshot, 4, LATER, ONLINE.targets), 'SIGNATURE_THRESHOLD'],
      [timestampOf(6, snapshot, 4, EARLIER), 'EXPIRED'],
      [timestampOf(4, snapshot, 4), 'ROLLBACK'],
      [timestampOf(5, snapshot, 4, new Date('2026-06-01')), 'EQUIVOCATION'],
      [timestampOf(6, snapshot, 3), 'ROLLBACK'],
    ]
    for (const [made, code] of rows) refused(code, trustTimestamp.bind(null, root, await made, NOW, floor))
  })

  it('snapshot: refuses other bytes, the developer, another version, expiry', async () => {
    const good = await snapshotOf(1, [['targets', 1, targets]])
    const timestamp = await stamp(timestampOf(1, good, 1))
    refused(
      'HASH_MISMATCH',
      trustSnapshot.bind(null, timestamp, Buffer.concat([good.subarray(0, -1), Buffer.from(' ')]), NOW),
    )
    refused(
      'LENGTH_MISMATCH',
      trustSnapshot.bind(null, timestamp, Buffer.concat([good, Buffer.from(' ')]), NOW),
    )
    const rows: [Promise<Uint8Array>, number, Parameters<typeof refused>[0]][] = [
      [snapshotOf(1, [['targets', 1, targets]], LATER, ONLINE.targets), 1, 'SIGNATURE_THRESHOLD'],
      [snapshotOf(2, [['targets', 1, targets]]), 1, 'VERSION_MISMATCH'],
      [snapshotOf(1, [['targets', 1, targets]], EARLIER), 1, 'EXPIRED'],
    ]
    for (const [made, of, code] of rows) {
      const bytes = await made
      refused(code, trustSnapshot.bind(null, await stamp(timestampOf(1, bytes, of)), bytes, NOW))
    }
  })

  it('snapshot: refuses a role that vanished or went back', async () => {
    const good = await snapshotOf(2, [['targets', 3, targets], ['w', 2, targets]]) // prettier-ignore
    const timestamp = await stamp(timestampOf(2, good, 2))
    const floor = (roles: [string, number][]) => ({ version: 1, sha256: 'x', roles: new Map(roles) })
    expect(trustSnapshot(timestamp, good, NOW, floor([['targets', 3], ['w', 1]])).step).to.equal('snapshot') // prettier-ignore
    refused('ROLLBACK', () => trustSnapshot(timestamp, good, NOW, floor([['w', 3]])))
    refused('ROLLBACK', () => trustSnapshot(timestamp, good, NOW, floor([['gone', 1]])))
    refused('ROLLBACK', () => trustSnapshot(timestamp, good, NOW, { ...floor([]), version: 3 }))
    refused('EQUIVOCATION', () => trustSnapshot(timestamp, good, NOW, { ...floor([]), version: 2 }))
  })

  it('targets: refuses other bytes, other keys, another version, expiry, and a role that is not listed', async () => {
    const trusted = await snap(await snapshotOf(1, [['targets', 1, targets]]))
    refused('HASH_MISMATCH', () => trustTargets(trusted, Buffer.from(targets).fill(0x20, 3, 4), NOW))
    refused('ROLE_UNAVAILABLE', trustTargets.bind(null, await snap(await snapshotOf(1, [])), targets, NOW))
    const rows: [Uint8Array, number, Parameters<typeof refused>[0]][] = [
      [await sign(roleTree({ signers: [] }), [other]), 1, 'SIGNATURE_THRESHOLD'],
      [await sign(roleTree({ signers: [], version: 2 }), [ONLINE.targets]), 1, 'VERSION_MISMATCH'],
      [await sign(roleTree({ signers: [], expires: EARLIER }), [ONLINE.targets]), 1, 'EXPIRED'],
    ]
    for (const [bytes, version, code] of rows)
      refused(
        code,
        trustTargets.bind(null, await snap(await snapshotOf(1, [['targets', version, bytes]])), bytes, NOW),
      )
  })

  it('does not compile in another order', () => {
    // @ts-expect-error a root is not a timestamp: the order of spec 5 is a type
    expect(() => trustSnapshot(root, targets, NOW)).to.throw()
  })
})
