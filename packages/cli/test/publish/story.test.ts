import { expect } from 'chai'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  add,
  delegate,
  download,
  importRole,
  chooseRegistry,
  readConfig,
  revoke,
  signArtifact,
  signDraft,
  upload,
} from '@nv2/client'
import { FakeClock, fileList, putPublicKeys, removeDir, tempDir } from '@nv2/testkit'
import { sha256Hex } from '@nv2/tuf'
import { errorOf, openMarket, Person, type Market } from './market.js'

const NETMONITOR = 'wabbit-networks/netmonitor'
const ACME = 'acme-rockets/netmonitor'

describe('publishing, from Wabbit over ACME to a user', () => {
  let folder: string
  let clock: FakeClock
  let operator: Person
  let wabbit: Person
  let markets: Market[]
  let publicMarket: Market
  beforeEach(async () => {
    folder = await tempDir('story')
    clock = new FakeClock()
    markets = []
    operator = await Person.arrive(folder, clock, 'operator', 'public-root', 'public-targets')
    wabbit = await Person.arrive(folder, clock, 'wabbit', 'wabbit-targets', 'wabbit-networks-key', 'spare')
    publicMarket = await openMarket(folder, clock, operator, 'public', {
      root: 'public-root',
      targets: 'public-targets',
    })
    markets.push(publicMarket)
  })
  afterEach(async () => {
    await Promise.all(markets.map((market) => market.close()))
    await removeDir(folder)
  })

  /** `add` and `sign`, offline. */
  async function signs(who: Person, version: string, key: string, name = 'netmonitor'): Promise<void> {
    const bench = await who.bench()
    const drafts = (await bench.repositories.all()).flatMap((view) => view.allDrafts())
    await add(who.home, bench.config, drafts, { name, ...(await who.build(version)) })
    await signArtifact(bench, { name, key })
  }

  async function wabbitDelegates(): Promise<void> {
    await delegate(await wabbit.bench(), {
      from: 'wabbit-networks',
      to: [{ role: NETMONITOR, keys: ['wabbit-networks-key'] }],
      paths: [NETMONITOR],
    })
  }

  async function operatorDelegates(): Promise<void> {
    await putPublicKeys(operator.home.keys, 'wabbit-targets')
    await delegate(await operator.bench(), {
      from: 'targets',
      to: [{ role: 'wabbit-networks', keys: ['wabbit-targets'] }],
      paths: ['wabbit-networks/*'],
    })
    await operator.release(publicMarket, { repo: 'public' })
  }

  async function wabbitPublishes(): Promise<void> {
    await wabbitDelegates()
    await signs(wabbit, '1', 'wabbit-networks-key')
    await operatorDelegates()
    await wabbit.trust(publicMarket, { namespace: 'wabbit-networks' })
    await wabbit.release(publicMarket, { name: 'netmonitor' })
  }

  /** ACME with its own registry, a group over Wabbit's role and its own, nothing signed yet. */
  async function acmeOpens(): Promise<{ acme: Person; market: Market }> {
    const acme = await Person.arrive(
      folder,
      clock,
      'acme',
      'acme-root',
      'acme-targets',
      'acme-key',
      'acme-key-2',
    )
    const market = await openMarket(folder, clock, acme, 'acme', {
      root: 'acme-root',
      targets: 'acme-targets',
    })
    markets.push(market)
    await acme.trust(publicMarket, { namespace: 'wabbit-networks', down: true })
    await download(acme.home, 'netmonitor', { now: clock.now() })
    await imports(acme)
    await delegate(await acme.bench(), {
      from: 'targets',
      to: [
        { role: NETMONITOR, keys: [NETMONITOR] },
        { role: ACME, keys: ['acme-key'] },
      ],
      paths: [NETMONITOR],
    })
    return { acme, market }
  }

  async function imports(acme: Person): Promise<void> {
    const registry = chooseRegistry(await readConfig(acme.home), 'download', 'public')
    await importRole(acme.home, registry, NETMONITOR, { now: clock.now() })
  }

  async function user(market: Market, name = 'user'): Promise<Person> {
    const person = await Person.arrive(folder, clock, name)
    await person.trust(market, { namespace: 'wabbit-networks' })
    return person
  }

  const downloads = (person: Person) =>
    errorOf(() => download(person.home, 'netmonitor', { now: clock.now() }))

  it('sends what was signed before any registry was known, the delegation signed once its edge is', async () => {
    await wabbitDelegates()
    await signs(wabbit, '1', 'wabbit-networks-key')
    expect(publicMarket.requests.filter((line) => line.includes('/v2/'))).to.deep.equal([])
    await operatorDelegates()
    await wabbit.trust(publicMarket, { namespace: 'wabbit-networks' })
    const uploaded = await wabbit.release(publicMarket, { name: 'netmonitor' })
    expect(uploaded.roles.map(({ role, version }) => `${role} ${version}`)).to.deep.equal([
      'wabbit-networks 1',
      `${NETMONITOR} 1`,
    ])
    expect(uploaded.warnings).to.deep.equal([])
    expect((await downloads(await user(publicMarket))).code).to.equal('none')
    // Drafts without a repository belong to it from now on.
    expect(await readdir(join(wabbit.home.repos, '_unbound', 'drafts'))).to.deep.equal([])
    expect(await readdir(join(wabbit.home.repos, 'public', 'drafts'))).to.have.length(2)
  })

  it('has nothing to send when all is published, and sends again what was not', async () => {
    await wabbitPublishes()
    const again = await upload(await wabbit.bench(), { name: 'netmonitor' })
    expect(again.id).to.equal(null)
    expect((await errorOf(async () => upload(await wabbit.bench(), { repo: 'public' }))).code).to.equal(
      'NOTHING_TO_DO',
    )
    await signs(wabbit, '2', 'wabbit-networks-key')
    const first = await upload(await wabbit.bench(), { name: 'netmonitor' })
    const second = await upload(await wabbit.bench(), { name: 'netmonitor' })
    expect(second.id).to.equal(first.id)
    expect(second.state).to.equal('staged')
    // On top of what is only staged: the service has seen it, so it is what the next version replaces.
    await signs(wabbit, '3', 'wabbit-networks-key')
    const third = await wabbit.release(publicMarket, { name: 'netmonitor' })
    expect(third.roles).to.deep.equal([{ role: NETMONITOR, version: 3, imported: false }])
  })

  it('goes on to the next version on top of what was published', async () => {
    await wabbitPublishes()
    await signs(wabbit, '2', 'wabbit-networks-key')
    const next = await wabbit.release(publicMarket, { name: 'netmonitor' })
    expect(next.roles).to.deep.equal([{ role: NETMONITOR, version: 2, imported: false }])
    expect((await downloads(await user(publicMarket))).code).to.equal('none')
  })

  it('copies a role file unchanged into a group that both must sign', async () => {
    await wabbitPublishes()
    const { acme, market } = await acmeOpens()
    await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' })
    const uploaded = await acme.release(market, { name: 'netmonitor' })
    expect(uploaded.roles.filter((one) => one.imported)).to.deep.equal([
      { role: NETMONITOR, version: 1, imported: true },
    ])
    expect(uploaded.warnings).to.deep.equal([])
    const file = async (from: Market): Promise<Buffer> =>
      Buffer.from(
        await (
          await fetch(`${from.url}/tuf/${from.name}/metadata/1.wabbit-networks%2Fnetmonitor.json`)
        ).arrayBuffer(),
      )
    expect((await file(market)).toString()).to.equal((await file(publicMarket)).toString())
    expect((await fetch(`${market.url}/tuf/acme/metadata/1.wabbit-networks.json`)).status).to.equal(404)
    expect((await downloads(await user(market))).code).to.equal('none')
  })

  it('warns of what consumers will refuse', async () => {
    await wabbitPublishes()
    const { acme, market } = await acmeOpens()
    await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' })
    await acme.release(market, { name: 'netmonitor' })
    await signs(wabbit, '2', 'wabbit-networks-key')
    await wabbit.release(publicMarket, { name: 'netmonitor' })
    await download(acme.home, 'netmonitor', { now: clock.now() })
    const alone = await acme.release(market, { name: 'netmonitor' })
    expect(alone.roles).to.deep.equal([{ role: NETMONITOR, version: 2, imported: true }])
    expect(alone.warnings.join()).to.contain('consumers will refuse').and.contain(ACME)
    expect((await downloads(await user(market))).code).to.equal('NO_CONSENSUS')
    await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' })
    const together = await acme.release(market, { name: 'netmonitor' })
    expect(together.roles).to.deep.equal([{ role: ACME, version: 2, imported: false }])
    expect(together.warnings).to.deep.equal([])
    expect((await downloads(await user(market, 'user-2'))).code).to.equal('none')
  })

  it('replaces a revoked key, and starts again from the own words of its role', async () => {
    await wabbitPublishes()
    const { acme, market } = await acmeOpens()
    await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' })
    await signs(acme, 'extra', 'acme-key', `${NETMONITOR}:extra`)
    await acme.release(market, { name: 'netmonitor' })
    const request = { from: 'targets', to: ACME, keys: ['acme-key'], replace: ['acme-key-2'], repo: 'acme' }
    await revoke(await acme.bench(), request)
    const revoked = await acme.release(market, { repo: 'acme' })
    expect(revoked.revocation).to.equal(true)
    expect(revoked.resign).to.deep.equal([ACME])
    expect((await downloads(await user(market))).code).to.equal('SIGNATURE_THRESHOLD')
    const late = await errorOf(async () =>
      signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' }),
    )
    expect(late.code).to.equal('KEY_NOT_DELEGATED')
    const signed = await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key-2' })
    expect(signed.version).to.equal(3)
    expect(await readFile(signed.path, 'utf8')).to.contain(`${NETMONITOR}:extra`)
    await acme.release(market, { name: 'netmonitor' })
    expect((await downloads(await user(market, 'user-2'))).code).to.equal('none')
  })

  it('refuses to copy a role whose keys changed at its origin, until it is delegated anew', async () => {
    await wabbitPublishes()
    const { acme, market } = await acmeOpens()
    await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' })
    await acme.release(market, { name: 'netmonitor' })
    const change = {
      from: 'wabbit-networks',
      to: NETMONITOR,
      keys: ['wabbit-networks-key'],
      replace: ['spare'],
    }
    await revoke(await wabbit.bench(), change)
    await wabbit.release(publicMarket, { repo: 'public' })
    await signs(wabbit, '2', 'spare')
    await wabbit.release(publicMarket, { name: 'netmonitor' })
    await download(acme.home, 'netmonitor', { now: clock.now() })
    await signArtifact(await acme.bench(), { name: 'netmonitor', key: 'acme-key' })
    const before = market.requests.length
    const refused = await errorOf(async () => upload(await acme.bench(), { name: 'netmonitor' }))
    expect(refused.code).to.equal('ORIGIN_CHANGED_KEYS')
    expect(market.requests.slice(before).filter((line) => !line.startsWith('GET /tuf/'))).to.deep.equal([])
    await imports(acme)
    await delegate(await acme.bench(), {
      from: 'targets',
      to: [
        { role: NETMONITOR, keys: [NETMONITOR] },
        { role: ACME, keys: ['acme-key'] },
      ],
      paths: [NETMONITOR],
      repo: 'acme',
    })
    // Edge and file in one change set (protocol D5).
    const moved = await acme.release(market, { name: 'netmonitor' })
    expect(moved.roles.map(({ role }) => role)).to.deep.equal(['targets', NETMONITOR, ACME])
    expect((await downloads(await user(market))).code).to.equal('none')
  })

  it('says who has to sign before a byte leaves', async () => {
    await operatorDelegates()
    await wabbit.trust(publicMarket, { namespace: 'wabbit-networks' })
    await putPublicKeys(wabbit.home.keys, 'security')
    await delegate(await wabbit.bench(), {
      from: 'wabbit-networks',
      to: [{ role: NETMONITOR, keys: ['wabbit-networks-key', 'security'], threshold: 2 }],
      paths: [NETMONITOR],
    })
    await signs(wabbit, '1', 'wabbit-networks-key')
    const before = publicMarket.requests.length
    const refused = await errorOf(async () => upload(await wabbit.bench(), { name: 'netmonitor' }))
    expect(refused.code).to.equal('SIGNATURES_MISSING')
    expect(refused.message).to.contain('1 of 2 signatures; missing: security')
    expect(publicMarket.requests.slice(before).filter((line) => !line.startsWith('GET /tuf/'))).to.deep.equal(
      [],
    )
  })

  it('shows the head to whoever was slower, changes nothing, and lets him sign on top', async () => {
    await wabbitPublishes()
    const colleague = await Person.arrive(folder, clock, 'colleague', 'wabbit-networks-key')
    await colleague.trust(publicMarket, { namespace: 'wabbit-networks' })
    await signs(colleague, '3', 'wabbit-networks-key', 'netmonitor:v3')
    await signs(wabbit, '2', 'wabbit-networks-key')
    await wabbit.release(publicMarket, { name: 'netmonitor' })
    const before = await fileList(join(colleague.home.repos, 'public', 'drafts'))
    const lost = await errorOf(async () => upload(await colleague.bench(), { name: 'netmonitor:v3' }))
    // The refresh shows it already: his draft was overtaken, and nobody rebases it for him.
    expect(lost.code).to.equal('CONFLICT')
    expect(lost.message).to.contain('published version 2 of wabbit-networks/netmonitor')
    expect(await fileList(join(colleague.home.repos, 'public', 'drafts'))).to.deep.equal(before)
    const again = await signArtifact(await colleague.bench(), {
      name: 'netmonitor:v3',
      key: 'wabbit-networks-key',
    })
    expect(again.version).to.equal(3)
    expect(again.warnings.join()).to.contain('2.json')
    const third = await colleague.release(publicMarket, { name: 'netmonitor:v3' })
    expect(third.state).to.equal('staged')
    expect((await downloads(await user(publicMarket))).code).to.equal('none')
  })

  it('meets a head that is only staged as a conflict', async () => {
    await wabbitPublishes()
    const colleague = await Person.arrive(folder, clock, 'colleague', 'wabbit-networks-key')
    await colleague.trust(publicMarket, { namespace: 'wabbit-networks' })
    await signs(colleague, '3', 'wabbit-networks-key', 'netmonitor:v3')
    await signs(wabbit, '2', 'wabbit-networks-key')
    await upload(await wabbit.bench(), { name: 'netmonitor' })
    const lost = await errorOf(async () => upload(await colleague.bench(), { name: 'netmonitor:v3' }))
    expect(lost.code).to.equal('CONFLICT')
    expect(lost.message).to.contain('version 2, staged')
    expect(lost.detail).to.have.nested.property('head.version', 2)
    // A refused upload moves no tag: a plain pull must not find what nobody has taken.
    const tagged = publicMarket.requests.filter(
      (line) => line.startsWith('PUT') && line.endsWith('/manifests/v3'),
    )
    expect(tagged).to.deep.equal([])
  })

  it('never rebases in silence, even where the numbers would allow it', async () => {
    await wabbitPublishes()
    const colleague = await Person.arrive(folder, clock, 'colleague', 'wabbit-networks-key')
    await colleague.trust(publicMarket, { namespace: 'wabbit-networks' })
    for (const version of ['3', '4'])
      await signs(colleague, version, 'wabbit-networks-key', `netmonitor:v${version}`)
    await signs(wabbit, '2', 'wabbit-networks-key')
    await upload(await wabbit.bench(), { name: 'netmonitor' })
    // His version 3 is higher than the staged 2, and says nothing of what is in it.
    expect(
      (await errorOf(async () => upload(await colleague.bench(), { name: 'netmonitor:v4' }))).code,
    ).to.equal('CONFLICT')
  })

  it('refuses an upload without a right, also when the metadata is rightly signed', async () => {
    await wabbitPublishes()
    await signs(wabbit, '2', 'wabbit-networks-key')
    const token = await errorOf(async () =>
      upload(await wabbit.bench(), { name: 'netmonitor', token: 'guess' }),
    )
    expect(token.code).to.equal('SERVICE_REFUSED')
    expect(token.detail).to.include({ status: 401 })
  })

  it('errs when the registry does not answer, after signing went on without it', async () => {
    await wabbitPublishes()
    await publicMarket.close()
    markets.pop()
    await signs(wabbit, '2', 'wabbit-networks-key')
    const bench = await wabbit.bench()
    const signed = await signArtifact(bench, { name: 'netmonitor', key: 'wabbit-networks-key' })
    expect(signed.version).to.equal(2)
    expect(bench.repositories.notices.join()).to.contain('last verified')
    expect((await errorOf(async () => upload(await wabbit.bench(), { name: 'netmonitor' }))).code).to.equal(
      'UNREACHABLE',
    )
  })

  it('tells that nobody delegates to a signed role yet', async () => {
    await wabbitDelegates()
    await signs(wabbit, '1', 'wabbit-networks-key')
    await wabbit.trust(publicMarket, { namespace: 'wabbit-networks' })
    const early = await errorOf(async () => upload(await wabbit.bench(), { name: 'netmonitor' }))
    expect(early.code).to.equal('ROLE_UNKNOWN')
    expect(
      publicMarket.requests.filter((line) => line.startsWith('POST') || line.includes('/v2/')),
    ).to.have.length(1)
  })

  it('lets a second holder of a threshold add his signature to the same statement', async () => {
    await operatorDelegates()
    await wabbit.trust(publicMarket, { namespace: 'wabbit-networks' })
    await delegate(await wabbit.bench(), {
      from: 'wabbit-networks',
      to: [{ role: NETMONITOR, keys: ['wabbit-networks-key', 'spare'], threshold: 2 }],
      paths: [NETMONITOR],
    })
    await signs(wabbit, '1', 'wabbit-networks-key')
    const second = await signArtifact(await wabbit.bench(), { name: 'netmonitor', key: 'spare' })
    expect(second.version).to.equal(1)
    expect(second.signatures).to.deep.equal({
      signed: ['wabbit-networks-key', 'spare'],
      missing: [],
      threshold: 2,
    })
    const sent = await wabbit.release(publicMarket, { name: 'netmonitor' })
    expect(sent.warnings).to.deep.equal([])
    const nothing = await errorOf(async () =>
      signDraft(await wabbit.bench(), { role: NETMONITOR, key: 'spare' }),
    )
    expect(nothing.code).to.equal('NOTHING_TO_DO')
  })

  it('knows each file by its hash in the service, as it was signed', async () => {
    await wabbitPublishes()
    const head = await fetch(`${publicMarket.url}/tuf/public/roles/wabbit-networks%2Fnetmonitor`)
    const { published } = (await head.json()) as { published: { sha256: string } }
    const bytes = await fetch(`${publicMarket.url}/tuf/public/metadata/1.wabbit-networks%2Fnetmonitor.json`)
    expect(published.sha256).to.equal(sha256Hex(new Uint8Array(await bytes.arrayBuffer())))
  })
})
