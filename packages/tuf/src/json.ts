import { TufError } from './errors.js'

/** JSON as received. Objects are Maps, so that a member called `__proto__` or `constructor` is only a name. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = ReadonlyMap<string, Json>

/** Bounds that hold before anything is believed; all inclusive. */
export interface JsonLimits {
  readonly bytes: number
  readonly depth: number
}
export const JSON_LIMITS: JsonLimits = { bytes: 64 * 1024 * 1024, depth: 32 }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** Builds an object; members that are `undefined` are left out. */
export function jsonObject(members: Iterable<readonly [string, Json | undefined]>): JsonObject {
  const object = new Map<string, Json>()
  for (const [name, value] of members) if (value !== undefined) object.set(name, value)
  return object
}

/**
 * Reads strict JSON: UTF-8 without BOM, no member twice, only integers up to 2^53-1, no lone surrogate, names in NFC.
 * Each of these is a place where two parsers would read two documents out of one set of signed bytes.
 * Linear in the input. Throws TufError METADATA_TOO_LARGE, METADATA_NOT_JSON, METADATA_DUPLICATE_MEMBER or
 * METADATA_INVALID and nothing else.
 */
export function parseJson(bytes: Uint8Array, what: string, limits: JsonLimits = JSON_LIMITS): Json {
  if (bytes.length > limits.bytes)
    throw new TufError(
      'METADATA_TOO_LARGE',
      `${what} has ${bytes.length} bytes; the limit is ${limits.bytes}`,
    )
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (cause) {
    throw new TufError('METADATA_NOT_JSON', `${what} is not UTF-8 text`, { cause })
  }
  return new Reader(text, what, limits.depth).document()
}

class Reader {
  private at = 0
  private readonly text: string
  private readonly what: string
  private readonly maxDepth: number

  constructor(text: string, what: string, maxDepth: number) {
    this.text = text
    this.what = what
    this.maxDepth = maxDepth
  }

  document(): Json {
    const value = this.value(0)
    this.space()
    if (this.at < this.text.length) throw this.broken('there is text after the document')
    return value
  }

  private value(depth: number): Json {
    this.space()
    const c = this.text[this.at]
    switch (c) {
      case '{':
        return this.object(this.deeper(depth))
      case '[':
        return this.array(this.deeper(depth))
      case '"':
        return this.string()
      case 't':
        return this.word('true', true)
      case 'f':
        return this.word('false', false)
      case 'n':
        return this.word('null', null)
      case undefined:
        throw this.broken('it ends too early')
      default:
        return this.number()
    }
  }

  private deeper(depth: number): number {
    if (depth >= this.maxDepth)
      throw new TufError('METADATA_INVALID', `${this.what} is nested deeper than ${this.maxDepth} levels`)
    return depth + 1
  }

  private object(depth: number): JsonObject {
    const members = new Map<string, Json>()
    this.at++
    this.space()
    if (this.text[this.at] === '}') {
      this.at++
      return members
    }
    for (;;) {
      this.space()
      if (this.text[this.at] !== '"') throw this.broken('a member name is missing')
      const name = this.string()
      if (members.has(name))
        throw new TufError(
          'METADATA_DUPLICATE_MEMBER',
          `${this.what} has the member ${JSON.stringify(name)} twice in one object`,
        )
      if (name.normalize('NFC') !== name)
        throw new TufError(
          'METADATA_INVALID',
          `${this.what}: the name ${JSON.stringify(name)} is not in Unicode NFC`,
        )
      this.space()
      if (this.text[this.at] !== ':') throw this.broken('a colon is missing')
      this.at++
      members.set(name, this.value(depth))
      this.space()
      const c = this.text[this.at++]
      if (c === '}') return members
      if (c !== ',') throw this.broken('a comma or brace is missing')
    }
  }

  private array(depth: number): Json[] {
    const items: Json[] = []
    this.at++
    this.space()
    if (this.text[this.at] === ']') {
      this.at++
      return items
    }
    for (;;) {
      items.push(this.value(depth))
      this.space()
      const c = this.text[this.at++]
      if (c === ']') return items
      if (c !== ',') throw this.broken('a comma or bracket is missing')
    }
  }

  private string(): string {
    const start = this.at++
    let plain = true
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (Number.isNaN(c)) throw this.broken('a string does not end')
      if (c === 0x22) break
      if (c === 0x5c) {
        plain = false
        this.at++
      } else if (c < 0x20) throw this.broken('a string holds a raw control character')
      this.at++
    }
    this.at++
    let value: string
    if (plain) value = this.text.slice(start + 1, this.at - 1)
    else {
      try {
        value = JSON.parse(this.text.slice(start, this.at)) as string
      } catch (cause) {
        throw this.broken('a string has a bad escape', cause)
      }
    }
    if (loneSurrogate.test(value))
      throw new TufError('METADATA_INVALID', `${this.what} holds a lone surrogate`)
    return value
  }

  private number(): number {
    const match = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
    match.lastIndex = this.at
    const token = match.exec(this.text)?.[0]
    if (token === undefined) throw this.broken('there is an unexpected character')
    const value = Number(token)
    // 1.0 and 1e2 lose their spelling in a parser, -0 its sign, 2^53+1 its value: the signature would cover other bytes.
    if (!/^(?:0|-?[1-9][0-9]*)$/.test(token) || !Number.isSafeInteger(value))
      throw new TufError(
        'METADATA_INVALID',
        `${this.what}: the number ${token.slice(0, 40)} is not an integer within 2^53-1`,
      )
    this.at += token.length
    return value
  }

  private word<T extends Json>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.broken('there is an unexpected word')
    this.at += word.length
    return value
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return
      this.at++
    }
  }

  private broken(why: string, cause?: unknown): TufError {
    return new TufError('METADATA_NOT_JSON', `${this.what} is not JSON: ${why} (at character ${this.at})`, {
      cause,
    })
  }
}
