import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  addRegistry,
  ClientError,
  homeFrom,
  openWorkbench,
  repoInit,
  upload,
  type Home,
  type Uploaded,
  type UploadRequest,
  type Workbench,
} from '@nv2/client'
import { KeysError } from '@nv2/keys'
import { digestOf, encodeManifest, mediaTypes, type Descriptor } from '@nv2/oci'
import { createRegistry } from '@nv2/registry'
import { createService, type Service } from '@nv2/service'
import { MemoryStore } from '@nv2/store'
import { type FakeClock, putPlainKeys, putPublicKeys, testSigner } from '@nv2/testkit'
import { TufError } from '@nv2/tuf'
import { readFile } from 'node:fs/promises'
import { listen, type Listening } from '../../src/serving/listen.js'

/** A registry with its TUF service on a free port; it publishes when told. */
export interface Market {
  readonly name: string
  readonly url: string
  readonly root: Uint8Array
  readonly service: Service
  /** Method and path of every request. */
  readonly requests: string[]
  close(): Promise<void>
}

/** One person at one machine. */
export class Person {
  readonly home: Home
  readonly folder: string
  readonly clock: FakeClock

  private constructor(folder: string, clock: FakeClock) {
    this.folder = folder
    this.home = homeFrom({ NV2_HOME: join(folder, 'nv2') })
    this.clock = clock
  }

  static async arrive(folder: string, clock: FakeClock, name: string, ...keys: string[]): Promise<Person> {
    const person = new Person(join(folder, name), clock)
    await putPlainKeys(person.home.keys, ...keys)
    return person
  }

  /** Fresh for every command, as in a process of its own. */
  bench(): Promise<Workbench> {
    return openWorkbench({
      home: this.home,
      now: this.clock.now(),
      ask: () => Promise.reject(new Error('these keys have no passphrase')),
    })
  }

  async trust(
    market: Market,
    options: { namespace?: string; up?: boolean; down?: boolean } = {},
  ): Promise<void> {
    await addRegistry(this.home, {
      name: market.name,
      url: market.url,
      root: market.root,
      namespaces: options.namespace === undefined ? [] : [options.namespace],
      defaultUpload: options.up ?? false,
      defaultDownload: options.down ?? false,
    })
  }

  /** Uploads and has it published. */
  async release(market: Market, request: UploadRequest): Promise<Uploaded> {
    const uploaded = await upload(await this.bench(), request)
    await market.service.publish()
    return uploaded
  }

  /** Files of an artifact that differ with `version`. */
  async build(version: string): Promise<{ image: string; sbom: string; source: string }> {
    const out = join(this.folder, `build-${version}`)
    const image = join(out, 'image')
    await mkdir(join(image, 'blobs', 'sha256'), { recursive: true })
    const put = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
      const digest = digestOf(bytes)
      await writeFile(join(image, 'blobs', digest.replace(':', '/')), bytes)
      return { mediaType, digest, size: bytes.length }
    }
    const config = await put(mediaTypes.config, Buffer.from('{"architecture":"amd64","os":"linux"}'))
    const layer = await put(mediaTypes.layer, Buffer.from(`layer ${version}`))
    const manifest = await put(mediaTypes.manifest, encodeManifest({ config, layers: [layer] }))
    await writeFile(join(image, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    await writeFile(join(image, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }))
    await writeFile(join(out, 'sbom.json'), JSON.stringify({ spdxVersion: 'SPDX-2.3', name: version }))
    await writeFile(join(out, 'src.tar'), `source ${version}`)
    return { image, sbom: join(out, 'sbom.json'), source: join(out, 'src.tar') }
  }
}

/** An operator makes a repository and its registry starts, with targets uploaded and published. */
export async function openMarket(
  folder: string,
  clock: FakeClock,
  operator: Person,
  name: string,
  keys: { root: string; targets: string },
): Promise<Market> {
  const online = `${name}-online`
  await putPublicKeys(operator.home.keys, online)
  const named = (key: string) => [{ name: key, key: testSigner(key).key }]
  const { keyring } = await operator.bench()
  const made = await repoInit(operator.home, keyring, {
    name,
    root: { keys: named(keys.root), threshold: 1 },
    targets: { keys: named(keys.targets), threshold: 1 },
    snapshot: named(online),
    timestamp: named(online),
    now: clock.now(),
  })
  const root = await readFile(made.rootPath)
  const artifacts = createRegistry({ dir: join(folder, `${name}-data`) })
  const service = await createService({
    repositories: [{ name, rootBytes: root, store: new MemoryStore() }],
    signers: [testSigner(online)],
    interval: 'off',
    content: (hash) => artifacts.readByDigest(`sha256:${hash}`),
    clock: { now: clock.now, after: () => () => undefined },
  })
  const requests: string[] = []
  const server: Listening = await listen(
    {
      v2: (request, response) => {
        requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
        artifacts.handler(request, response)
      },
      tuf: (request, response) => {
        requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
        service.handler(request, response)
      },
    },
    '127.0.0.1',
    0,
  )
  const market: Market = {
    name,
    url: server.url,
    root,
    service,
    requests,
    close: async () => {
      await server.close()
      await artifacts.close()
    },
  }
  try {
    await operator.trust(market, { up: true })
    await operator.release(market, { repo: name })
    return market
  } catch (error) {
    await market.close()
    throw error
  }
}

/** What an action throws, if it is an error of ours. */
export async function errorOf(
  action: () => Promise<unknown>,
): Promise<{ code: string; message: string; detail?: unknown }> {
  try {
    await action()
  } catch (error) {
    if (error instanceof ClientError || error instanceof TufError || error instanceof KeysError) return error
    throw error
  }
  return { code: 'none', message: '' }
}
