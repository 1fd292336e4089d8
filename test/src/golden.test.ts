import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Updater } from 'tuf-js'
import {
  fileName,
  pinRoot,
  requireFreshRoot,
  search,
  trustSnapshot,
  trustTargets,
  trustTimestamp,
  type Found,
  type RoleRequest,
} from '@nv2/tuf'

const GOLDEN = fileURLToPath(new URL('../../fixtures/golden', import.meta.url))
const NOW = new Date('2026-06-01T00:00:00Z')
const REPOSITORIES = ['public', 'acme-rockets']

/** Finds a target in files on disk, by the rules alone. */
async function find(repository: string, path: string): Promise<Found> {
  const file = (name: string) => readFile(join(GOLDEN, repository, name))
  const root = requireFreshRoot(pinRoot(await file('1.root.json')), NOW)
  const timestamp = trustTimestamp(root, await file('timestamp.json'), NOW)
  const snapshot = trustSnapshot(timestamp, await file('1.snapshot.json'), NOW)
  const steps = search(trustTargets(snapshot, await file('1.targets.json'), NOW), path, NOW)
  let step: IteratorResult<RoleRequest, Found> = steps.next()
  while (!step.done) step = steps.next(await file(fileName(step.value.role, step.value.meta.version)))
  return step.value
}

describe('golden metadata', () => {
  it('comes out of the published seed, byte for byte', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nv2-golden-'))
    try {
      execFileSync(process.execPath, [join(GOLDEN, 'generate.mjs'), folder])
      for (const repository of REPOSITORIES) {
        const names = (await readdir(join(GOLDEN, repository))).sort()
        expect((await readdir(join(folder, repository))).sort()).to.deep.equal(names)
        for (const name of names)
          expect(await readFile(join(folder, repository, name), 'utf8'), name).to.equal(
            await readFile(join(GOLDEN, repository, name), 'utf8'),
          )
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('verifies, today as when it was made', async () => {
    const one = await find('public', 'wabbit-networks/netmonitor:latest')
    const other = await find('acme-rockets', 'wabbit-networks/netmonitor:latest')
    expect(one.proof.map((proven) => proven.role)).to.deep.equal([
      'targets',
      'wabbit-networks',
      'wabbit-networks/netmonitor',
    ])
    expect(other.proof.map((proven) => proven.role)).to.deep.equal([
      'targets',
      'wabbit-networks/netmonitor',
      'acme-rockets/netmonitor',
    ])
    expect([...other.target.hashes]).to.deep.equal([...one.target.hashes])
  })

  it('has Wabbit’s role file unchanged in both repositories', async () => {
    const [one, other] = await Promise.all(
      REPOSITORIES.map((name) =>
        readFile(join(GOLDEN, name, fileName('wabbit-networks/netmonitor', 1)), 'utf8'),
      ),
    )
    expect(one).to.equal(other)
  })

  it('is read by stock tuf-js where it holds no TAP 3 delegation', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nv2-golden-'))
    const server = createServer((request, response) => {
      readFile(join(GOLDEN, 'public', request.url?.split('/').at(-1) ?? '')).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await copyFile(join(GOLDEN, 'public/1.root.json'), join(folder, 'root.json'))
      const metadataBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`
      const updater = new Updater({ metadataDir: folder, metadataBaseUrl })
      const target = await updater.getTargetInfo('wabbit-networks/netmonitor:latest')
      const ours = await find('public', 'wabbit-networks/netmonitor:latest')
      expect(target?.hashes).to.deep.equal(Object.fromEntries(ours.target.hashes))
    } finally {
      server.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
