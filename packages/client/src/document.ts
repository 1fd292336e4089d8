import { isArray, isObject, parseJson, type Json, type JsonObject } from '@nv2/tuf'
import { ClientError } from './errors.js'

/**
 * A JSON file of nv2's own under NV2_HOME, read member by member. Strict: a member that is missing, of another type or
 * unknown is an error that names the file, never a default that quietly means less trust.
 */
export class Document {
  readonly where: string
  private readonly members: JsonObject
  private readonly read = new Set<string>()

  constructor(members: JsonObject, where: string) {
    this.members = members
    this.where = where
  }

  static parse(bytes: Uint8Array, path: string): Document {
    let value: Json
    try {
      value = parseJson(bytes, path)
    } catch (cause) {
      throw broken(path, cause instanceof Error ? cause.message : 'it is not JSON', cause)
    }
    if (!isObject(value)) throw broken(path, 'it is not a JSON object')
    return new Document(value, path)
  }

  /** The member's value, or undefined when it is not there. */
  optional(name: string): Json | undefined {
    this.read.add(name)
    return this.members.get(name)
  }

  text(name: string, form = /^[^]+$/): string {
    const value = this.optional(name)
    if (typeof value !== 'string' || !form.test(value))
      throw this.wrong(name, 'should be a text of the right form')
    return value
  }

  optionalText(name: string, form?: RegExp): string | undefined {
    return this.optional(name) === undefined ? undefined : this.text(name, form)
  }

  count(name: string, least = 0): number {
    const value = this.optional(name)
    if (typeof value !== 'number' || value < least)
      throw this.wrong(name, `should be a number of at least ${least}`)
    return value
  }

  flag(name: string): boolean {
    const value = this.optional(name)
    if (typeof value !== 'boolean') throw this.wrong(name, 'should be true or false')
    return value
  }

  texts(name: string, form = /^[^]+$/): string[] {
    return this.list(name).map((item) => {
      if (typeof item !== 'string' || !form.test(item)) throw this.wrong(name, 'should list texts')
      return item
    })
  }

  documents(name: string): Document[] {
    return this.list(name).map((item, i) => {
      if (!isObject(item)) throw this.wrong(name, 'should list objects')
      return new Document(item, `${this.where}: ${name}[${i}]`)
    })
  }

  object(name: string): JsonObject {
    const value = this.optional(name)
    if (!isObject(value)) throw this.wrong(name, 'should be an object')
    return value
  }

  optionalDocument(name: string): Document | undefined {
    return this.optional(name) === undefined
      ? undefined
      : new Document(this.object(name), `${this.where}: ${name}`)
  }

  /** Refuses members that nobody asked for: written by a newer nv2, or by a slip of the hand. */
  end(): void {
    for (const name of this.members.keys())
      if (!this.read.has(name)) throw this.wrong(name, 'is not known to this version of nv2')
  }

  wrong(name: string, why: string): ClientError {
    return broken(this.where, `${JSON.stringify(name)} ${why}`)
  }

  private list(name: string): readonly Json[] {
    const value = this.optional(name)
    if (value === undefined || !isArray(value)) throw this.wrong(name, 'should be a list')
    return value
  }
}

function broken(where: string, why: string, cause?: unknown): ClientError {
  return new ClientError('HOME_BROKEN', `${where} is damaged: ${why}. Nothing was changed`, { cause })
}
