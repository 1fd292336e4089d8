import type { ClientCode } from '@nv2/client'
import type { KeysCode } from '@nv2/keys'
import type { OciCode } from '@nv2/oci'
import type { ServiceCode } from '@nv2/service'
import type { StoreCode } from '@nv2/store'
import type { TufCode } from '@nv2/tuf'
import type { CliCode } from './errors.js'

/** What a script may rely on; docs/exit-codes.md says the same in words. */
export const EXIT = {
  ok: 0,
  usage: 1,
  refused: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  storage: 6,
  bug: 70,
  interrupted: 130,
} as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** All codes of all packages. */
export type Code = CliCode | TufCode | KeysCode | OciCode | StoreCode | ServiceCode | ClientCode

const { usage, refused, notFound, conflict, unreachable, storage, bug, interrupted } = EXIT

/** A code that is missing here does not compile. */
const TABLE: Readonly<Record<Code, Exit>> = {
  // cli
  USAGE: usage,
  INTERRUPTED: interrupted,
  SYSTEM: storage,
  INTERNAL: bug,
  // tuf
  METADATA_TOO_LARGE: refused,
  METADATA_NOT_JSON: refused,
  METADATA_DUPLICATE_MEMBER: refused,
  METADATA_WRONG_TYPE: refused,
  METADATA_INVALID: refused,
  BAD_PATTERN: usage,
  BAD_TARGET_NAME: refused,
  BAD_ROLE_NAME: usage,
  SIGNATURE_THRESHOLD: refused,
  VERSION_MISMATCH: refused,
  ROLLBACK: refused,
  EQUIVOCATION: refused,
  EXPIRED: refused,
  HASH_MISMATCH: refused,
  LENGTH_MISMATCH: refused,
  ROLE_UNAVAILABLE: refused,
  ROLE_NOT_DELEGATED: refused,
  PATH_NOT_DELEGATED: refused,
  TARGET_NOT_FOUND: notFound,
  NO_CONSENSUS: refused,
  SEARCH_BUDGET: refused,
  BREAKS_DELEGATION: refused,
  ROOT_UNUSABLE: refused,
  // keys
  WRONG_PASSPHRASE: usage,
  PASSPHRASE_NEEDED: usage,
  KEY_FILE_BROKEN: storage,
  KEY_FILE_REFUSED: refused,
  KEY_UNSUPPORTED: usage,
  KEY_NAME_BAD: usage,
  KEY_NOT_FOUND: notFound,
  KEY_EXISTS: conflict,
  KEY_NOT_PRIVATE: notFound,
  KEY_STORE_FAILED: storage,
  // oci
  REFERENCE_INVALID: usage,
  DIGEST_INVALID: refused,
  DIGEST_MISMATCH: refused,
  SIZE_MISMATCH: refused,
  MEDIA_TYPE_MISMATCH: refused,
  MANIFEST_INVALID: refused,
  MANIFEST_UNKNOWN: notFound,
  BLOB_UNKNOWN: notFound,
  NAME_UNKNOWN: notFound,
  TOO_LARGE: refused,
  LAYOUT_INVALID: storage,
  LAYOUT_BUSY: conflict,
  STORAGE_FAILED: storage,
  INSECURE_TRANSPORT: refused,
  UNREACHABLE: unreachable,
  UNAUTHORIZED: refused,
  DENIED: refused,
  TOO_MANY_REQUESTS: unreachable,
  UNSUPPORTED: refused,
  REGISTRY_ERROR: unreachable,
  // store
  BAD_STORE_NAME: usage,
  STORAGE_FULL: storage,
  STORAGE_READ_ONLY: storage,
  STORAGE_BROKEN: storage,
  NETWORK_FILE_SYSTEM: storage,
  UNKNOWN_OUTCOME: storage,
  // service
  BAD_REQUEST: usage,
  NOT_FOUND: notFound,
  METHOD_NOT_ALLOWED: usage,
  UPLOAD_TOO_LARGE: refused,
  UNSUPPORTED_ENCODING: usage,
  VERSION_CONFLICT: conflict,
  UPLOAD_REJECTED: refused,
  ROOT_REFUSED: refused,
  ROOT_MISMATCH: refused,
  OFFLINE_KEY_PRESENT: refused,
  ONLINE_KEY_MISSING: notFound,
  REPOSITORY_DAMAGED: storage,
  PUBLISH_CONTENDED: conflict,
  // client
  NO_ROOT: usage,
  REGISTRY_UNKNOWN: notFound,
  REGISTRY_EXISTS: conflict,
  REGISTRY_AMBIGUOUS: usage,
  NAME_NOT_FOUND: notFound,
  NAME_AMBIGUOUS: usage,
  SERVICE_REFUSED: refused,
  CONFLICT: conflict,
  HOME_BROKEN: storage,
  HOME_BUSY: conflict,
  CLOCK_WENT_BACK: refused,
  TRUST_MISMATCH: refused,
  KEY_NOT_DELEGATED: refused,
  EDGE_AMBIGUOUS: usage,
  OUTPUT_REFUSED: storage,
  ORIGIN_CHANGED_KEYS: refused,
  REPO_UNKNOWN: notFound,
  REPO_AMBIGUOUS: usage,
  REPO_EXISTS: conflict,
  ROLE_UNKNOWN: notFound,
  KEY_SHARED: usage,
  THRESHOLD_IMPOSSIBLE: usage,
  SIGNATURES_MISSING: refused,
  NOTHING_TO_DO: usage,
  ARTIFACT_INVALID: usage,
}

/** The exit status of a code; undefined for a word that is none of ours. */
export function exitOf(code: string): Exit | undefined {
  return Object.hasOwn(TABLE, code) ? TABLE[code as Code] : undefined
}
