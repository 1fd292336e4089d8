import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { extract } from 'tar-stream'
import { Mishap, type Actor, type Stage } from './stage.js'

interface Manifest {
  readonly layers: readonly { readonly digest: string }[]
}

/** Unpacks the layers of a downloaded image and runs the program in it: what arrived is what was built. */
export async function runImage(stage: Stage, actor: Actor, layout: string): Promise<void> {
  const blob = (digest: string) => readFile(join(layout, 'blobs', digest.replace(':', '/')))
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
    manifests: { digest: string }[]
  }
  const [entry] = index.manifests
  if (!entry) throw new Mishap('the downloaded image is empty')
  const manifest = JSON.parse((await blob(entry.digest)).toString()) as Manifest
  const root = join(actor.folder, 'rootfs')
  for (const layer of manifest.layers) await unpack(await blob(layer.digest), root)
  await stage.node(
    actor,
    'node rootfs/app/netmonitor.js --version',
    join(root, 'app/netmonitor.js'),
    '--version',
  )
}

export async function unpack(tar: Buffer, root: string): Promise<void> {
  const entries = extract()
  entries.end(tar)
  for await (const entry of entries) {
    const name = normalize(entry.header.name)
    if (name.startsWith('..')) throw new Mishap(`the layer holds ${name}`)
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    const path = join(root, name)
    if (entry.header.type === 'directory') await mkdir(path, { recursive: true })
    else if (entry.header.type === 'file') {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, Buffer.concat(chunks))
    }
  }
}
