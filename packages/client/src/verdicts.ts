import { countSignatures, TufError, type RoleKeys, type SignedBytes, type TufCode } from '@nv2/tuf'

/** Signed with keys that the root we read does not name: perhaps a root that came a moment later does (protocol P11). */
export function isSignature(error: unknown): boolean {
  return (
    error instanceof TufError &&
    error.code === 'SIGNATURE_THRESHOLD' &&
    ['timestamp', 'snapshot', 'targets'].includes(error.role ?? '')
  )
}

const MISMATCH: readonly TufCode[] = [
  'ROLE_UNAVAILABLE',
  'HASH_MISMATCH',
  'LENGTH_MISMATCH',
  'VERSION_MISMATCH',
  'METADATA_TOO_LARGE',
]

/** A versioned file that is missing or is not what its parent says: perhaps a publication went by (protocol P11). */
export function isMismatch(error: unknown): boolean {
  return (
    error instanceof TufError &&
    MISMATCH.includes(error.code) &&
    error.role !== 'root' &&
    error.role !== 'timestamp'
  )
}

/** Fingerprints of the public keys whose signatures count. */
export function countedKeys(keys: RoleKeys, file: SignedBytes): string[] {
  return countSignatures(keys, file).signed.flatMap((key) => key.fingerprint ?? [])
}
