import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign as cryptoSign,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { publicKeyOf, type PublicKey, type Signer } from '@nv2/tuf'
import { KeysError } from './errors.js'
import { writePem } from './pem.js'
import { seal, type Passphrase, type SealOptions } from './secretbox.js'

export const KEY_TYPES = ['ed25519', 'ecdsa-p256', 'rsa'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** PEM type of what cosign writes since 2.0, and of its older files. */
export const SIGSTORE_PEM = 'ENCRYPTED SIGSTORE PRIVATE KEY'
export const COSIGN_PEM = 'ENCRYPTED COSIGN PRIVATE KEY'

/** A private key that signs and can be written encrypted; its numbers do not come out any other way. */
export class PrivateKey implements Signer {
  readonly key: PublicKey
  readonly publicPem: string
  readonly #object: KeyObject

  /** Takes a private KeyObject of a type that TUF metadata can name. Throws KeysError KEY_UNSUPPORTED for others. */
  constructor(object: KeyObject) {
    const pub = createPublicKey(object)
    this.#object = object
    this.publicPem = pub.export({ type: 'spki', format: 'pem' }).toString()
    this.key = asPublicKey(pub, 'this private key')
  }

  async sign(payload: Uint8Array): Promise<Uint8Array> {
    const type = this.#object.asymmetricKeyType
    if (type === 'ed25519') return cryptoSign(null, payload, this.#object)
    if (type === 'ec') return cryptoSign('sha256', payload, this.#object)
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return cryptoSign('sha256', payload, {
      key: this.#object,
      padding,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    })
  }

  /** The key file, as cosign writes it. */
  async encrypt(passphrase: Passphrase, options: SealOptions = {}): Promise<string> {
    const der = this.#object.export({ type: 'pkcs8', format: 'der' })
    const sealed = await seal(der, passphrase, options)
    der.fill(0)
    return writePem(SIGSTORE_PEM, sealed)
  }
}

/** The metadata form of a public KeyObject. Throws KeysError KEY_UNSUPPORTED when it cannot sign TUF metadata. */
export function asPublicKey(object: KeyObject, what: string): PublicKey {
  let key: PublicKey
  try {
    key = publicKeyOf(object)
  } catch (cause) {
    throw unsupported(
      what,
      object.asymmetricKeyDetails?.namedCurve ?? object.asymmetricKeyType ?? 'unknown',
      cause,
    )
  }
  if (key.fingerprint === null) throw unsupported(what, `${object.asymmetricKeyType} that is too short`)
  return key
}

function unsupported(what: string, kind: string, cause?: unknown): KeysError {
  return new KeysError(
    'KEY_UNSUPPORTED',
    `${what} is of type ${kind}; nv2 signs with ed25519, ecdsa on P-256, or rsa of at least 2048 bits`,
    cause,
  )
}

const pair = promisify(generateKeyPair)

/** Makes a new key. */
export async function generate(type: KeyType): Promise<PrivateKey> {
  switch (type) {
    case 'ed25519':
      return new PrivateKey((await pair('ed25519', {})).privateKey)
    case 'ecdsa-p256':
      return new PrivateKey((await pair('ec', { namedCurve: 'prime256v1' })).privateKey)
    case 'rsa':
      return new PrivateKey((await pair('rsa', { modulusLength: 3072 })).privateKey)
  }
}

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The ed25519 key of a 32-byte seed. For development and tests: such a key is as secret as its seed. */
export function fromSeed(seed: Uint8Array): PrivateKey {
  if (seed.length !== 32) throw new TypeError(`a seed has 32 bytes, not ${seed.length}`)
  return new PrivateKey(
    createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' }),
  )
}

/** 32 bytes out of a published text and a label: `nv2-development-key/1`, text and label hashed with their lengths. */
export function seedBytes(text: string, label: string): Uint8Array {
  const hash = createHash('sha256').update('nv2-development-key/1\0')
  for (const part of [text, label]) hash.update(`${Buffer.byteLength(part)}:${part}\0`)
  return hash.digest()
}
