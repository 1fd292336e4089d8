import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as cryptoSign,
  type KeyObject,
} from 'node:crypto'
import { publicKeyOf, type Signer } from '../src/index.js'

/** A signer for tests. Ed25519 from a seed, so that a test's files are the same in every run. */
export function signer(seed: string): Signer {
  const pkcs8 = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.alloc(32, seed.padEnd(32, '.')),
  ])
  return signerOf(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }), null)
}

export function ecdsaSigner(): Signer {
  return signerOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey, 'sha256')
}

export function signerOf(privateKey: KeyObject, algorithm: string | null): Signer {
  return {
    key: publicKeyOf(createPublicKey(privateKey)),
    sign: (payload) => Promise.resolve(cryptoSign(algorithm, payload, privateKey)),
  }
}
