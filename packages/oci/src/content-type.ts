import { OciError, printable } from './errors.js'
import type { Response } from './transport.js'

/** Without parameters, which say nothing about a manifest. */
export function contentType(response: Response): string {
  return (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
}

/** distribution-spec: the Content-Type must be the type that was pushed; another one is a manifest read as another thing. */
export function requireType(response: Response, mediaType: string): void {
  const type = contentType(response)
  if (type === mediaType) return
  response.discard()
  throw new OciError(
    'MEDIA_TYPE_MISMATCH',
    `${response.url.host} sent "${printable(type)}" where ${mediaType} was asked for`,
  )
}
