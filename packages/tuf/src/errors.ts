/** Everything that the rules can refuse. Closed: the tables in service and cli map every member, or do not compile. */
export type TufCode =
  | 'METADATA_TOO_LARGE'
  | 'METADATA_NOT_JSON'
  | 'METADATA_DUPLICATE_MEMBER'
  | 'METADATA_WRONG_TYPE'
  | 'METADATA_INVALID'
  | 'BAD_PATTERN'
  | 'BAD_TARGET_NAME'
  | 'BAD_ROLE_NAME'
  | 'SIGNATURE_THRESHOLD'
  | 'VERSION_MISMATCH'
  | 'ROLLBACK'
  | 'EQUIVOCATION'
  | 'EXPIRED'
  | 'HASH_MISMATCH'
  | 'LENGTH_MISMATCH'
  | 'ROLE_UNAVAILABLE'
  | 'ROLE_NOT_DELEGATED'
  | 'PATH_NOT_DELEGATED'
  | 'TARGET_NOT_FOUND'
  | 'NO_CONSENSUS'
  | 'SEARCH_BUDGET'
  | 'BREAKS_DELEGATION'
  | 'ROOT_UNUSABLE'

export interface TufErrorDetail {
  /** The role whose metadata was refused. */
  readonly role?: string
  /** Names of roles or key ids whose word is missing. */
  readonly missing?: readonly string[]
  readonly cause?: unknown
}

/** The only error that this package throws for what comes from outside. */
export class TufError extends Error {
  override readonly name = 'TufError'
  readonly code: TufCode
  readonly role: string | undefined
  readonly missing: readonly string[]

  constructor(code: TufCode, message: string, detail: TufErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.role = detail.role
    this.missing = detail.missing ?? []
  }
}
