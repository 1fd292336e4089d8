import { expect } from 'chai'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createLayout,
  digestOf,
  encodeManifest,
  mediaTypes,
  OciError,
  readManifest,
  type Descriptor,
} from '@nv2/oci'
import { fileList, removeDir, tempDir, testSigner } from '@nv2/testkit'
import { addRegistry } from '../../src/registry-add.js'
import { add, listStored, removeStored, type AddRequest } from '../../src/publish/add.js'
import { delegate } from '../../src/publish/delegate.js'
import { repoInit } from '../../src/publish/repo-init.js'
import { signArtifact, signDraft } from '../../src/publish/sign.js'
import { upload } from '../../src/publish/upload.js'
import { codeOf, Desk } from './desk.js'

const NETMONITOR = 'wabbit-networks/netmonitor'

describe('add and sign', () => {
  let folder: string
  let desk: Desk
  beforeEach(async () => {
    folder = await tempDir('artifact')
    desk = await Desk.open(folder, 'root', 'targets', 'online', 'wabbit', 'dev')
    await writeFile(join(folder, 'sbom.json'), '{"spdxVersion":"SPDX-2.3"}')
    await writeFile(join(folder, 'bom.json'), '{"bomFormat":"CycloneDX"}')
    await writeFile(join(folder, 'src.tar'), 'source')
    await writeFile(join(folder, 'broken.json'), '{"spdxVersion":')
    await layout('image')
  })
  afterEach(() => removeDir(folder))

  async function layout(name: string): Promise<void> {
    const store = await createLayout(join(folder, name))
    const put = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
      await store.push(descriptor, bytes)
      return descriptor
    }
    const config = await put(mediaTypes.config, Buffer.from('{}'))
    const layers = [await put(mediaTypes.layer, Buffer.from('layer'))]
    await store.tag('any', await put(mediaTypes.manifest, encodeManifest({ config, layers })))
  }

  const path = (name: string): string => join(folder, name)
  async function adds(request: Partial<AddRequest>) {
    const bench = await desk.bench()
    const drafts = (await bench.repositories.all()).flatMap((view) => view.allDrafts())
    return add(desk.home, bench.config, drafts, { name: NETMONITOR, ...request })
  }
  const whole = () => adds({ image: path('image'), sbom: path('sbom.json'), source: path('src.tar') })

  async function delegates(): Promise<void> {
    const to = [{ role: NETMONITOR, keys: ['wabbit'] }]
    await delegate(await desk.bench(), { from: 'wabbit-networks', to, paths: [NETMONITOR] })
  }

  it('makes one index over image, SBoM and source; the same parts, the same bytes', async () => {
    const stored = await whole()
    expect(stored.name).to.equal(`${NETMONITOR}:latest`)
    const types = ['application/spdx+json', 'application/vnd.nv2.source.v1']
    expect(stored.children.map((child) => child.artifactType)).to.deep.equal([undefined, ...types])
    const store = await createLayout(desk.home.store)
    const [, sbom] = stored.children
    const { manifest } = await readManifest(store, sbom ?? stored.descriptor)
    expect(
      manifest.kind === 'manifest' && manifest.layers[0]?.annotations?.get('org.opencontainers.image.title'),
    ).to.equal('sbom.json')
    await rm(desk.home.store, { recursive: true })
    expect((await whole()).descriptor).to.deep.equal(stored.descriptor)
  })

  it('knows CycloneDX, and takes any other file with its type', async () => {
    const stored = await adds({ sbom: path('bom.json'), files: [`${path('src.tar')}=text/plain`] })
    expect(stored.children.map((child) => child.artifactType)).to.deep.equal([
      'application/vnd.cyclonedx+json',
      'text/plain',
    ])
  })

  it('finds the full name by what a draft delegates, and by namespaces', async () => {
    expect((await adds({ name: 'netmonitor', sbom: path('sbom.json') })).name).to.equal('netmonitor:latest')
    await delegates()
    expect((await adds({ name: 'netmonitor:v1', sbom: path('sbom.json') })).name).to.equal(`${NETMONITOR}:v1`)
    await addRegistry(desk.home, {
      name: 'r',
      url: 'http://127.0.0.1:1',
      rootSha256: 'a'.repeat(64),
      namespaces: ['x', 'y'],
    })
    expect(await codeOf(() => adds({ name: 'netmonitor', sbom: path('sbom.json') }))).to.equal(
      'NAME_AMBIGUOUS',
    )
  })

  it('lists and removes', async () => {
    await whole()
    expect((await listStored(desk.home)).map((one) => one.name)).to.deep.equal([`${NETMONITOR}:latest`])
    expect((await removeStored(desk.home, 'netmonitor')).name).to.equal(`${NETMONITOR}:latest`)
    expect(await listStored(desk.home)).to.deep.equal([])
    expect(await codeOf(() => removeStored(desk.home, 'netmonitor'))).to.equal('NAME_NOT_FOUND')
  })

  const bad: [string, string, Partial<AddRequest>][] = [
    ['nothing at all', 'USAGE', {}],
    ['a file that is not there', 'ARTIFACT_INVALID', { source: '/nowhere' }],
    ['an SBoM that is none', 'ARTIFACT_INVALID', { sbom: '/dev/null' }],
    ['a file without its type', 'USAGE', { files: ['notes.md'] }],
    ['a name with a host', 'USAGE', { name: `localhost:5000/${NETMONITOR}`, source: '/dev/null' }],
  ]
  for (const [name, code, request] of bad)
    it(`refuses ${name}, and writes nothing`, async () => {
      const before = await fileList(folder)
      expect(await codeOf(() => adds(request))).to.equal(code)
      expect(await fileList(folder)).to.deep.equal(before)
    })

  it('refuses an SBoM that is cut off, and an image layout without an image', async () => {
    await createLayout(path('empty'))
    const before = await fileList(folder)
    expect(await codeOf(() => adds({ sbom: path('broken.json') }))).to.equal('ARTIFACT_INVALID')
    expect(await codeOf(() => adds({ image: path('empty') }))).to.equal('ARTIFACT_INVALID')
    expect(await fileList(folder)).to.deep.equal(before)
  })

  it('names nothing when the image layout is half written', async () => {
    const [blob] = [...(await fileList(path('image'))).keys()].filter((name) => name.startsWith('blobs'))
    await rm(path(join('image', blob ?? '')))
    const error = await adds({ image: path('image') }).catch((e: unknown) => e)
    expect(error).to.be.instanceOf(OciError)
    expect(await listStored(desk.home)).to.deep.equal([])
  })

  it('signs in the role whose edge names the key and the paths', async () => {
    await delegates()
    await whole()
    const signed = await signArtifact(await desk.bench(), { name: 'netmonitor', key: 'wabbit' })
    expect(signed).to.include({ role: NETMONITOR, version: 1, repo: '_unbound' })
    expect(signed.paths).to.have.length(5)
    expect(signed.signatures).to.deep.equal({ signed: ['wabbit'], missing: [], threshold: 1 })
    // Again the same: one signature, the same version.
    expect((await signArtifact(await desk.bench(), { name: 'netmonitor', key: 'wabbit' })).version).to.equal(
      1,
    )
    await adds({ name: `${NETMONITOR}:v2`, sbom: path('sbom.json') })
    expect(
      (await signArtifact(await desk.bench(), { name: 'netmonitor:v2', key: 'wabbit' })).version,
    ).to.equal(2)
  })

  it('refuses to choose between two roles of one key, until told', async () => {
    await delegates()
    const to = [{ role: 'wabbit-networks/other', keys: ['wabbit'] }]
    await delegate(await desk.bench(), {
      from: 'wabbit-networks',
      to,
      paths: [NETMONITOR],
      allowSharedKey: true,
    })
    await whole()
    expect(
      await codeOf(async () => signArtifact(await desk.bench(), { name: 'netmonitor', key: 'wabbit' })),
    ).to.equal('EDGE_AMBIGUOUS')
    const told = { name: 'netmonitor', key: 'wabbit', role: 'wabbit-networks/other' }
    expect((await signArtifact(await desk.bench(), told)).role).to.equal('wabbit-networks/other')
  })

  it('signs a draft that nobody delegates to yet', async () => {
    await delegates()
    const edited = await signDraft(await desk.bench(), { role: 'wabbit-networks', key: 'dev' })
    expect(edited.signatures).to.deep.equal({ signed: ['dev'], missing: [], threshold: null })
  })

  const refused: [string, string, () => Promise<unknown>][] = [
    [
      'a key that nothing is delegated to',
      'KEY_NOT_DELEGATED',
      async () => signArtifact(await desk.bench(), { name: 'netmonitor', key: 'dev' }),
    ],
    [
      'a name that is not stored',
      'NAME_NOT_FOUND',
      async () => signArtifact(await desk.bench(), { name: 'nobody', key: 'wabbit' }),
    ],
    [
      'a key that is not here',
      'KEY_NOT_FOUND',
      async () => signArtifact(await desk.bench(), { name: 'netmonitor', key: 'nobody' }),
    ],
    [
      'an unknown repository',
      'REPO_UNKNOWN',
      async () => signArtifact(await desk.bench(), { name: 'netmonitor', key: 'wabbit', repo: 'x' }),
    ],
    [
      'a draft that is not there',
      'NOTHING_TO_DO',
      async () => signDraft(await desk.bench(), { role: 'nobody', key: 'wabbit' }),
    ],
    [
      'a foreign key for a draft',
      'KEY_NOT_DELEGATED',
      async () => {
        await signArtifact(await desk.bench(), { name: 'netmonitor', key: 'wabbit' })
        return signDraft(await desk.bench(), { role: NETMONITOR, key: 'dev' })
      },
    ],
    [
      'an upload without a registry',
      'NO_ROOT',
      async () => upload(await desk.bench(), { name: 'netmonitor' }),
    ],
    ['an upload of nothing', 'USAGE', async () => upload(await desk.bench(), {})],
  ]
  for (const [name, code, action] of refused)
    it(`refuses ${name}`, async () => {
      await delegates()
      await whole()
      const before = name.startsWith('a foreign') ? null : await fileList(folder)
      expect(await codeOf(action)).to.equal(code)
      if (before) expect(await fileList(folder)).to.deep.equal(before)
    })

  it('names the digests that a delegation of tags alone leaves out', async () => {
    const to = [{ role: NETMONITOR, keys: ['wabbit'] }]
    await delegate(await desk.bench(), { from: 'wabbit-networks', to, paths: [`${NETMONITOR}:*`] })
    await whole()
    const error = await desk
      .bench()
      .then((bench) => signArtifact(bench, { name: 'netmonitor', key: 'wabbit' }))
      .catch((e: unknown) => e)
    expect(error).to.include({ code: 'KEY_NOT_DELEGATED' })
    expect((error as Error).message).to.contain('@sha256:')
  })

  describe('repo init', () => {
    const named = (...keys: string[]) => keys.map((name) => ({ name, key: testSigner(name).key }))
    type Request = Parameters<typeof repoInit>[2]
    async function init(change: Partial<Request> = {}) {
      return repoInit(desk.home, (await desk.bench()).keyring, {
        name: 'public',
        root: { keys: named('root'), threshold: 1 },
        targets: { keys: named('targets'), threshold: 1 },
        snapshot: named('stranger'),
        timestamp: named('stranger'),
        now: desk.clock.now(),
        ...change,
      })
    }

    it('signs root and targets, and tells what to pin', async () => {
      const made = await init()
      expect(made.rootPath).to.match(/1\.root\.json$/)
      expect(made.targetsSigned).to.equal(true)
      const added = await addRegistry(desk.home, {
        name: 'r',
        url: 'http://127.0.0.1:1',
        rootSha256: made.rootSha256,
      })
      expect(added.repo).to.equal('public')
    })

    it('leaves the targets draft open for others to sign', async () => {
      expect(
        (await init({ targets: { keys: named('targets', 'stranger-2'), threshold: 2 } })).targetsSigned,
      ).to.equal(false)
    })

    const refusals: [string, string, Partial<Request>][] = [
      ['more signatures than keys', 'THRESHOLD_IMPOSSIBLE', { root: { keys: named('root'), threshold: 2 } }],
      ['one key twice', 'USAGE', { root: { keys: named('root', 'root'), threshold: 2 } }],
      ['an online key for root', 'KEY_SHARED', { snapshot: named('root') }],
      ['an online key for targets', 'KEY_SHARED', { timestamp: named('targets') }],
      [
        'a root that the keys here cannot sign',
        'SIGNATURES_MISSING',
        { root: { keys: named('stranger-2'), threshold: 1 } },
      ],
      ['no targets key', 'USAGE', { targets: { keys: [], threshold: 1 } }],
      ['a name that is a path', 'USAGE', { name: '../x' }],
    ]
    for (const [name, code, change] of refusals)
      it(`refuses ${name}, and writes nothing`, async () => {
        const before = await fileList(folder)
        expect(await codeOf(() => init(change))).to.equal(code)
        expect(await fileList(folder)).to.deep.equal(before)
      })

    it('never makes a repository twice', async () => {
      await init()
      const before = await fileList(folder)
      expect(await codeOf(() => init())).to.equal('REPO_EXISTS')
      expect(await fileList(folder)).to.deep.equal(before)
    })
  })
})
