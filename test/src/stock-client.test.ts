import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { sha256Hex } from '@nv2/tuf'
import { Updater } from 'tuf-js'
import {
  addNetmonitor,
  buildNetmonitor,
  foundRegistry,
  handOver,
  startRegistry,
  type Registry,
} from './demo/cast.js'
import { Stage, type Actor, type Server } from './demo/stage.js'

const NAME = 'wabbit-networks/netmonitor'

/** Real `nv2` processes, and stock tuf-js 6.0.2 as the consumer: what we publish is TUF that others read. */
describe('a public registry by nv2 serve', () => {
  let stage: Stage
  let registry: Registry
  let server: Server
  let wabbit: Actor

  before(async function () {
    this.timeout(120_000)
    stage = await Stage.open({ quiet: true })
    registry = await foundRegistry(stage, 'public')
    server = await startRegistry(stage, registry, '0')
    const trust = [
      'registry',
      'add',
      'public',
      server.url,
      '--root',
      registry.root,
      '--namespace',
      'wabbit-networks',
    ]
    await stage.nv2(registry.operator, ...trust)
    wabbit = await stage.actor('wabbit')
    await stage.nv2(wabbit, 'key', 'generate', 'wabbit-key')
    await stage.nv2(wabbit, ...trust)
    await handOver(stage, wabbit, registry.operator, 'wabbit-key')
    const edge = ['delegate', 'targets', NAME, '--key', 'wabbit-key', '--path', NAME]
    await stage.nv2(registry.operator, ...edge)
    await stage.nv2(registry.operator, 'upload', '--repo', 'public', '--wait')
    await addNetmonitor(stage, wabbit, 'netmonitor', await buildNetmonitor(stage, wabbit, '1.0.0'))
    await stage.nv2(wabbit, 'sign', 'netmonitor', 'wabbit-key')
    await stage.nv2(wabbit, 'upload', 'netmonitor', '--wait')
  })
  after(() => stage.close())

  it('is read by stock tuf-js, by tag and by digest', async () => {
    const folder = join(stage.folder, 'tuf-js')
    await mkdir(join(folder, 'targets'), { recursive: true })
    await copyFile(registry.root, join(folder, 'root.json'))
    const updater = new Updater({
      metadataDir: folder,
      metadataBaseUrl: `${server.url}/tuf/public/metadata`,
      targetDir: join(folder, 'targets'),
      targetBaseUrl: `${server.url}/tuf/public/targets`,
    })
    await updater.refresh()
    const tagged = await updater.getTargetInfo(`${NAME}:latest`)
    expect(tagged).to.not.equal(undefined)
    if (!tagged) return
    const bytes = await readFile(await updater.downloadTarget(tagged))
    expect(sha256Hex(bytes)).to.equal(tagged.hashes['sha256'])
    const index = JSON.parse(bytes.toString()) as { manifests: { digest: string; size: number }[] }
    expect(index.manifests).to.have.length(3)
    for (const { digest, size } of index.manifests) {
      const child = await updater.getTargetInfo(`${NAME}@${digest}`)
      expect(child?.hashes).to.deep.equal({ sha256: digest.slice('sha256:'.length) })
      expect(child?.length).to.equal(size)
    }
  }).timeout(20_000)

  it('says the head to whoever comes second with a version, and takes nothing', async () => {
    // The same signer on a second computer that has not seen what the first one is about to upload.
    const second = await stage.actor('wabbit-2')
    await stage.ask(
      second,
      'registry',
      'add',
      'public',
      server.url,
      '--root',
      registry.root,
      '--namespace',
      'wabbit-networks',
    )
    await mkdir(join(second.home, 'keys'), { recursive: true })
    for (const half of ['key', 'pub'])
      await copyFile(
        join(wabbit.home, `keys/wabbit-key.${half}`),
        join(second.home, `keys/wabbit-key.${half}`),
      )
    await copyFile(join(wabbit.folder, 'passphrase'), join(second.folder, 'passphrase'))
    const release = async (actor: Actor, version: string): Promise<void> => {
      await addNetmonitor(stage, actor, 'netmonitor', await buildNetmonitor(stage, actor, version))
      await stage.nv2(actor, 'sign', 'netmonitor', 'wabbit-key', '--passphrase-file', 'passphrase')
    }
    await release(wabbit, '2.0.0')
    await release(second, '3.0.0')
    await stage.nv2(wabbit, 'upload', 'netmonitor', '--wait')
    const upload = ['upload', 'netmonitor', '--passphrase-file', 'passphrase']
    const { stderr } = await stage.refused(second, upload, 'CONFLICT', 4)
    expect(stderr).to.match(/version 2/)
    const role = (await (
      await fetch(`${server.url}/tuf/public/roles/${encodeURIComponent(NAME)}`)
    ).json()) as {
      head: { version: number; state: string }
    }
    expect(role.head).to.include({ version: 2, state: 'published' })

    // Signed again it goes on from theirs; and an artifact that nobody signed does not move the tag.
    await stage.nv2(second, 'sign', 'netmonitor', 'wabbit-key', '--passphrase-file', 'passphrase')
    await stage.nv2(second, ...upload, '--wait')
    await addNetmonitor(stage, second, 'netmonitor', await buildNetmonitor(stage, second, '4.0.0'))
    await stage.refused(second, upload, 'NOTHING_TO_DO', 1)
  }).timeout(60_000)
})
