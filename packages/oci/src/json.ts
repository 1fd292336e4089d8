import { OciError } from './errors.js'

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject
export interface JsonObject {
  [name: string]: JsonValue
}

const MAX_DEPTH = 64

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * JSON of which no two readers can disagree (image-spec asks for I-JSON, RFC 7493): UTF-8 without faults, no member
 * name twice in one object (a second `layers` would show one image to us and another to the next tool), bounded depth.
 */
export function parseJson(bytes: Uint8Array, what: string): JsonValue {
  const bad = (why: string, cause?: unknown): never => {
    throw new OciError('MANIFEST_INVALID', `${what} is not usable JSON: ${why}`, cause)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    return bad('it is not UTF-8', cause)
  }
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (cause) {
    return bad('it does not parse; it may be cut off', cause)
  }
  const fault = findFault(text)
  return fault === undefined ? value : bad(fault)
}

/** Walks well-formed JSON text once and looks at nothing but strings and brackets. */
function findFault(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x7b /* { */) open.push(new Set())
    else if (char === 0x5b /* [ */) open.push(undefined)
    else if (char === 0x7d || char === 0x5d) open.pop()
    else if (char === 0x22 /* " */) {
      const start = at
      for (at++; text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++
      const names = open.at(-1)
      if (names !== undefined && isName(text, at + 1)) {
        const name = JSON.parse(text.slice(start, at + 1)) as string
        if (names.has(name)) return `the member ${JSON.stringify(name.slice(0, 60))} is there twice`
        names.add(name)
      }
    }
    if (open.length > MAX_DEPTH) return `it is nested deeper than ${String(MAX_DEPTH)} levels`
  }
  return undefined
}

function isName(text: string, at: number): boolean {
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at++
  return text[at] === ':'
}
