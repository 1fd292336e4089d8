import { randomBytes, scrypt } from 'node:crypto'
import { parseJson, type Json } from '@nv2/tuf'
import nacl from 'tweetnacl'
import { KeysError } from './errors.js'

/** What opens a key file: the UTF-8 bytes of a string, or the bytes themselves. Never normalised, as in cosign. */
export type Passphrase = string | Uint8Array

/** scrypt costs that go-securesystemslib `encrypted` writes and accepts, as 2^n: legacy, standard, OWASP. */
export type Cost = 15 | 16 | 17

export interface SealOptions {
  readonly cost?: Cost
  /** Only for development keys, whose files must come out the same each time. */
  readonly salt?: Uint8Array
  readonly nonce?: Uint8Array
}

const SALT = 32
const BLOCK = 8

/** Encrypts as go-securesystemslib `encrypted` does: scrypt, then NaCl secretbox, as one JSON object. */
export async function seal(
  plain: Uint8Array,
  passphrase: Passphrase,
  options: SealOptions = {},
): Promise<Uint8Array> {
  const { cost = 16, salt = randomBytes(SALT), nonce = randomBytes(nacl.secretbox.nonceLength) } = options
  const key = await derive(passphrase, salt, 2 ** cost)
  const ciphertext = nacl.secretbox(plain, nonce, key)
  key.fill(0)
  // The order of members is Go's, so that a file of ours cannot be told from one of theirs.
  return Buffer.from(
    JSON.stringify({
      kdf: { name: 'scrypt', params: { N: 2 ** cost, r: BLOCK, p: 1 }, salt: base64(salt) },
      cipher: { name: 'nacl/secretbox', nonce: base64(nonce) },
      ciphertext: base64(ciphertext),
    }),
  )
}

/** Opens what `seal` or Go wrote. `what` names the file in messages. */
export async function unseal(sealed: Uint8Array, passphrase: Passphrase, what: string): Promise<Uint8Array> {
  const box = readBox(sealed, what)
  const key = await derive(passphrase, box.salt, box.n)
  const plain = nacl.secretbox.open(box.ciphertext, box.nonce, key)
  key.fill(0)
  if (plain) return plain
  throw new KeysError(
    'WRONG_PASSPHRASE',
    `the passphrase does not open ${what} (or the file was altered); give the passphrase it was made with`,
  )
}

interface Box {
  readonly n: number
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

/** Reads and bounds the box; the costly part of opening starts only after it. */
export function readBox(sealed: Uint8Array, what: string): Box {
  let json: Json
  try {
    json = parseJson(sealed, what, { bytes: 1 << 20, depth: 8 })
  } catch (cause) {
    throw broken(what, 'its encrypted part is not readable', cause)
  }
  const kdf = member(json, 'kdf')
  const cipher = member(json, 'cipher')
  const params = member(kdf, 'params')
  if (member(kdf, 'name') !== 'scrypt' || member(cipher, 'name') !== 'nacl/secretbox')
    throw new KeysError(
      'KEY_FILE_REFUSED',
      `${what} is not encrypted with scrypt and nacl/secretbox; only these are read`,
    )
  const n = member(params, 'N')
  // The same closed list as go-securesystemslib: a file that asks for gigabytes of memory is an attack on whoever opens it.
  if (
    (n !== 2 ** 15 && n !== 2 ** 16 && n !== 2 ** 17) ||
    member(params, 'r') !== BLOCK ||
    member(params, 'p') !== 1
  )
    throw new KeysError(
      'KEY_FILE_REFUSED',
      `${what} asks for scrypt parameters outside the three that cosign and go-tuf accept (N 2^15 to 2^17, r 8, p 1); it was not opened`,
    )
  const salt = bytes(member(kdf, 'salt'))
  const nonce = bytes(member(cipher, 'nonce'))
  const ciphertext = bytes(member(json, 'ciphertext'))
  if (salt?.length !== SALT || nonce?.length !== nacl.secretbox.nonceLength || !ciphertext)
    throw broken(what, 'its salt, nonce or ciphertext is damaged')
  return { n, salt, nonce, ciphertext }
}

/** The error for a file that is cut or changed; says which, and what can be done. */
export function broken(what: string, why: string, cause?: unknown): KeysError {
  return new KeysError(
    'KEY_FILE_BROKEN',
    `${what} is damaged: ${why}; restore it from your backup, or make a new key`,
    cause,
  )
}

function member(json: Json | undefined, name: string): Json | undefined {
  return json instanceof Map ? (json.get(name) as Json | undefined) : undefined
}

/** Standard base64 with padding, as Go reads it; null for anything else. */
export function bytes(value: Json | undefined): Uint8Array | null {
  if (
    typeof value !== 'string' ||
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
  )
    return null
  return Buffer.from(value, 'base64')
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64')
}

function derive(passphrase: Passphrase, salt: Uint8Array, n: number): Promise<Buffer> {
  const password = typeof passphrase === 'string' ? Buffer.from(passphrase, 'utf8') : passphrase
  // Node's own bound is 32 MiB; N=2^17 with r=8 needs 128 MiB and a little.
  const maxmem = 128 * BLOCK * n + (1 << 20)
  return new Promise((resolve, reject) => {
    scrypt(password, salt, nacl.secretbox.keyLength, { N: n, r: BLOCK, p: 1, maxmem }, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}
