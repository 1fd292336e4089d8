import { createHash, type Hash } from 'node:crypto'
import { OciError, printable } from './errors.js'

export type Algorithm = 'sha256' | 'sha512'

export interface Digest {
  readonly algorithm: Algorithm
  readonly hex: string
}

// image-spec descriptor.md "Registered Algorithms": lower case only, so that one content has one name.
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

export function isDigest(text: string): boolean {
  return DIGEST.test(text)
}

/** `sha256:<64 hex>` or `sha512:<128 hex>`; everything else is refused, so a digest is also a safe file name. */
export function parseDigest(text: string): Digest {
  if (!DIGEST.test(text)) {
    throw new OciError(
      'DIGEST_INVALID',
      `"${printable(text)}" is no digest: write sha256: and 64 hexadecimal digits in lower case (or sha512: and 128)`,
    )
  }
  return { algorithm: text.slice(0, 6) as Algorithm, hex: text.slice(7) }
}

export function digestOf(bytes: Uint8Array, algorithm: Algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

export function newHash(digest: string): Hash {
  return createHash(parseDigest(digest).algorithm)
}
