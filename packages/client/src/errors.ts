/** Everything that this package refuses on its own account. Closed: the exit table in cli maps every member, or does not compile. */
export type ClientCode =
  | 'USAGE'
  | 'NO_ROOT'
  | 'REGISTRY_UNKNOWN'
  | 'REGISTRY_EXISTS'
  | 'REGISTRY_AMBIGUOUS'
  | 'NAME_NOT_FOUND'
  | 'NAME_AMBIGUOUS'
  | 'UNREACHABLE'
  | 'SERVICE_REFUSED'
  | 'CONFLICT'
  | 'HOME_BROKEN'
  | 'HOME_BUSY'
  | 'CLOCK_WENT_BACK'
  | 'TRUST_MISMATCH'
  | 'KEY_NOT_DELEGATED'
  | 'EDGE_AMBIGUOUS'
  | 'OUTPUT_REFUSED'
  | 'ORIGIN_CHANGED_KEYS'
  | 'REPO_UNKNOWN'
  | 'REPO_AMBIGUOUS'
  | 'REPO_EXISTS'
  | 'ROLE_UNKNOWN'
  | 'KEY_SHARED'
  | 'THRESHOLD_IMPOSSIBLE'
  | 'SIGNATURES_MISSING'
  | 'NOTHING_TO_DO'
  | 'ARTIFACT_INVALID'

export interface ClientErrorDetail {
  readonly cause?: unknown
  /** For --json: what a program can use, e.g. the candidates of an ambiguous name or the head of a conflict. */
  readonly detail?: unknown
}

/** The only error that this package throws on purpose, beside the TufError of the rules and the OciError of the content. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientCode
  readonly detail: unknown

  constructor(code: ClientCode, message: string, options: ClientErrorDetail = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail
  }
}
