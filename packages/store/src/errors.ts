/** Everything that a store can refuse or fail with. Closed: the tables in service and cli map every member. */
export type StoreCode =
  | 'BAD_STORE_NAME'
  | 'STORAGE_FULL'
  | 'STORAGE_READ_ONLY'
  | 'STORAGE_BROKEN'
  | 'NETWORK_FILE_SYSTEM'
  | 'UNKNOWN_OUTCOME'

/** The only error of this package. After UNKNOWN_OUTCOME the caller re-reads: own bytes mean done (protocol S1). */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreCode

  constructor(code: StoreCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
