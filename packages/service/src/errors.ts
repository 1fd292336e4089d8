/** What the service itself can refuse or fail with. Closed: `status.ts` and the cli's exit table map every member. */
export type ServiceCode =
  | 'BAD_REQUEST'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'UPLOAD_TOO_LARGE'
  | 'UNSUPPORTED_ENCODING'
  | 'VERSION_CONFLICT'
  | 'UPLOAD_REJECTED'
  | 'ROOT_REFUSED'
  | 'ROOT_MISMATCH'
  | 'OFFLINE_KEY_PRESENT'
  | 'ONLINE_KEY_MISSING'
  | 'REPOSITORY_DAMAGED'
  | 'PUBLISH_CONTENDED'
  | 'INTERNAL'

/** The only error that this package throws of its own; rules and stores throw theirs. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ServiceCode
  /** For the wire: plain data that a program can act on. */
  readonly detail: unknown

  constructor(code: ServiceCode, message: string, options: { detail?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail ?? null
  }
}
