import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileList, removeDir, RepositorySimulator, tempDir, type SimulatorOptions } from '@nv2/testkit'
import { sha256Hex } from '@nv2/tuf'
import {
  addRegistry,
  homeFrom,
  placeOf,
  repoFolder,
  Session,
  type Home,
  type Registry,
  type SourceOptions,
} from '../src/index.js'

/** A user with a home of his own, and a repository that does what the test wants, over real HTTP on loopback. */
export class Consumer {
  readonly home: Home
  readonly simulator: RepositorySimulator
  readonly registry: Registry
  /** Answers for single files instead of the repository's. */
  readonly instead = new Map<string, (response: ServerResponse) => void>()
  /** OCI content by digest, as the registry serves it. */
  readonly content = new Map<string, { readonly bytes: Uint8Array; readonly mediaType: string }>()
  /** Called before each answer, e.g. to let the publisher move meanwhile. */
  before: (file: string) => Promise<void> | void = () => undefined
  private readonly folder: string
  private readonly stop: () => Promise<void>

  private constructor(
    folder: string,
    home: Home,
    simulator: RepositorySimulator,
    registry: Registry,
    stop: () => Promise<void>,
  ) {
    this.folder = folder
    this.home = home
    this.simulator = simulator
    this.registry = registry
    this.stop = stop
  }

  static async open(
    options: SimulatorOptions & { pin?: 'hash'; prepare?: (s: RepositorySimulator) => Promise<void> } = {},
  ): Promise<Consumer> {
    const simulator = await RepositorySimulator.create(options)
    const root = simulator.files.get('1.root.json') ?? new Uint8Array()
    await options.prepare?.(simulator)
    const made: { consumer?: Consumer } = {}
    const answer = async (file: string, response: ServerResponse): Promise<void> => {
      const self = made.consumer
      await self?.before(file)
      const other = self?.instead.get(file)
      const bytes = simulator.read(file)
      if (other) other(response)
      else {
        response.writeHead(bytes ? 200 : 404)
        response.end(bytes ?? undefined)
      }
    }
    const base = `/tuf/sha256:${sha256Hex(root)}/metadata/`
    const server = createServer((request, response) => {
      const path = request.url ?? ''
      const digest = /^\/v2\/.+\/(?:manifests|blobs)\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1]
      if (digest !== undefined) {
        const held = made.consumer?.content.get(digest)
        response.writeHead(held ? 200 : 404, { 'content-type': held?.mediaType ?? 'application/json' })
        response.end(request.method === 'HEAD' ? undefined : (held?.bytes ?? '{"errors":[]}'))
        return
      }
      void answer(path.startsWith(base) ? path.slice(base.length) : `not under ${base}`, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const stop = async (): Promise<void> => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    }
    const folder = await tempDir()
    const home = homeFrom({ NV2_HOME: folder })
    const registry = await addRegistry(home, {
      name: 'public',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...(options.pin === 'hash' ? { rootSha256: sha256Hex(root) } : { root }),
    })
    made.consumer = new Consumer(folder, home, simulator, registry, stop)
    return made.consumer
  }

  async close(): Promise<void> {
    await this.stop()
    await removeDir(this.folder)
  }

  get trust(): string {
    return repoFolder(this.home, this.registry.repo)
  }

  get cache(): string {
    return join(this.home.cache, this.registry.repo)
  }

  session(options: SourceOptions = {}): Session {
    return new Session(placeOf(this.home, this.registry, options), { now: this.simulator.clock.now() })
  }

  /** Everything that is trusted: path and digest of each file beside the pinned root. */
  async trusted(): Promise<Record<string, string>> {
    return Object.fromEntries(await fileList(this.trust))
  }

  /** The files asked for while `work` ran. */
  async asked(work: () => Promise<unknown>): Promise<string[]> {
    const from = this.simulator.requests.length
    await work()
    return this.simulator.requests.slice(from)
  }
}

/** The code that `work` was refused with; "none" when it was not. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : `not ours: ${String(error)}`
  }
  return 'none'
}
