import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { publicKeyOf, roleKeys, type PublicKey, type RoleKeys, type Signer } from '@nv2/tuf'

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The ed25519 private key whose seed is sha256 of a word: the same word is the same key everywhere. Not secret. */
export function testPrivateKey(word: string): KeyObject {
  const seed = createHash('sha256').update(`nv2 test key: ${word}`).digest()
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' })
}

/** A Signer over `testPrivateKey(word)`; ed25519 signatures are deterministic, so files come out byte for byte alike. */
export function testSigner(word: string): Signer {
  const secret = testPrivateKey(word)
  return {
    key: publicKeyOf(createPublicKey(secret)),
    sign: (payload) => Promise.resolve(new Uint8Array(sign(null, payload, secret))),
  }
}

/** What an edge says of these keys: this many of them must sign. */
export function held(threshold: number, ...by: (PublicKey | Signer)[]): RoleKeys {
  return roleKeys(
    by.map((one) => ('sign' in one ? one.key : one)),
    threshold,
  )
}
