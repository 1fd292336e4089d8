import { expect } from 'chai'
import { Metadata, MetadataKind } from '@tufjs/models'
import { metaFileOf, newSnapshot, newTimestamp, parse, sign } from '../src/index.js'
import { ecdsaSigner, signer } from './keyring.js'
import { group, LATER, NOW, ONLINE, plain, roleTree, rootTree, target, vote } from './repository.js'

const read = (kind: MetadataKind, bytes: Uint8Array) =>
  Metadata.fromJSON(kind as MetadataKind.Targets, JSON.parse(Buffer.from(bytes).toString()) as never)

/** @tufjs/models as an oracle: what we write, the stock library reads and verifies. */
describe('what we write, read by @tufjs/models', () => {
  it('root, timestamp, snapshot and targets verify', async () => {
    const root = Metadata.fromJSON(
      MetadataKind.Root,
      JSON.parse(Buffer.from(await sign(rootTree(), [ONLINE.root])).toString()) as never,
    )
    const targets = await sign(roleTree({ signers: [], targets: [target('w/n:v1', 'x')] }), [ONLINE.targets])
    const snapshot = await sign(
      newSnapshot({ version: 1, expires: LATER, meta: new Map([['targets', metaFileOf(targets, 1)]]) }),
      [ONLINE.snapshot],
    )
    const timestamp = await sign(
      newTimestamp({ version: 1, expires: LATER, snapshot: metaFileOf(snapshot, 1) }),
      [ONLINE.timestamp],
    )
    root.verifyDelegate('root', root)
    root.verifyDelegate('targets', read(MetadataKind.Targets, targets))
    root.verifyDelegate('snapshot', read(MetadataKind.Snapshot, snapshot))
    root.verifyDelegate('timestamp', read(MetadataKind.Timestamp, timestamp))
    expect(() => { root.verifyDelegate('snapshot', read(MetadataKind.Targets, targets)) }).to.throw() // prettier-ignore
    expect(root.signed.isExpired(NOW)).to.equal(false)
  })

  it('a plain delegation of ed25519 and ECDSA keys verifies, and stays in the form of the specification', async () => {
    const [ed, ec] = [signer('ed'), ecdsaSigner()]
    const delegator = await sign(roleTree({ signers: [], delegations: [plain('w', [ed, ec], ['w/*'])] }), [
      ONLINE.targets,
    ])
    const role = await sign(roleTree({ signers: [] }), [ed, ec])
    const models = read(MetadataKind.Targets, delegator)
    models.verifyDelegate('w', read(MetadataKind.Targets, role))
    const short = await sign(roleTree({ signers: [] }), [ed])
    expect(() => { models.verifyDelegate('w', read(MetadataKind.Targets, short)) }).to.throw(/signed by 1\/2 keys/) // prettier-ignore
  })

  it('TAP 3 is beyond it, which is why the core is our own', async () => {
    const delegator = await sign(
      roleTree({
        signers: [],
        delegations: [group('both', [vote('a', [signer('a')]), vote('b', [signer('b')])], 2, ['w/*'])],
      }),
      [ONLINE.targets],
    )
    expect(() => read(MetadataKind.Targets, delegator)).to.throw()
    expect(parse('targets', delegator).signed.delegations[0]?.votes).to.have.length(2)
  })
})
