import { expect } from 'chai'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileList, putPublicKeys, removeDir, tempDir, testSigner } from '@nv2/testkit'
import { countSignatures, type Delegation } from '@nv2/tuf'
import { repoFolder, UNBOUND } from '../../src/home.js'
import { delegate, parseMember, type DelegateRequest } from '../../src/publish/delegate.js'
import { Drafts, type Draft } from '../../src/publish/drafts.js'
import { repoInit } from '../../src/publish/repo-init.js'
import { revoke } from '../../src/publish/revoke.js'
import { codeOf, Desk } from './desk.js'

const NETMONITOR = 'wabbit-networks/netmonitor'

describe('delegate and revoke', () => {
  let folder: string
  let desk: Desk
  beforeEach(async () => {
    folder = await tempDir('delegate')
    desk = await Desk.open(
      folder,
      'root-1',
      'targets-1',
      'wabbit-targets',
      'wabbit-networks-key',
      'security',
      'dev',
    )
  })
  afterEach(() => removeDir(folder))

  async function init(name = 'public', targets = ['targets-1'], threshold = 1): Promise<void> {
    const named = (keys: readonly string[]) => keys.map((key) => ({ name: key, key: testSigner(key).key }))
    await repoInit(desk.home, (await desk.bench()).keyring, {
      name,
      root: { keys: named(['root-1']), threshold: 1 },
      targets: { keys: named(targets), threshold },
      snapshot: named(['online']),
      timestamp: named(['online']),
      now: desk.clock.now(),
    })
  }

  async function draft(repo: string, role: string): Promise<Draft> {
    const found = await new Drafts(repoFolder(desk.home, repo)).newest(role)
    if (!found) throw new Error(`no draft of ${role} in ${repo}`)
    return found
  }

  async function delegations(repo: string, role: string): Promise<readonly Delegation[]> {
    return (await draft(repo, role)).envelope.signed.delegations
  }

  async function run(
    request: Partial<DelegateRequest> & Pick<DelegateRequest, 'from' | 'to'>,
  ): Promise<string> {
    return codeOf(async () => delegate(await desk.bench(), { paths: [NETMONITOR], ...request }))
  }

  const netmonitor = { from: 'wabbit-networks', to: [{ role: NETMONITOR, keys: ['wabbit-networks-key'] }] }

  it('begins a role that is not known here as version 1, before any registry is up', async () => {
    const edited = await delegate(await desk.bench(), { ...netmonitor, paths: [NETMONITOR] })
    expect(edited).to.include({ repo: UNBOUND, role: 'wabbit-networks', version: 1 })
    expect(edited.signatures).to.deep.equal({ signed: [], missing: [], threshold: null })
    const [one] = await delegations(UNBOUND, 'wabbit-networks')
    expect(one?.paths).to.deep.equal({ kind: 'paths', patterns: [`${NETMONITOR}:*`, `${NETMONITOR}@*`] })
  })

  it('signs the draft with the keys that the edge of the delegator names', async () => {
    await init()
    const edited = await delegate(await desk.bench(), {
      from: 'targets',
      to: [{ role: 'wabbit-networks', keys: ['wabbit-targets'] }],
      paths: ['wabbit-networks/*'],
    })
    // Nobody has seen targets 1 yet, so it is rewritten.
    expect(edited).to.include({ repo: 'public', version: 1 })
    expect(edited.signatures).to.deep.equal({ signed: ['targets-1'], missing: [], threshold: 1 })
    await delegate(await desk.bench(), { ...netmonitor, paths: [NETMONITOR] })
    const { envelope } = await draft('public', 'wabbit-networks')
    expect(envelope.signatures.map((one) => one.keyid)).to.deep.equal([
      testSigner('wabbit-targets').key.keyid,
    ])
  })

  it('says who is missing when the threshold is not met', async () => {
    await putPublicKeys(desk.home.keys, 'colleague')
    await init('public', ['targets-1', 'colleague'], 2)
    const edited = await delegate(await desk.bench(), {
      from: 'targets',
      to: [{ role: 'wabbit-networks', keys: ['wabbit-targets'] }],
      paths: ['wabbit-networks/*'],
    })
    expect(edited.signatures).to.deep.equal({ signed: ['targets-1'], missing: ['colleague'], threshold: 2 })
  })

  it('goes to the next version once the draft was sent', async () => {
    await init()
    const drafts = new Drafts(repoFolder(desk.home, 'public'))
    const sent = await drafts.markUploaded(await draft('public', 'targets'))
    await run({ from: 'targets', to: [{ role: 'wabbit-networks', keys: ['wabbit-targets'] }] })
    const next = await draft('public', 'targets')
    expect(next.version).to.equal(2)
    expect(next.note.replaces).to.deep.equal({ version: 1, sha256: sent.sha256 })
  })

  it('does not rewrite a draft that somebody else has signed too', async () => {
    await putPublicKeys(desk.home.keys, 'colleague')
    await init('public', ['targets-1', 'colleague'], 2)
    const drafts = new Drafts(repoFolder(desk.home, 'public'))
    const held = await draft('public', 'targets')
    const { addSignatures } = await import('@nv2/tuf')
    await drafts.save(
      'targets',
      1,
      await addSignatures(held.envelope.bytes, [testSigner('colleague')]),
      held.note,
    )
    await run({ from: 'targets', to: [{ role: 'wabbit-networks', keys: ['wabbit-targets'] }] })
    expect((await draft('public', 'targets')).version).to.equal(2)
  })

  it('makes a TAP 3 group, all of which must agree', async () => {
    await init()
    expect(
      await run({
        from: 'targets',
        to: [parseMember(`${NETMONITOR}=wabbit-networks-key`), parseMember('acme/netmonitor=dev,security/2')],
      }),
    ).to.equal('none')
    const [group] = await delegations('public', 'targets')
    expect(group).to.include({ multi: true, minAgreement: 2 })
    expect(group?.votes.map((vote) => [vote.role, vote.keys.threshold])).to.deep.equal([
      [NETMONITOR, 1],
      ['acme/netmonitor', 2],
    ])
  })

  it('tells which paths a delegation stated anew has lost', async () => {
    await delegate(await desk.bench(), { ...netmonitor, paths: [NETMONITOR, 'wabbit-networks/other'] })
    const { warnings } = await delegate(await desk.bench(), { ...netmonitor, paths: [NETMONITOR] })
    expect(warnings.join()).to.contain('wabbit-networks/other:*')
  })

  it('chooses the repository for which a key is here, and asks when that is not enough', async () => {
    await init('public', ['targets-1'])
    await init('acme', ['targets-1'])
    const to = [{ role: 'wabbit-networks', keys: ['wabbit-targets'] }]
    expect(await run({ from: 'targets', to })).to.equal('REPO_AMBIGUOUS')
    expect(await run({ from: 'targets', to, repo: 'acme' })).to.equal('none')
    expect(await run({ from: 'targets', to, repo: 'nobody' })).to.equal('REPO_UNKNOWN')
  })

  const refused: [string, string, Partial<DelegateRequest> & Pick<DelegateRequest, 'from' | 'to'>][] = [
    ['a pattern that owns its neighbours', 'BAD_PATTERN', { ...netmonitor, paths: [`${NETMONITOR}*`] }],
    ['no path', 'USAGE', { ...netmonitor, paths: [] }],
    ['a path that is no repository', 'USAGE', { ...netmonitor, paths: ['Wabbit/Net'] }],
    ['a key that is not here', 'KEY_NOT_FOUND', { from: 'targets', to: [{ role: 'a', keys: ['nobody'] }] }],
    ['one key twice', 'USAGE', { from: 'a', to: [{ role: 'a/b', keys: ['dev', 'dev'] }] }],
    [
      'more signatures than keys',
      'THRESHOLD_IMPOSSIBLE',
      { from: 'a', to: [{ role: 'a/b', keys: ['dev'], threshold: 2 }] },
    ],
    [
      'a role under another name',
      'BAD_ROLE_NAME',
      { from: 'wabbit-networks', to: [{ role: 'acme/x', keys: ['dev'] }] },
    ],
    [
      'a role called like a top-level one',
      'USAGE',
      { from: 'targets', to: [{ role: 'Snapshot', keys: ['dev'] }] },
    ],
    ['a delegation by root', 'USAGE', { from: 'root', to: [{ role: 'a', keys: ['dev'] }] }],
    ['targets without a repository', 'REPO_UNKNOWN', { from: 'targets', to: [{ role: 'a', keys: ['dev'] }] }],
    [
      'one role twice in a group',
      'USAGE',
      {
        from: 'a',
        to: [
          { role: 'a/b', keys: ['dev'] },
          { role: 'a/b', keys: ['security'] },
        ],
      },
    ],
    [
      'one key for two roles of a group',
      'METADATA_INVALID',
      {
        from: 'a',
        to: [
          { role: 'a/b', keys: ['dev'] },
          { role: 'a/c', keys: ['dev'] },
        ],
      },
    ],
    [
      'more in agreement than roles',
      'THRESHOLD_IMPOSSIBLE',
      { from: 'a', to: [{ role: 'a/b', keys: ['dev'] }], minAgreement: 2 },
    ],
  ]
  for (const [name, code, request] of refused)
    it(`refuses ${name}, and writes nothing`, async () => {
      const before = await fileList(folder)
      expect(await run(request)).to.equal(code)
      expect(await fileList(folder)).to.deep.equal(before)
    })

  it('refuses a key that serves another role, unless told', async () => {
    await init()
    const to = [{ role: 'wabbit-networks', keys: ['targets-1'] }]
    expect(await run({ from: 'targets', to })).to.equal('KEY_SHARED')
    expect(await run({ from: 'targets', to, allowSharedKey: true })).to.equal('none')
    expect(await run({ from: 'acme', to: [{ role: 'acme/x', keys: ['online'] }] })).to.equal('KEY_NOT_FOUND')
    await putPublicKeys(desk.home.keys, 'online')
    expect(await run({ from: 'acme', to: [{ role: 'acme/x', keys: ['online'] }] })).to.equal('KEY_SHARED')
  })

  it('names a draft that is damaged, and touches nothing', async () => {
    await run(netmonitor)
    const held = await draft(UNBOUND, 'wabbit-networks')
    await writeFile(held.path, '{"signed":')
    await writeFile(join(held.path, '..', '.2.json.0123456789abcdef'), 'half a file')
    const before = await fileList(folder)
    const error = await desk
      .bench()
      .then((bench) => delegate(bench, { ...netmonitor, paths: [NETMONITOR] }))
      .catch((e: unknown) => e)
    expect(error).to.include({ code: 'HOME_BROKEN' })
    expect((error as Error).message).to.contain(held.path)
    expect(await fileList(folder)).to.deep.equal(before)
  })

  it('never takes one version for another', async () => {
    await run(netmonitor)
    const held = await draft(UNBOUND, 'wabbit-networks')
    await rename(held.path, join(held.path, '..', '2.json'))
    await rename(join(held.path, '..', '1.note.json'), join(held.path, '..', '2.note.json'))
    expect(await run(netmonitor)).to.equal('HOME_BROKEN')
  })

  describe('revoke', () => {
    const both = {
      from: 'wabbit-networks',
      to: [{ role: NETMONITOR, keys: ['dev', 'security'], threshold: 2 }],
    }
    const request = { from: 'wabbit-networks', to: NETMONITOR }

    it('takes the last key and the delegation with it, as a stated revocation', async () => {
      await run(netmonitor)
      const revoked = await revoke(await desk.bench(), { ...request, keys: ['wabbit-networks-key'] })
      expect(revoked).to.include({ removed: true, version: 1 })
      const after = await draft(UNBOUND, 'wabbit-networks')
      expect(after.envelope.signed.delegations).to.deep.equal([])
      expect(after.note.revocation).to.equal(true)
    })

    it('puts another key in its place', async () => {
      await run(both)
      await revoke(await desk.bench(), { ...request, keys: ['dev'], replace: ['wabbit-targets'] })
      const [one] = await delegations(UNBOUND, 'wabbit-networks')
      const keys = one?.votes[0]?.keys
      expect(keys?.keyids).to.deep.equal([
        testSigner('security').key.keyid,
        testSigner('wabbit-targets').key.keyid,
      ])
      expect(keys?.threshold).to.equal(2)
    })

    it('knows a lost key by the beginning of its id', async () => {
      await run(netmonitor)
      const id = testSigner('wabbit-networks-key').key.keyid.slice(0, 12)
      expect(await codeOf(async () => revoke(await desk.bench(), { ...request, keys: [id] }))).to.equal(
        'none',
      )
    })

    it('stays a revocation through the next edit, until it was sent', async () => {
      await run(both)
      await revoke(await desk.bench(), { ...request, keys: ['dev'], replace: ['wabbit-targets'] })
      await run({
        from: 'wabbit-networks',
        to: [{ role: 'wabbit-networks/x', keys: ['wabbit-networks-key'] }],
      })
      expect((await draft(UNBOUND, 'wabbit-networks')).note.revocation).to.equal(true)
    })

    const refusals: [string, string, Partial<Parameters<typeof revoke>[1]>][] = [
      ['too few keys left', 'THRESHOLD_IMPOSSIBLE', { keys: ['dev'] }],
      ['a key that is none of the role', 'KEY_NOT_DELEGATED', { keys: ['wabbit-targets'] }],
      ['a successor that the role has', 'USAGE', { keys: ['dev'], replace: ['security'] }],
      ['a role that is not delegated to', 'ROLE_UNKNOWN', { to: 'wabbit-networks/x', keys: ['dev'] }],
      ['keys of the top level', 'USAGE', { from: 'root', to: 'targets', keys: ['dev'] }],
    ]
    for (const [name, code, change] of refusals)
      it(`refuses ${name}, and writes nothing`, async () => {
        await run(both)
        const before = await fileList(folder)
        expect(
          await codeOf(async () => revoke(await desk.bench(), { ...request, keys: [], ...change })),
        ).to.equal(code)
        expect(await fileList(folder)).to.deep.equal(before)
      })

    it('leaves a group without a voice only by force', async () => {
      await init()
      await run({
        from: 'targets',
        to: [parseMember(`${NETMONITOR}=wabbit-networks-key`), parseMember('acme/netmonitor=dev')],
      })
      const last = { from: 'targets', to: 'acme/netmonitor', keys: ['dev'] }
      expect(await codeOf(async () => revoke(await desk.bench(), last))).to.equal('THRESHOLD_IMPOSSIBLE')
      const replaced = { ...last, replace: ['security'] }
      expect(await codeOf(async () => revoke(await desk.bench(), replaced))).to.equal('none')
      const [group] = await delegations('public', 'targets')
      expect(group?.votes[1]?.keys.keyids).to.deep.equal([testSigner('security').key.keyid])
      const forced = { ...last, keys: ['security'], force: true }
      expect(await codeOf(async () => revoke(await desk.bench(), forced))).to.equal('none')
      const [silent] = await delegations('public', 'targets')
      expect(silent?.votes.map((vote) => vote.keys.keyids.length)).to.deep.equal([1, 0])
      expect(silent?.minAgreement).to.equal(2)
      const targets = await draft('public', 'targets')
      const rootKeys = (await desk.bench()).repositories
      const keys = await (await rootKeys.view('public')).keysOf('targets')
      expect(keys && countSignatures(keys, targets.envelope).ok).to.equal(true)
    })
  })
})
