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
  const status = clientStatus(error)
  if (status === 413) return { code: 'UPLOAD_TOO_LARGE', message: 'the upload is too large', detail: null }
  if (status === 415)
    return { code: 'UNSUPPORTED_ENCODING', message: 'send the upload without content encoding', detail: null }
  if (status !== null) return { code: 'BAD_REQUEST', message: 'the request cannot be read', detail: null }
  return { code: 'INTERNAL', message: 'the service failed; its log says more', detail: null }
}

/** Express and its body reader mark what the sender got wrong with a 4xx status. */
function clientStatus(error: unknown): number | null {
  if (error instanceof URIError) return 400
  if (!(error instanceof Error) || !('status' in error)) return null
  const { status } = error
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null
}
