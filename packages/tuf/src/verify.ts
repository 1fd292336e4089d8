import { TufError } from './errors.js'
import { verifySignature, type PublicKey } from './keys.js'
import type { RoleKeys, RoleName, Signature } from './types.js'

/** Who signed, who has not. */
export interface Verdict {
  readonly ok: boolean
  readonly threshold: number
  /** Distinct keys, by their own numbers. */
  readonly signed: readonly PublicKey[]
  /** Key ids of the role without a counted signature. */
  readonly missing: readonly string[]
}

export interface SignedBytes {
  readonly payload: Uint8Array
  readonly signatures: readonly Signature[]
}

/**
 * The one threshold counter (spec 5.3.4 and everywhere else). It counts distinct public keys among the role's keys: not
 * signatures (CVE-2020-15093), not key ids, which are only labels (CVE-2020-6174 and its cousins).
 */
export function countSignatures(keys: RoleKeys, file: SignedBytes): Verdict {
  const sigs = new Map(file.signatures.map(({ keyid, sig }) => [keyid, sig]))
  const signed = new Map<string, PublicKey>()
  const missing: string[] = []
  for (const keyid of keys.keyids) {
    const key = keys.keys.get(keyid)
    const sig = sigs.get(keyid)
    if (key?.fingerprint == null || sig === undefined || !verifySignature(key, file.payload, sig))
      missing.push(keyid)
    else if (!signed.has(key.fingerprint)) signed.set(key.fingerprint, key)
  }
  return {
    ok: signed.size >= keys.threshold,
    threshold: keys.threshold,
    signed: [...signed.values()],
    missing,
  }
}

/** Throws TufError SIGNATURE_THRESHOLD with the count and the key ids that are missing. */
export function requireThreshold(keys: RoleKeys, file: SignedBytes, role: RoleName, by = ''): Verdict {
  const verdict = countSignatures(keys, file)
  if (verdict.ok) return verdict
  const missing = verdict.missing.map((keyid) => keyid.slice(0, 12)).join(', ')
  throw new TufError(
    'SIGNATURE_THRESHOLD',
    `${role} has ${verdict.signed.length} of ${verdict.threshold} signatures that its ${by || 'delegator'} demands` +
      (missing ? `; no valid signature by ${missing}` : '; the role has too few keys'),
    { role, missing: verdict.missing },
  )
}
