import { removeDir, tempDir } from '@nv2/testkit'
import { expect } from 'chai'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../architecture/tree.js'
import { ask, needs, refusal } from './part.js'

interface Digests {
  image: { layers: string[] }
}

describe('skopeo reads the image of the fixture', function () {
  this.timeout(120_000)
  let folder: string
  let digests: Digests

  before(async function () {
    await needs(this, 'skopeo', '--version')
    folder = await tempDir('skopeo')
    digests = JSON.parse(
      await ask(
        process.execPath,
        join(root, 'fixtures/netmonitor/build.mjs'),
        join(folder, 'out'),
        '--digests',
      ),
    ) as Digests
  })
  after(async () => {
    if (folder) await removeDir(folder)
  })

  const image = (): string => `oci:${join(folder, 'out/image')}`

  it('with its entrypoint and its layers', async () => {
    const config = JSON.parse(await ask('skopeo', 'inspect', '--config', image())) as {
      config: { Entrypoint: string[] }
      rootfs: { diff_ids: string[] }
    }
    expect(config.config.Entrypoint).to.deep.equal(['node', '/app/netmonitor.js'])
    expect(config.rootfs.diff_ids).to.deep.equal(digests.image.layers)
  })

  it('and refuses it once a layer is altered', async () => {
    const [layer] = digests.image.layers
    const path = join(folder, 'out/image/blobs', layer!.replace(':', '/'))
    const bytes = await readFile(path)
    bytes[600] = bytes[600]! ^ 1
    await writeFile(path, bytes)
    const complaint = await refusal('skopeo', 'copy', image(), `oci:${join(folder, 'altered')}:v1`)
    expect(complaint).to.match(/digest/i)
  })
})
