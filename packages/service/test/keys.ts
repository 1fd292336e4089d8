import { createHash, createPrivateKey, createPublicKey, sign as cryptoSign } from 'node:crypto'
import { publicKeyOf, type Signer } from '@nv2/tuf'

export const NOW = new Date('2030-01-01T00:00:00Z')
export const DAY = 86_400_000
export const later = (days: number): Date => new Date(NOW.getTime() + days * DAY)

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The ed25519 key made from a word. Not secret. */
export function key(word: string): Signer {
  const seed = createHash('sha256').update(`service test: ${word}`).digest()
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return {
    key: publicKeyOf(createPublicKey(secret)),
    sign: (payload) => Promise.resolve(cryptoSign(null, payload, secret)),
  }
}
