import {
  isObject,
  jsonObject,
  publicKey,
  type Json,
  type JsonObject,
  type PublicKey,
  type RoleKeys,
} from '@nv2/tuf'
import type { Document } from './document.js'

/** Keys and threshold of an edge as nv2 writes them down: each key as received, under the key id it had (TAP 12). */
export function keysToJson(keys: RoleKeys): [string, Json][] {
  return [
    ['threshold', keys.threshold],
    [
      'keys',
      keys.keyids.map((keyid) => {
        const key = keys.keys.get(keyid)
        return jsonObject([
          ['keyid', keyid],
          ['key', key?.tree],
        ])
      }),
    ],
  ]
}

export function keysFromJson(document: Document): RoleKeys {
  const threshold = document.count('threshold', 1)
  const keyids: string[] = []
  const keys = new Map<string, PublicKey>()
  for (const item of document.documents('keys')) {
    const keyid = item.text('keyid')
    keyids.push(keyid)
    if (item.optional('key') !== undefined) {
      const tree = item.object('key')
      keys.set(keyid, publicKey(keyid, text(tree, 'keytype'), text(tree, 'scheme'), value(tree), tree))
    }
    item.end()
  }
  return { threshold, keyids, keys }
}

function text(tree: JsonObject, name: string): string {
  const found = tree.get(name)
  return typeof found === 'string' ? found : ''
}

function value(tree: JsonObject): string {
  const found = tree.get('keyval')
  return isObject(found) ? text(found, 'public') : ''
}
