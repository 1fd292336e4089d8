import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLayout, type Descriptor } from '@nv2/oci'
import { fileList, removeDir, tempDir, testSigner } from '@nv2/testkit'
import { jsonObject, withTarget } from '@nv2/tuf'
import { expect } from 'chai'
import { download, importRole, keptProof, originsOf, type DownloadOptions } from '../src/index.js'
import { edge, NAME, publishSigned, serveFile, serveImage, serveIndex } from './artifact.js'
import { codeOf, Consumer } from './consumer.js'

describe('download', () => {
  let consumer: Consumer
  let image: Descriptor
  let index: Descriptor
  let folder: string
  beforeEach(async () => {
    folder = await tempDir()
    consumer = await Consumer.open()
    image = serveImage(consumer)
    index = serveIndex(consumer, image, serveFile(consumer, 'sbom.spdx.json', '{}'))
    await publishSigned(consumer, index)
  })
  afterEach(async () => {
    await consumer.close()
    await removeDir(folder)
  })

  const run = (more: Partial<DownloadOptions> = {}, name = NAME) =>
    download(consumer.home, name, { now: consumer.simulator.clock.now(), ...more })
  const stored = () => fileList(consumer.home.store).catch(() => new Map<string, string>())

  it('puts the artifact into the store under its full name, and keeps the role files that prove it', async () => {
    const result = await run()
    expect(result.descriptor).to.include({ digest: index.digest, size: index.size })
    expect(result.proof.map((one) => one.role)).to.deep.equal(['targets', 'wabbit-networks', NAME])
    const layout = await openLayout(consumer.home.store)
    expect((await layout.resolve(`${NAME}:latest`)).digest).to.equal(index.digest)
    const proof = await keptProof(consumer.trust, NAME)
    expect(proof?.envelope.bytes).to.deep.equal(
      new Uint8Array(consumer.simulator.files.get('1.wabbit-networks%2Fnetmonitor.json') ?? []),
    )
    expect(proof?.keys.keyids).to.deep.equal([testSigner('netmonitor').key.keyid])
    expect(proof?.delegator).to.equal('wabbit-networks')
  })

  it('finds the same by its digest', async () => {
    const { resolved } = await run({}, `${NAME}@${index.digest}`)
    expect(resolved.path).to.equal(`${NAME}@${index.digest}`)
  })

  it('asks for nothing twice: the second download reads the metadata from the cache', async () => {
    await run()
    expect(await consumer.asked(run)).to.deep.equal(['2.root.json', 'timestamp.json'])
  })

  const attacks: [string, (c: Consumer) => unknown, string][] = [
    [
      'a layer altered, of the same length',
      (c) => {
        for (const [digest, held] of c.content)
          if (Buffer.from(held.bytes).toString() === 'layer')
            c.content.set(digest, { ...held, bytes: Buffer.from('LAYER') })
      },
      'DIGEST_MISMATCH',
    ],
    [
      'the signed index replaced by another valid one',
      (c) => {
        const other = serveIndex(c, image)
        const held = c.content.get(other.digest)
        if (held) c.content.set(index.digest, held)
      },
      'SIZE_MISMATCH',
    ],
    ['a child withheld', (c) => c.content.delete(image.digest), 'MANIFEST_UNKNOWN'],
    [
      'the role signed by somebody else',
      async (c) => {
        c.simulator.signers.set(NAME, [testSigner('mallory')])
        c.simulator.edit(NAME, (tree) => tree)
        await c.simulator.publish()
      },
      'SIGNATURE_THRESHOLD',
    ],
    [
      'the edge revoked',
      async (c) => {
        c.simulator.delegate('wabbit-networks', edge(NAME, 'another key'))
        await c.simulator.publish()
      },
      'SIGNATURE_THRESHOLD',
    ],
    [
      'the delegated role withheld',
      (c) => c.simulator.files.delete('1.wabbit-networks%2Fnetmonitor.json'),
      'ROLE_UNAVAILABLE',
    ],
  ]
  for (const [attack, serve, code] of attacks)
    it(`${attack}: ${code}; no name in the store, no proof, no output`, async () => {
      await serve(consumer)
      const output = join(folder, 'out')
      expect(await codeOf(() => run({ output }))).to.equal(code)
      expect(
        await codeOf(async () => (await openLayout(consumer.home.store)).resolve(`${NAME}:latest`)),
      ).not.to.equal('none')
      for (const blob of (await stored()).keys())
        expect(blob).not.to.match(new RegExp(`blobs/sha256/${index.digest.slice(7)}`))
      expect(await keptProof(consumer.trust, NAME)).to.equal(null)
      expect(await readdir(folder)).to.deep.equal([])
    })

  it('a second hash that does not fit: HASH_MISMATCH; no name in the store, no proof', async () => {
    const hashes = new Map([
      ['sha256', index.digest.slice('sha256:'.length)],
      ['sha512', 'ab'.repeat(64)],
    ])
    const custom = jsonObject([['mediaType', index.mediaType]])
    const target = { path: `${NAME}:latest`, length: index.size, hashes, custom }
    consumer.simulator.edit(NAME, (tree) => withTarget(tree, target))
    await consumer.simulator.publish()
    expect(await codeOf(() => run())).to.equal('HASH_MISMATCH')
    expect(await keptProof(consumer.trust, NAME)).to.equal(null)
  })

  it('a name that nobody signed', async () => {
    expect(await codeOf(() => run({}, 'wabbit-networks/other'))).to.equal('TARGET_NOT_FOUND')
  })

  it('a role file that goes while we search is looked for in the newer publication', async () => {
    const old = '1.wabbit-networks%2Fnetmonitor.json'
    let moved = false
    consumer.before = async (file) => {
      if (file !== old || moved) return
      moved = true
      consumer.simulator.edit(NAME, (tree) => tree)
      await consumer.simulator.publish()
      consumer.simulator.files.delete(old)
    }
    const result = await run()
    expect(result.proof.at(-1)?.envelope.signed.version).to.equal(2)
  })

  it('--output: the image as a layout, files under their titles', async () => {
    const { written } = await run({ output: join(folder, 'out') })
    expect(written.map((file) => file.path)).to.deep.equal([
      join(folder, 'out', 'netmonitor'),
      join(folder, 'out', 'sbom.spdx.json'),
    ])
    expect(await readFile(join(folder, 'out', 'sbom.spdx.json'), 'utf8')).to.equal('{}')
    const layout = await openLayout(join(folder, 'out', 'netmonitor'))
    expect((await layout.resolve('netmonitor')).digest).to.equal(image.digest)
  })

  describe('titles that a publisher may choose', () => {
    const titles = [
      '../../escape',
      '/etc/cron.d/x',
      '..',
      '.npmrc',
      'a\u0000b',
      'con.txt',
      'C:\\x',
      'dot.',
      '-rf',
      '',
    ]
    for (const title of titles)
      it(`${JSON.stringify(title)} stays in the folder`, async () => {
        await publishSigned(consumer, serveIndex(consumer, serveFile(consumer, title, 'content')))
        const { written } = await run({ output: join(folder, 'out') })
        expect(await readdir(folder)).to.deep.equal(['out'])
        const [name = ''] = await readdir(join(folder, 'out'))
        expect(written[0]?.path).to.equal(join(folder, 'out', name))
        expect(name).to.match(/^(?:escape|x|sha256-[0-9a-f]{64})$/)
      })

    it('two of one name, also but for the case: the second goes under its digest', async () => {
      const files = [serveFile(consumer, 'a.txt', '1'), serveFile(consumer, 'dir/A.TXT', '2')]
      await publishSigned(consumer, serveIndex(consumer, ...files))
      await run({ output: join(folder, 'out') })
      const names = (await readdir(join(folder, 'out'))).sort()
      expect(names[0]).to.equal('a.txt')
      expect(names[1]).to.match(/^sha256-/)
      expect(await readFile(join(folder, 'out', 'a.txt'), 'utf8')).to.equal('1')
    })

    for (const [what, plant] of [
      ['a symbolic link', (path: string) => symlink(join(folder, 'victim'), path)],
      ['a folder', (path: string) => mkdir(path)],
    ] as const)
      it(`${what} in the place of a file is not written over or through`, async () => {
        await mkdir(join(folder, 'out'))
        await writeFile(join(folder, 'victim'), 'untouched')
        await plant(join(folder, 'out', 'sbom.spdx.json'))
        expect(await codeOf(() => run({ output: join(folder, 'out') }))).to.equal('OUTPUT_REFUSED')
        expect(await readFile(join(folder, 'victim'), 'utf8')).to.equal('untouched')
      })

    it('a symbolic link in the place of the image folder is not followed', async () => {
      await mkdir(join(folder, 'out'))
      await mkdir(join(folder, 'elsewhere'))
      await symlink(join(folder, 'elsewhere'), join(folder, 'out', 'netmonitor'))
      expect(await codeOf(() => run({ output: join(folder, 'out') }))).to.equal('OUTPUT_REFUSED')
      expect(await readdir(join(folder, 'elsewhere'))).to.deep.equal([])
    })
  })

  describe('key import --from', () => {
    const importIt = (role: string) =>
      importRole(consumer.home, consumer.registry, role, { now: consumer.simulator.clock.now() })

    it('pins the keys of the verified edge, not of the file', async () => {
      const imported = await importIt(NAME)
      expect(imported.fingerprints).to.deep.equal([testSigner('netmonitor').key.fingerprint])
      expect(imported.keys.threshold).to.equal(1)
      const [origin] = await originsOf(consumer.home, NAME)
      expect(origin?.keys).to.deep.equal(imported.keys)
      expect(origin?.firstRootSha256).to.equal(consumer.registry.rootSha256)
    })

    it('says which pinned keys are gone', async () => {
      await importIt(NAME)
      consumer.simulator.signers.set(NAME, [testSigner('next')])
      consumer.simulator.delegate('wabbit-networks', edge(NAME, 'next'))
      await consumer.simulator.publish()
      const { gone } = await importIt(NAME)
      expect(gone.map((key) => key.fingerprint)).to.deep.equal([testSigner('netmonitor').key.fingerprint])
    })

    it('a role that nobody delegates to', async () => {
      expect(await codeOf(() => importIt('wabbit-networks/other'))).to.equal('ROLE_NOT_DELEGATED')
      expect(await originsOf(consumer.home, 'wabbit-networks/other')).to.deep.equal([])
    })

    it('two edges that disagree on whose role it is', async () => {
      consumer.simulator.delegate('targets', edge(NAME, 'somebody else'))
      await consumer.simulator.publish()
      expect(await codeOf(() => importIt(NAME))).to.equal('EDGE_AMBIGUOUS')
    })
  })
})
