import { KeyStore, type StoredKey } from '@nv2/keys'
import type { Context } from '../context.js'

export function keysOf(context: Context): KeyStore {
  return new KeyStore(context.home.keys, (message) => {
    context.out.warn(message)
  })
}

/** A key as --json shows it. */
export function keyJson({ name, key, isPrivate }: StoredKey): Record<string, unknown> {
  return {
    name,
    type: key.keytype,
    scheme: key.scheme,
    keyid: key.keyid,
    fingerprint: key.fingerprint,
    private: isPrivate,
  }
}

/** A key as people read it. */
export function keyText({ name, key, isPrivate }: StoredKey): string {
  return [
    `${name}  ${key.keytype}  ${isPrivate ? 'private, encrypted' : 'public half only'}`,
    `  key id       ${key.keyid}`,
    `  fingerprint  ${key.fingerprint ?? 'none'}`,
  ].join('\n')
}
