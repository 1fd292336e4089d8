import type { Json, JsonObject } from './json.js'

const encoder = new TextEncoder()

/** Order of Unicode code points, which is the order of UTF-8 bytes; `<` on strings orders UTF-16 units instead. */
export function byCodePoint(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const xs = x >= 0xd800 && x <= 0xdfff
    const ys = y >= 0xd800 && y <= 0xdfff
    if (xs !== ys) return xs ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

/** The OLPC canonical form that TUF signs (spec 4.2): members by code point, no space, only `"` and `\` escaped. */
export function canonical(value: Json): Uint8Array {
  return encoder.encode(write(value, quoteCanonical))
}

/** The same order and spacing, but with control characters escaped, so that the bytes are JSON again: what files hold. */
export function encodeJson(value: Json): Uint8Array {
  return encoder.encode(write(value, JSON.stringify))
}

function quoteCanonical(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function write(value: Json, quote: (text: string) => string): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (isArray(value)) return `[${value.map((item) => write(item, quote)).join(',')}]`
  const names = [...value.keys()].sort(byCodePoint)
  return `{${names.map((name) => `${quote(name)}:${write(value.get(name) ?? null, quote)}`).join(',')}}`
}

export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map
}
