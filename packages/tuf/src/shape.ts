import { isArray, isObject } from './canonical.js'
import { TufError } from './errors.js'
import type { Json, JsonObject } from './json.js'

/** Reads members of the expected kind out of received JSON; every refusal names the place. Throws TufError METADATA_INVALID. */
export class Shape {
  private readonly role: string

  constructor(role: string) {
    this.role = role
  }

  refuse(where: string, why: string): never {
    throw new TufError('METADATA_INVALID', `${this.role}: ${where} ${why}`, { role: this.role })
  }

  object(value: Json | undefined, where: string): JsonObject {
    return isObject(value) ? value : this.refuse(where, 'is not an object')
  }

  array(value: Json | undefined, where: string): readonly Json[] {
    return value !== undefined && isArray(value) ? value : this.refuse(where, 'is not an array')
  }

  text(value: Json | undefined, where: string): string {
    return typeof value === 'string' ? value : this.refuse(where, 'is not a string')
  }

  /** A name from the wire: not empty, in NFC (another normal form would be another name that looks the same). */
  name(value: Json | undefined, where: string): string {
    const name = this.text(value, where)
    if (name === '' || name.length > 1024) this.refuse(where, 'is empty or longer than 1024 characters')
    return name.normalize('NFC') === name ? name : this.refuse(where, 'is not in Unicode NFC')
  }

  flag(value: Json | undefined, where: string): boolean {
    return typeof value === 'boolean' ? value : this.refuse(where, 'is not true or false')
  }

  /** Integers are already safe when they come out of parseJson. */
  integer(value: Json | undefined, where: string, least: number): number {
    if (typeof value !== 'number') return this.refuse(where, 'is not an integer')
    return value >= least ? value : this.refuse(where, `is ${value}; the least is ${least}`)
  }

  texts(value: Json | undefined, where: string): string[] {
    return this.array(value, where).map((item, i) => this.text(item, `${where}[${i}]`))
  }

  /** Names in which a repeat would let two readers see two lists. */
  distinct(names: readonly string[], where: string): readonly string[] {
    return new Set(names).size === names.length ? names : this.refuse(where, 'names something twice')
  }

  /** Exactly as spec 4.2.1 writes dates; a lenient parser has let "never" mean never (tuf-js 5.0.1). */
  date(value: Json | undefined, where: string): Date {
    const text = this.text(value, where)
    const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? new Date(text) : new Date(Number.NaN)
    if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== text.slice(0, 19))
      this.refuse(where, `is ${JSON.stringify(text.slice(0, 40))}, not a date such as 2030-01-31T12:00:00Z`)
    return date
  }

  hashes(value: Json | undefined, where: string): ReadonlyMap<string, string> {
    const hashes = new Map<string, string>()
    for (const [algorithm, hex] of this.object(value, where)) {
      const text = this.text(hex, `${where}.${algorithm}`)
      if (!/^[0-9a-f]{2,}$/i.test(text)) this.refuse(`${where}.${algorithm}`, 'is not hexadecimal')
      hashes.set(algorithm, text.toLowerCase())
    }
    // An empty dictionary would be a file without any hash check (tuf-js accepts it).
    return hashes.size > 0 ? hashes : this.refuse(where, 'names no hash')
  }
}
