import { expect } from 'chai'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './architecture/tree.js'
import { unpack } from './demo/image.js'

const fixture = join(root, 'fixtures/netmonitor')

interface Digests {
  image: { manifest: string; config: string; layers: string[] }
  sbom: string
  source: string
}

describe('the netmonitor fixture', function () {
  this.timeout(60_000)
  let folder: string
  let app: string
  let target: Server

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nv2-netmonitor-'))
    await build('one')
    app = join(folder, 'rootfs/app/netmonitor.js')
    for (const digest of (await manifest('one')).layers) {
      await unpack(await readFile(blob('one', digest)), join(folder, 'rootfs'))
    }
    target = createServer((socket) => socket.end())
    await once(target.listen(0, '127.0.0.1'), 'listening')
  })
  after(async () => {
    target?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('has the same digests on every machine, Node and npm', async () => {
    const golden = JSON.parse(await readFile(join(fixture, 'digests.json'), 'utf8')) as Digests
    expect(await build('again')).to.deep.equal(golden)
  })

  it('differs in another version, but for its dependencies', async () => {
    const golden = JSON.parse(await readFile(join(fixture, 'digests.json'), 'utf8')) as Digests
    const second = await build('second', '--version', '2.0.0')
    expect(second.image.layers[0]).to.equal(golden.image.layers[0])
    for (const pick of [image, config, program, sbom, source]) expect(pick(second)).to.not.equal(pick(golden))
  })

  it('runs from the unpacked layers', async () => {
    const { stdout } = await run(['--version'])
    expect(stdout).to.equal('1.0.0\n')
  })

  it('tells what is up and what is down', async () => {
    const open = `127.0.0.1:${port(target)}`
    const good = await run(['check', open])
    expect(good).to.include({ code: 0 })
    expect(good.stdout).to.match(/^TARGET +STATE +LATENCY\n127\.0\.0\.1:\d+ +up +[\d.]+ms\n$/)
    const closed = createServer()
    await once(closed.listen(0, '127.0.0.1'), 'listening')
    const shut = `127.0.0.1:${port(closed)}`
    await once(closed.close(), 'close')
    const { code, stdout } = await run(['check', open, shut, '--json'])
    expect(code).to.equal(1)
    const results = JSON.parse(stdout) as { target: string; up: boolean; reason?: string }[]
    expect(results.map(({ target, up, reason }) => [target, up, reason])).to.deep.equal([
      [open, true, undefined],
      [shut, false, 'ECONNREFUSED'],
    ])
  })

  for (const bad of [
    ['check'],
    ['check', 'nowhere'],
    ['check', 'a:0'],
    ['check', 'a:1', '--timeout', 'soon'],
  ]) {
    it(`refuses: ${bad.join(' ')}`, async () => {
      const { code, stderr } = await run(bad)
      expect(code).to.equal(2)
      expect(stderr).to.match(/^netmonitor: /)
    })
  }

  it('serves its health and its measurements, and stops when told', async () => {
    const child = spawn(process.execPath, [app, 'serve', `127.0.0.1:${port(target)}`, '--port', '0'])
    try {
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
      const url = line.replace('listening ', '')
      expect(await (await fetch(`${url}/healthz`)).text()).to.equal('ok\n')
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).to.contain(`netmonitor_up{target="127.0.0.1:${port(target)}"} 1\n`)
      expect((await fetch(`${url}/other`)).status).to.equal(404)
    } finally {
      child.kill('SIGTERM')
    }
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).to.equal(0)
  })

  it('has an SBoM in which nothing depends on the run', async () => {
    const document = JSON.parse(await readFile(join(folder, 'one/netmonitor.spdx.json'), 'utf8')) as {
      spdxVersion: string
      creationInfo: object
      packages: { name: string; versionInfo: string }[]
    }
    expect(document.spdxVersion).to.equal('SPDX-2.3')
    expect(document.creationInfo).to.deep.equal({
      created: '1970-01-01T00:00:00Z',
      creators: ['Tool: npm/cli'],
    })
    const names = document.packages.map(({ name, versionInfo }) => `${name} ${versionInfo}`)
    expect(names).to.have.members(['netmonitor 1.0.0', 'ms 2.1.3'])
  })

  async function build(name: string, ...options: string[]): Promise<Digests> {
    const args = [join(fixture, 'build.mjs'), join(folder, name), '--digests', ...options]
    const { code, stdout, stderr } = await node(args)
    expect(code, stderr).to.equal(0)
    return JSON.parse(stdout) as Digests
  }

  function run(args: string[]): Promise<Result> {
    return node([app, ...args])
  }

  function blob(name: string, digest: string): string {
    return join(folder, name, 'image/blobs', digest.replace(':', '/'))
  }

  /** Follows the layout as any reader would: index.json, manifest, layers. */
  async function manifest(name: string): Promise<{ layers: string[] }> {
    const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'))
    const index = (await json(join(folder, name, 'image/index.json'))) as { manifests: { digest: string }[] }
    const found = (await json(blob(name, index.manifests[0]!.digest))) as { layers: { digest: string }[] }
    return { layers: found.layers.map(({ digest }) => digest) }
  }
})

const image = ({ image }: Digests): string => image.manifest
const config = ({ image }: Digests): string => image.config
const program = ({ image }: Digests): string | undefined => image.layers[1]
const sbom = ({ sbom }: Digests): string => sbom
const source = ({ source }: Digests): string => source

interface Result {
  code: number
  stdout: string
  stderr: string
}

function node(args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

function port(server: Server): number {
  return (server.address() as AddressInfo).port
}
