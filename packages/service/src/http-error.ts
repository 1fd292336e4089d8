import type { ServerResponse } from 'node:http'
import { StoreError } from '@nv2/store'
import { TufError } from '@nv2/tuf'
import { ServiceError } from './errors.js'
import { STATUS } from './status.js'

/** Answers with the OCI error body `{errors:[{code,message,detail}]}`. What only the operator may know stays here. */
export function sendError(response: ServerResponse, error: unknown): number {
  const known = toServiceError(error)
  const status = STATUS[known.code]
  send(response, status, { errors: [{ code: known.code, message: known.message, detail: known.detail }] })
  return status
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return void response.destroy()
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    // The rest of a body that is not read must not be taken for the next request.
    ...(status === 413 || status === 415 ? { connection: 'close' } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="nv2"' } : {}),
  })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

function toServiceError(
  error: unknown,
): Pick<ServiceError, 'message' | 'detail'> & { code: keyof typeof STATUS } {
  if (error instanceof ServiceError) return error
  if (error instanceof TufError)
    return {
      code: error.code,
      message: error.message,
      detail: { role: error.role ?? null, missing: error.missing },
    }
  // A store's message names folders of the host.
  if (error instanceof StoreError)
    return { code: error.code, message: 'the storage of this service fails', detail: null }
  if (isSendersFault(error))
    return { code: 'BAD_REQUEST', message: 'the request cannot be read', detail: null }
  return { code: 'INTERNAL', message: 'the service failed; its log says more', detail: null }
}

/** What cannot be decoded, and what Express marks with a 4xx status. */
function isSendersFault(error: unknown): boolean {
  if (error instanceof URIError) return true
  if (!(error instanceof Error) || !('status' in error)) return false
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500
}
