import {
  canonical,
  isArray,
  isObject,
  jsonObject,
  parse,
  parseJson,
  sha256Hex,
  TufError,
  type Envelope,
  type Json,
  type JsonObject,
  type RoleName,
  type Root,
  type Targets,
} from '@nv2/tuf'
import { ServiceError } from './errors.js'

export interface Version {
  readonly version: number
  /** Of the file, hex. */
  readonly sha256: string
}

/** One file of a change set, and which head its uploader saw. */
export interface RoleFile extends Version {
  readonly role: RoleName
  readonly replaces: Version | null
  /** Comes unchanged from another repository (protocol D5). */
  readonly imported: boolean
  readonly envelope: Envelope<Root> | Envelope<Targets>
}

/** A change set: published whole or not at all (protocol P2). */
export interface Upload {
  /** Sha256 over (role, version, sha256 of the file): the same files are the same upload, wherever they arrive. */
  readonly id: string
  readonly revocation: boolean
  readonly root: { readonly file: RoleFile; readonly envelope: Envelope<Root> } | null
  /** Targets roles, without root. */
  readonly roles: readonly (RoleFile & { readonly envelope: Envelope<Targets> })[]
}

const MAX_ROLES = 1000
const HEX = /^[0-9a-f]{64}$/

/** Reads the body of an upload. Throws ServiceError BAD_REQUEST, or what the parser says of a role's file. */
export function parseUpload(body: Uint8Array): Upload {
  let tree: Json
  try {
    tree = parseJson(body, 'the upload', { bytes: body.length, depth: 8 })
  } catch (cause) {
    throw bad(cause instanceof TufError ? cause.message : 'the upload is not JSON', cause)
  }
  return readUpload(tree)
}

export function readUpload(tree: Json): Upload {
  if (!isObject(tree) || tree.get('version') !== 1) throw bad('the upload is not an object with "version": 1')
  const revocation = flag(tree, 'revocation')
  const items = tree.get('roles')
  if (items === undefined || !isArray(items) || items.length === 0) throw bad('the upload holds no "roles"')
  if (items.length > MAX_ROLES) throw bad(`the upload holds ${items.length} roles; the limit is ${MAX_ROLES}`)
  const files = items.map(readFile)
  const names = new Set(files.map((file) => file.role))
  if (names.size < files.length) throw bad('the upload holds one role twice')
  const root = files.find((file) => file.role === 'root')
  return {
    id: idOf(files),
    revocation,
    root: root ? { file: root, envelope: root.envelope as Envelope<Root> } : null,
    roles: files.filter((file) => file.role !== 'root') as (RoleFile & { envelope: Envelope<Targets> })[],
  }
}

/** What is staged: the upload as it came, without the right that it was sent with. */
export function uploadTree(upload: Upload): JsonObject {
  return jsonObject([
    ['version', 1],
    ['revocation', upload.revocation],
    ['roles', filesOf(upload).map(fileTree)],
  ])
}

export function filesOf(upload: Upload): readonly RoleFile[] {
  return upload.root ? [upload.root.file, ...upload.roles] : upload.roles
}

export function versionTree({ version, sha256 }: Version): JsonObject {
  return jsonObject([
    ['version', version],
    ['sha256', sha256],
  ])
}

function fileTree(file: RoleFile): JsonObject {
  return jsonObject([
    ['role', file.role],
    ['replaces', file.replaces && versionTree(file.replaces)],
    ['imported', file.imported ? true : undefined],
    ['metadata', Buffer.from(file.envelope.bytes).toString('base64')],
  ])
}

function idOf(files: readonly Pick<RoleFile, 'role' | 'version' | 'sha256'>[]): string {
  const sorted = [...files].sort((a, b) => (a.role < b.role ? -1 : 1))
  return sha256Hex(canonical(sorted.map(({ role, version, sha256 }) => [role, version, sha256])))
}

function readFile(item: Json, i: number): RoleFile {
  const where = `roles[${i}]`
  if (!isObject(item)) throw bad(`${where} is not an object`)
  const role = item.get('role')
  if (typeof role !== 'string' || role === '') throw bad(`${where}.role is not a name`)
  const bytes = readBytes(item.get('metadata'), where)
  const envelope = role === 'root' ? parse('root', bytes) : parse('targets', bytes, { role })
  return {
    role,
    version: envelope.signed.version,
    sha256: sha256Hex(bytes),
    replaces: readReplaces(item.get('replaces'), where),
    imported: flag(item, 'imported'),
    envelope,
  }
}

function readBytes(value: Json | undefined, where: string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : null
  // Buffer skips what is not base64; the file must be what was sent.
  if (!bytes || bytes.length === 0 || bytes.toString('base64') !== value)
    throw bad(`${where}.metadata is not the base64 of a file`)
  return bytes
}

function readReplaces(value: Json | undefined, where: string): Version | null {
  if (value === undefined || value === null) return null
  const version = isObject(value) ? value.get('version') : undefined
  const sha256 = isObject(value) ? value.get('sha256') : undefined
  if (typeof version !== 'number' || version < 1 || typeof sha256 !== 'string' || !HEX.test(sha256))
    throw bad(`${where}.replaces is neither null nor {"version", "sha256"}`)
  return { version, sha256 }
}

function flag(tree: JsonObject, name: string): boolean {
  const value = tree.get(name) ?? false
  if (typeof value !== 'boolean') throw bad(`${name} is neither true nor false`)
  return value
}

function bad(message: string, cause?: unknown): ServiceError {
  return new ServiceError('BAD_REQUEST', message, { cause })
}
