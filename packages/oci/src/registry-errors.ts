import { type OciCode, OciError, printable } from './errors.js'
import { isObject, parseJson } from './json.js'
import type { Response } from './transport.js'

const MAX_ERROR_BYTES = 64 * 1024

/** What the registry said, in our words: the status decides, the body of distribution-spec "Error Codes" only adds. */
export async function refusal(response: Response, doing: string): Promise<OciError> {
  const { code, message } = await readErrorBody(response)
  const said = code === '' ? '' : `: ${code}${message === '' ? '' : ` ${message}`}`
  return new OciError(
    codeOf(response.status, code, doing),
    `${response.url.host} answered ${String(response.status)} to ${doing}${said}${advice(response.status)}`,
  )
}

function codeOf(status: number, code: string, doing: string): OciCode {
  if (status === 401) return 'UNAUTHORIZED'
  if (status === 403) return 'DENIED'
  if (status === 413) return 'TOO_LARGE'
  if (status === 429) return 'TOO_MANY_REQUESTS'
  if (code === 'MANIFEST_BLOB_UNKNOWN') return 'BLOB_UNKNOWN'
  if (status === 404) {
    if (code === 'NAME_UNKNOWN') return 'NAME_UNKNOWN'
    return doing.includes('blob') ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN'
  }
  if (status === 405 || code === 'UNSUPPORTED') return 'UNSUPPORTED'
  return 'REGISTRY_ERROR'
}

function advice(status: number): string {
  if (status === 401) return '. Log in to this registry first'
  if (status === 403) return '. Ask its operator for the right to do that'
  if (status === 429) return '. Wait a little and try again'
  return ''
}

async function readErrorBody(response: Response): Promise<{ code: string; message: string }> {
  const none = { code: '', message: '' }
  try {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += chunk.length
      if (size > MAX_ERROR_BYTES) return none
      chunks.push(chunk)
    }
    const tree = parseJson(Buffer.concat(chunks), 'The answer')
    const errors = isObject(tree) ? tree['errors'] : undefined
    const first = Array.isArray(errors) ? errors[0] : undefined
    if (!isObject(first)) return none
    const { code, message } = first
    return {
      code: typeof code === 'string' ? printable(code, 40) : '',
      message: typeof message === 'string' ? printable(message, 200) : '',
    }
  } catch {
    // HTML, nothing, or a connection that broke: the status alone has to do.
    return none
  }
}
