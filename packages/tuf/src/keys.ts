import { constants, createHash, createPublicKey, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { canonical } from './canonical.js'
import { jsonObject, type JsonObject } from './json.js'

/** Signature schemes that count. A key of any other scheme parses and can never meet a threshold. */
export type Scheme = 'ed25519' | 'ecdsa-sha2-nistp256' | 'rsassa-pss-sha256'

/** A public key as metadata carries it (spec 4.3). */
export interface PublicKey {
  /** As the metadata names it: opaque (TAP 12), never a proof of which key it is. */
  readonly keyid: string
  readonly keytype: string
  readonly scheme: string
  /** Sha256, hex, of the key's own numbers (RFC 7638), whatever its id or encoding; null when the key is unusable. */
  readonly fingerprint: string | null
  /** As received: what is written when the key is put into another file. */
  readonly tree: JsonObject
}

/** Signs; the private half stays behind it. */
export interface Signer {
  readonly key: PublicKey
  sign(payload: Uint8Array): Promise<Uint8Array>
}

const usable = new WeakMap<PublicKey, KeyObject>()

/** Reads a key of metadata. Never throws for an unusable key: that one only counts for nothing. */
export function publicKey(
  keyid: string,
  keytype: string,
  scheme: string,
  value: string,
  tree: JsonObject,
): PublicKey {
  const object = keyObject(keytype, scheme, value)
  const key: PublicKey = { keyid, keytype, scheme, fingerprint: object && thumbprint(object), tree }
  if (object) usable.set(key, object)
  return key
}

/** Puts a public KeyObject into the form of metadata, with the key id of spec 4.3. Throws TypeError on another kind of key. */
export function publicKeyOf(object: KeyObject): PublicKey {
  const kind = object.asymmetricKeyType
  const pem = (): string => object.export({ type: 'spki', format: 'pem' }).toString()
  if (kind === 'ed25519') {
    const der = object.export({ type: 'spki', format: 'der' })
    return withKeyId('ed25519', 'ed25519', der.subarray(-32).toString('hex'))
  }
  if (kind === 'ec' && object.asymmetricKeyDetails?.namedCurve === 'prime256v1')
    return withKeyId('ecdsa', 'ecdsa-sha2-nistp256', pem())
  if (kind === 'rsa') return withKeyId('rsa', 'rsassa-pss-sha256', pem())
  throw new TypeError(`a key of type ${kind ?? 'unknown'} cannot sign TUF metadata here`)
}

function withKeyId(keytype: string, scheme: string, value: string): PublicKey {
  const tree = jsonObject([
    ['keytype', keytype],
    ['scheme', scheme],
    ['keyval', jsonObject([['public', value]])],
  ])
  return publicKey(createHash('sha256').update(canonical(tree)).digest('hex'), keytype, scheme, value, tree)
}

/** True when `sig` (hex) is this key's signature over the payload. The algorithm comes from the key, never from the signature. */
export function verifySignature(key: PublicKey, payload: Uint8Array, sig: string): boolean {
  const object = usable.get(key)
  if (!object || sig === '' || sig.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(sig)) return false
  const bytes = Buffer.from(sig, 'hex')
  try {
    switch (key.scheme as Scheme) {
      case 'ed25519':
        return cryptoVerify(null, payload, object, bytes)
      case 'ecdsa-sha2-nistp256':
        return cryptoVerify('sha256', payload, object, bytes)
      case 'rsassa-pss-sha256':
        return cryptoVerify(
          'sha256',
          payload,
          {
            key: object,
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_AUTO,
          },
          bytes,
        )
    }
  } catch {
    return false
  }
}

/** The KeyObject of a usable key, or null. */
export function keyObjectOf(key: PublicKey): KeyObject | null {
  return usable.get(key) ?? null
}

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')

function keyObject(keytype: string, scheme: string, value: string): KeyObject | null {
  try {
    if (keytype === 'ed25519' && scheme === 'ed25519') {
      if (!/^[0-9a-f]{64}$/i.test(value)) return null
      return createPublicKey({
        key: Buffer.concat([ED25519_SPKI, Buffer.from(value, 'hex')]),
        format: 'der',
        type: 'spki',
      })
    }
    const object = value.includes('BEGIN PUBLIC KEY') ? createPublicKey(value) : null
    if (!object) return null
    const details = object.asymmetricKeyDetails
    if ((keytype === 'ecdsa' || keytype === scheme) && scheme === 'ecdsa-sha2-nistp256')
      return object.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1' ? object : null
    if (keytype === 'rsa' && scheme === 'rsassa-pss-sha256')
      return object.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048 ? object : null
    return null
  } catch {
    return null
  }
}

/** RFC 7638: from the numbers of the key, so that two encodings (compressed point, other id) are one key. */
function thumbprint(object: KeyObject): string {
  const { kty, crv, x, y, n, e } = object.export({ format: 'jwk' })
  const members = Object.entries({ crv, e, kty, n, x, y }).filter(([, v]) => v !== undefined)
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('hex')
}
