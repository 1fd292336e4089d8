import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { PublicKey } from '@nv2/tuf'
import { KeysError } from './errors.js'
import { openGoTuf, readGoTuf } from './go-tuf.js'
import { readPem, type PemBlock } from './pem.js'
import { asPublicKey, COSIGN_PEM, PrivateKey, SIGSTORE_PEM } from './private-key.js'
import { broken, readBox, unseal, type Passphrase } from './secretbox.js'

export type KeyFile = PublicKeyFile | PrivateKeyFile

export interface PublicKeyFile {
  readonly kind: 'public'
  readonly key: PublicKey
  readonly pem: string
  readonly warnings: readonly string[]
}

export interface PrivateKeyFile {
  readonly kind: 'private'
  readonly format: 'sigstore' | 'cosign' | 'go-tuf' | 'pem'
  readonly encrypted: boolean
  /** For the caller to show: the file is not as it should be. */
  readonly warnings: readonly string[]
  /** The keys, at least one; only go-tuf's files hold more. The passphrase is not looked at when the file is not encrypted. */
  open(passphrase: Passphrase): Promise<readonly PrivateKey[]>
}

const LIMIT = 1 << 20

/**
 * Says what a key file is without opening it; damage and hostile parameters are found here. `what` names it in messages.
 * Throws KeysError KEY_FILE_BROKEN, KEY_FILE_REFUSED or KEY_UNSUPPORTED.
 */
export function readKeyFile(bytes: Uint8Array, what: string): KeyFile {
  if (bytes.length > LIMIT)
    throw new KeysError(
      'KEY_FILE_REFUSED',
      `${what} has ${bytes.length} bytes; a key file has less than ${LIMIT}`,
    )
  const text = Buffer.from(bytes).toString('latin1')
  const block = readPem(text, what)
  if (block) return fromPem(block, what)
  if (/^\s*\{/.test(text)) {
    const file = readGoTuf(bytes, what)
    if (file) {
      const { encrypted } = file
      const warnings = encrypted ? [] : [plainWarning(what)]
      return {
        kind: 'private',
        format: 'go-tuf',
        encrypted,
        warnings,
        open: (passphrase) => openGoTuf(file, passphrase, what),
      }
    }
  }
  throw broken(what, text.trim() === '' ? 'it is empty' : "it is neither PEM nor go-tuf's JSON")
}

function fromPem(block: PemBlock, what: string): KeyFile {
  switch (block.type) {
    case SIGSTORE_PEM:
    case COSIGN_PEM: {
      readBox(block.bytes, what)
      const format = block.type === SIGSTORE_PEM ? 'sigstore' : 'cosign'
      const open = async (passphrase: Passphrase): Promise<readonly PrivateKey[]> => [
        decode(Buffer.from(await unseal(block.bytes, passphrase, what)), 'pkcs8', what),
      ]
      return { kind: 'private', format, encrypted: true, warnings: [], open }
    }
    case 'PRIVATE KEY':
    case 'EC PRIVATE KEY':
    case 'RSA PRIVATE KEY': {
      const type = block.type === 'PRIVATE KEY' ? 'pkcs8' : block.type === 'EC PRIVATE KEY' ? 'sec1' : 'pkcs1'
      const key = decode(Buffer.from(block.bytes), type, what)
      return {
        kind: 'private',
        format: 'pem',
        encrypted: false,
        warnings: [plainWarning(what)],
        open: async () => [key],
      }
    }
    case 'PUBLIC KEY': {
      const object = parse(
        () => createPublicKey({ key: Buffer.from(block.bytes), format: 'der', type: 'spki' }),
        what,
      )
      const pem = object.export({ type: 'spki', format: 'pem' }).toString()
      return { kind: 'public', key: asPublicKey(object, what), pem, warnings: [] }
    }
    default:
      throw new KeysError(
        'KEY_UNSUPPORTED',
        `${what} is PEM of type ${block.type}; nv2 reads the key files of cosign and go-tuf, PKCS#8 and public keys (\`openssl pkey\` converts others)`,
      )
  }
}

function decode(der: Buffer, type: 'pkcs8' | 'sec1' | 'pkcs1', what: string): PrivateKey {
  const object = parse(() => createPrivateKey({ key: der, format: 'der', type }), what)
  der.fill(0)
  asPublicKey(createPublicKey(object), what)
  return new PrivateKey(object)
}

function parse(read: () => KeyObject, what: string): KeyObject {
  try {
    return read()
  } catch {
    // Without the cause: nothing about decrypted bytes leaves.
    throw broken(what, 'it does not hold a readable key')
  }
}

function plainWarning(what: string): string {
  return `${what} holds a private key that is not encrypted; \`nv2 key import\` keeps it encrypted, then remove that file`
}
