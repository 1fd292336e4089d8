import { createPrivateKey, type KeyObject } from 'node:crypto'
import { encodeJson, parseJson, type Json, type JsonObject } from '@nv2/tuf'
import { KeysError } from './errors.js'
import { fromSeed, PrivateKey } from './private-key.js'
import { broken, readBox, unseal, type Passphrase } from './secretbox.js'

/** What go-tuf keeps per role: `{"encrypted": bool, "data": box or list of keys}`. */
export interface GoTufFile {
  readonly encrypted: boolean
  readonly data: Json
}

/** Null when the bytes are not JSON of this form. */
export function readGoTuf(bytes: Uint8Array, what: string): GoTufFile | null {
  let json: Json
  try {
    json = parseJson(bytes, what, { bytes: 1 << 20, depth: 10 })
  } catch (cause) {
    throw broken(what, 'it is cut short or not JSON', cause)
  }
  const encrypted = field(json, 'encrypted')
  const data = field(json, 'data')
  if (typeof encrypted !== 'boolean' || data === undefined) return null
  if (encrypted) readBox(encodeJson(data), what)
  return { encrypted, data }
}

/** The keys of the file: go-tuf may keep several of a role in one. */
export async function openGoTuf(
  file: GoTufFile,
  passphrase: Passphrase,
  what: string,
): Promise<PrivateKey[]> {
  let list = file.data
  if (file.encrypted) {
    const plain = await unseal(encodeJson(file.data), passphrase, what)
    try {
      list = parseJson(plain, what)
    } catch {
      // Without the cause: it would quote the decrypted text.
      throw broken(what, 'what it holds is not a list of keys')
    }
  }
  if (!Array.isArray(list) || list.length === 0) throw broken(what, 'it holds no key')
  return (list as readonly Json[]).map((entry) => privateKey(entry, what))
}

function privateKey(entry: Json, what: string): PrivateKey {
  const type = field(entry, 'keytype')
  const value = field(entry, 'keyval')
  const secret = field(value, 'private')
  if (typeof type !== 'string' || typeof secret !== 'string')
    throw broken(what, 'a key in it lacks its type or value')
  switch (type) {
    case 'ed25519': {
      // Go's private key is seed and public key; the halves must belong together (go-tuf checks the same).
      if (!/^[0-9a-fA-F]{128}$/.test(secret)) throw broken(what, 'its ed25519 key does not have 64 bytes')
      const key = fromSeed(Buffer.from(secret.slice(0, 64), 'hex'))
      const pub = field(value, 'public')
      const own = field(field(key.key.tree, 'keyval'), 'public')
      if (secret.slice(64).toLowerCase() !== own || (typeof pub === 'string' && pub.toLowerCase() !== own))
        throw broken(what, 'its public and private halves do not match')
      return key
    }
    case 'ecdsa':
    case 'ecdsa-sha2-nistp256':
    case 'rsa':
      return new PrivateKey(pemKey(secret, what))
    default:
      throw new KeysError(
        'KEY_UNSUPPORTED',
        `${what} holds a key of type ${JSON.stringify(type)}; nv2 reads ed25519, ecdsa and rsa`,
      )
  }
}

function pemKey(pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw broken(what, 'a key in it is not a PEM private key')
  }
}

function field(json: Json | undefined, name: string): Json | undefined {
  return json instanceof Map ? (json as JsonObject).get(name) : undefined
}
