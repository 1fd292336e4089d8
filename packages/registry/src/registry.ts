import type { IncomingMessage, ServerResponse } from 'node:http'
import { stat } from 'node:fs/promises'
import express, { type NextFunction, type Request, type Response } from 'express'
import { isDigest, sweepTemporary } from '@nv2/oci'
import { RegistryError, errorBody } from './errors.js'
import { type Services, drain } from './exchange.js'
import { ManifestStore } from './manifests.js'
import { dispatch } from './router.js'
import { Storage, orNull, readOrNull } from './storage.js'
import { UploadStore } from './uploads.js'

export interface RegistryOptions {
  /** All state lives below this folder. */
  readonly dir: string
  /** Largest blob; default 64 GiB. */
  readonly maxBlobBytes?: number
  /** Uploads that may be open at once; default 1000. */
  readonly maxSessions?: number
  /** Largest content that readByDigest takes into memory; default 4 MiB. */
  readonly maxReadBytes?: number
  /** Told of faults of ours (a full disk), never of refusals. */
  readonly onFault?: (error: unknown) => void
}

export interface Registry {
  /** Answers everything under /v2/. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** The bytes of a manifest or small blob of any repository; null when absent or too large. Unchecked: hash them. */
  readonly readByDigest: (digest: string) => Promise<Uint8Array | null>
  readonly close: () => Promise<void>
}

const SWEEP_MS = 60 * 60 * 1000

/** A small OCI distribution server (distribution-spec 1.1) over one folder; anonymous. */
export function createRegistry(options: RegistryOptions): Registry {
  const storage = new Storage(options.dir)
  const uploads = new UploadStore(storage, {
    blobBytes: options.maxBlobBytes ?? 64 * 1024 ** 3,
    sessions: options.maxSessions ?? 1000,
  })
  const services: Services = { storage, uploads, manifests: new ManifestStore(storage) }
  const onFault = options.onFault ?? (() => undefined)
  const sweep = async (): Promise<void> => {
    await uploads.sweep()
    await sweepTemporary(storage.ingest)
  }
  const ready = storage.prepare().then(sweep)
  // A folder that cannot be used is told by every request, not by a crash of the whole process.
  ready.catch(onFault)
  const timer = setInterval(() => void sweep().catch(onFault), SWEEP_MS)
  timer.unref()

  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple')
  app.use(async (request: Request, response: Response) => {
    response.setHeader('Docker-Distribution-API-Version', 'registry/2.0')
    await ready
    await dispatch({ services, request, response })
  })
  // Express knows an error handler by its four parameters.
  app.use(async (error: unknown, request: Request, response: Response, _next: NextFunction) => {
    await drain(request)
    answerError(error, request, response, onFault)
  })

  return {
    handler: app,
    readByDigest: async (digest) => {
      if (!isDigest(digest)) return null
      const path = storage.contentPath(digest)
      const found = await orNull(stat(path))
      return found === null || found.size > (options.maxReadBytes ?? 4 * 1024 ** 2) ? null : readOrNull(path)
    },
    close: async () => {
      clearInterval(timer)
      await ready.catch(() => undefined)
    },
  }
}

function answerError(
  error: unknown,
  request: Request,
  response: Response,
  onFault: (error: unknown) => void,
): void {
  // The client went away in the middle of its request: there is nobody to tell.
  if (request.destroyed && !request.complete) {
    response.destroy()
    return
  }
  if (response.headersSent) {
    response.destroy()
    return
  }
  const known =
    error instanceof RegistryError ? error : new RegistryError('UNKNOWN', 'the registry cannot do this now')
  if (known !== error) onFault(error)
  // What is left of a refused body is not waited for.
  if (!request.complete) response.setHeader('Connection', 'close')
  for (const [name, value] of Object.entries(known.headers)) response.setHeader(name, value)
  const body = errorBody(known.code, known.message)
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Content-Length', String(Buffer.byteLength(body)))
  response.status(known.status).end(request.method === 'HEAD' ? undefined : body)
}
