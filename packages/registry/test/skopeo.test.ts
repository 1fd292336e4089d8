import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import {
  RegistryClient,
  copyGraph,
  createLayout,
  digestOf,
  encodeManifest,
  mediaTypes,
  openLayout,
} from '@nv2/oci'
import { describeBytes, inTemp, serve, text } from './fixture.js'

const run = promisify(execFile)

/** Forced suite: with NV2_FORCE_REAL=1 a missing part is a failure, else it is skipped by name. */
describe('registry and layout: skopeo (real part)', () => {
  it('copies our layout to our registry and back, digests equal', async function () {
    this.timeout(60_000)
    const found = await run('skopeo', ['--version']).then(
      () => true,
      () => false,
    )
    if (!found) {
      expect(process.env['NV2_FORCE_REAL'], 'the part "skopeo" is not installed').not.to.equal('1')
      this.test!.title += ' (skipped: skopeo is not installed)'
      this.skip()
    }
    await inTemp(async (dir) => {
      const layout = await createLayout(join(dir, 'ours'))
      const layer = Buffer.alloc(10_240)
      const config = text(
        JSON.stringify({
          architecture: 'amd64',
          os: 'linux',
          config: {},
          rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
        }),
      )
      const configDescriptor = describeBytes(config, mediaTypes.config)
      await layout.push(configDescriptor, config)
      await layout.push(describeBytes(layer, mediaTypes.layer), layer)
      const bytes = encodeManifest({
        config: configDescriptor,
        layers: [describeBytes(layer, mediaTypes.layer)],
      })
      const image = describeBytes(bytes, mediaTypes.manifest)
      await layout.push(image, bytes)
      const name = 'wabbit-networks/netmonitor:latest'
      await layout.tag(name, image)

      await writeFile(join(dir, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
      const skopeo = (...args: string[]): Promise<unknown> =>
        run('skopeo', ['--policy', join(dir, 'policy.json'), ...args])
      const running = await serve(join(dir, 'registry'))
      try {
        const there = `docker://${running.host}/${name}`
        await skopeo(
          'copy',
          '--preserve-digests',
          '--dest-tls-verify=false',
          `oci:${join(dir, 'ours')}:${name}`,
          there,
        )
        const client = new RegistryClient({
          registry: running.host,
          repository: 'wabbit-networks/netmonitor',
        })
        expect(await client.resolve('latest')).to.deep.equal(image)
        await skopeo(
          'copy',
          '--preserve-digests',
          '--src-tls-verify=false',
          there,
          `oci:${join(dir, 'theirs')}:${name}`,
        )
        const theirs = await openLayout(join(dir, 'theirs'))
        expect((await theirs.resolve(name)).digest).to.equal(image.digest)
        expect(await readFile(theirs.blobPath(image.digest))).to.deep.equal(Buffer.from(bytes))
        await copyGraph(theirs, await createLayout(join(dir, 'again')), image)
        // An existing layout of ours takes what skopeo writes into it, and we still read it.
        await skopeo(
          'copy',
          '--preserve-digests',
          '--src-tls-verify=false',
          there,
          `oci:${join(dir, 'ours')}:other`,
        )
        expect((await layout.resolve('other')).digest).to.equal(image.digest)
        expect((await layout.resolve(name)).digest).to.equal(image.digest)
      } finally {
        await running.stop()
      }
    })
  })
})
