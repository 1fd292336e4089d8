import { join } from 'node:path'
import { createRegistry } from '@nv2/registry'
import type { Run } from '../context.js'
import { duration } from '../duration.js'
import { usage } from '../errors.js'
import { listen } from '../serving/listen.js'
import { openService, type PlaceOptions } from '../serving/open-service.js'

interface ServeOptions extends PlaceOptions {
  readonly port: string
  readonly host: string
  readonly interval: string
}

export const run: Run<ServeOptions> = async (context, _args, options) => {
  const { out } = context
  const port = portOf(options.port)
  const interval = options.interval === 'off' ? 'off' : duration(options.interval, '--interval')
  const stop = context.interrupted()
  let read: (digest: string) => Promise<Uint8Array | null> = () => Promise.resolve(null)
  // The service is opened first: when it may not start, the registry's folders are not made either.
  const service = await openService(context, options, { interval, content: (hash) => read(`sha256:${hash}`) })
  const registry = createRegistry({
    dir: join(options.data, 'registry'),
    onFault: (error) => {
      out.warn(`registry: ${error instanceof Error ? error.message : String(error)}`)
    },
  })
  read = registry.readByDigest
  try {
    const server = await listen({ v2: registry.handler, tuf: service.handler }, options.host, port)
    if (!/^(?:127\.|::1$|localhost$)/.test(options.host))
      out.warn(
        `listening on ${options.host} without TLS, and whoever reaches it may push artifacts; put a proxy with TLS and access control before it`,
      )
    service.start()
    out.result({ listening: server.url }, `listening ${server.url}`)
    if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
    await Promise.all([server.close(), service.stop()])
  } finally {
    await registry.close()
  }
}

function portOf(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw usage(`--port ${text} is no port; it goes from 0 (a free one) to 65535`)
}
