import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CliError } from '../errors.js'

/** What a stop waits for requests that run. */
const GRACE_MS = 5000
/** Large blobs over slow lines take long; headers still have to come within Node's minute. */
const REQUEST_MS = 3_600_000

export interface Listening {
  readonly url: string
  /** Takes no more connections, lets requests that run end, then closes what is left. */
  close(): Promise<void>
}

/** One server for the registry and the TUF service. */
export async function listen(
  handlers: { readonly v2: RequestListener; readonly tuf: RequestListener },
  host: string,
  port: number,
): Promise<Listening> {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (/^\/v2(?:[/?]|$)/.test(path)) handlers.v2(request, response)
    else if (/^\/tuf(?:[/?]|$)/.test(path)) handlers.tuf(request, response)
    else {
      const body = '{"errors":[{"code":"NOT_FOUND","message":"here are /v2/ and /tuf/","detail":null}]}'
      response.writeHead(404, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body)
    }
  })
  server.requestTimeout = REQUEST_MS
  await bound(server, host, port)
  const { address, family, port: taken } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: () => close(server),
  }
}

function bound(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'something else listens there; choose another --port' : cause.message
      reject(new CliError('SYSTEM', `cannot listen on ${host}, port ${port}: ${why}`, cause))
    })
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.closeAllConnections()
    }, GRACE_MS)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
