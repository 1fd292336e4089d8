import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RepositorySimulator } from './simulator.js'

export interface TestServer {
  /** `http://127.0.0.1:PORT/tuf/NAME`, as `nv2 serve` would name it. */
  readonly url: string
  close(): Promise<void>
}

/** Serves a simulator's files under `/tuf/NAME/metadata/` and its content under `/tuf/NAME/targets/` on a free port. */
export async function serveSimulator(simulator: RepositorySimulator, name = 'test'): Promise<TestServer> {
  const metadata = `/tuf/${name}/metadata/`
  const targets = `/tuf/${name}/targets/`
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    let bytes: Uint8Array | null = null
    // File names keep their percent-encoding: it belongs to the name of a role.
    if (path.startsWith(metadata)) bytes = simulator.read(path.slice(metadata.length))
    else if (path.startsWith(targets)) bytes = contentAt(simulator, path.slice(targets.length))
    response.writeHead(bytes ? 200 : 404, { 'content-length': bytes?.length ?? 0 })
    response.end(request.method === 'HEAD' ? undefined : (bytes ?? undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/tuf/${name}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** `dir/HASH.base`: consistent snapshot (spec 5.7.3) puts the hash before the last segment. */
function contentAt(simulator: RepositorySimulator, path: string): Uint8Array | null {
  const base = path.slice(path.lastIndexOf('/') + 1)
  return simulator.content.get(base.slice(0, base.indexOf('.'))) ?? null
}
