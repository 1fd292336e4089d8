/** Everything that this package can refuse. Closed: the exit-code table of the cli maps every member, or does not compile. */
export type OciCode =
  | 'REFERENCE_INVALID'
  | 'DIGEST_INVALID'
  | 'DIGEST_MISMATCH'
  | 'SIZE_MISMATCH'
  | 'MEDIA_TYPE_MISMATCH'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'BLOB_UNKNOWN'
  | 'NAME_UNKNOWN'
  | 'TOO_LARGE'
  | 'LAYOUT_INVALID'
  | 'LAYOUT_BUSY'
  | 'STORAGE_FAILED'
  | 'INSECURE_TRANSPORT'
  | 'UNREACHABLE'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'TOO_MANY_REQUESTS'
  | 'UNSUPPORTED'
  | 'REGISTRY_ERROR'

/** The only error that this package throws for what comes from outside; an abort throws the signal's own reason. */
export class OciError extends Error {
  override readonly name = 'OciError'
  readonly code: OciCode

  constructor(code: OciCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Text off the wire, fit for one line of a terminal: no control characters, bounded. */
export function printable(text: string, limit = 120): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?')
  return clean.length > limit ? clean.slice(0, limit) + '...' : clean
}
