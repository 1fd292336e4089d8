import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { readBody } from './body.js'
import type { Clock } from './clock.js'
import { ServiceError } from './errors.js'
import { send, sendError } from './http-error.js'
import { parseProof } from './proof.js'
import { sendMetadata, sendTarget, type Content } from './read-path.js'
import type { Repository } from './repository.js'

export const UPLOAD_LIMIT = 32 * 1024 * 1024

export interface HttpOptions {
  readonly repositories: readonly Repository[]
  readonly content: Content
  readonly clock: Clock
  /** Told of failures that the sender did not cause. */
  readonly onFailure: (repository: string, error: unknown) => void
}

type Handler = (repository: Repository, rest: string, request: Request, response: Response) => Promise<void>

/** `/tuf/NAME/...` as an Express app. */
export function httpApp(options: HttpOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const routes = routesOf(options)
  app.use('/tuf', (request, response, next) => {
    // Paths are taken apart before they are decoded: a role's name may hold a slash.
    const path = request.url.replace(/[?#].*$/s, '')
    const [, name = '', kind = '', rest = ''] = /^\/([^/]+)\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? []
    const route = routes.get(kind)
    const repository = find(options.repositories, name)
    const handler = repository && route?.get(request.method)
    if (repository && route && !handler) {
      response.setHeader('allow', [...route.keys()].join(', '))
      sendError(response, new ServiceError('METHOD_NOT_ALLOWED', `${request.method} is not for this address`))
    } else if (repository && handler)
      handler(repository, rest, request, response).catch((error: unknown) => {
        if (sendError(response, error) >= 500) options.onFailure(repository.name, error)
      })
    else next()
  })
  app.use(
    '/tuf',
    (_request, response) => void sendError(response, new ServiceError('NOT_FOUND', 'there is nothing here')),
  )
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (sendError(response, error) >= 500) options.onFailure('', error)
  })
  return app
}

function routesOf({ content, clock }: HttpOptions): ReadonlyMap<string, ReadonlyMap<string, Handler>> {
  const metadata: Handler = (repository, file, request, response) =>
    sendMetadata(repository, file, request, response)
  const targets: Handler = async (_repository, path, request, response) =>
    sendTarget(content, decodeURIComponent(path), request, response)
  const accept: Handler = async (repository, rest, request, response) => {
    if (rest !== '') throw new ServiceError('METHOD_NOT_ALLOWED', 'uploads are sent to .../uploads')
    const proof = parseProof(request.headers.authorization, single(request.headers['nv2-signature']))
    const { created, ...answer } = await repository.accept(
      await readBody(request, UPLOAD_LIMIT),
      proof,
      clock.now(),
    )
    send(response, created ? 202 : 200, answer)
  }
  const upload: Handler = async (repository, id, _request, response) => {
    const status = /^[0-9a-f]{64}$/.test(id) ? await repository.upload(id) : null
    if (!status) throw new ServiceError('NOT_FOUND', 'there is no such upload')
    send(response, 200, status)
  }
  const role: Handler = async (repository, name, _request, response) => {
    if (name === '') throw new ServiceError('NOT_FOUND', 'there is no list of roles here')
    send(response, 200, await repository.role(decodeURIComponent(name)))
  }
  const reading = (handler: Handler): [string, Handler][] => [
    ['GET', handler],
    ['HEAD', handler],
  ]
  return new Map([
    ['metadata', new Map(reading(metadata))],
    ['targets', new Map(reading(targets))],
    ['uploads', new Map([...reading(upload), ['POST', accept]])],
    ['roles', new Map(reading(role))],
  ])
}

/** By its name here, or as `sha256:HEX` by any of its published roots: all that a client of a pinned root knows. */
function find(repositories: readonly Repository[], encoded: string): Repository | undefined {
  let name: string
  try {
    name = decodeURIComponent(encoded)
  } catch {
    return undefined
  }
  const hash = /^sha256:([0-9a-f]{64})$/.exec(name)?.[1]
  return repositories.find((one) => (hash === undefined ? one.name === name : one.hasRoot(hash)))
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
