import { createSettled, type MetadataStore } from '@nv2/store'
import { encodeJson, jsonObject, parseJson, isArray, isObject, type Json, type JsonObject } from '@nv2/tuf'
import { ServiceError } from './errors.js'
import { filesOf, readUpload, uploadTree, versionTree, type Upload } from './upload.js'

export type UploadState = 'staged' | 'published' | 'superseded' | 'rejected'

/** How an upload ended. `published/ID` or `rejected/ID`, written once, so that every 202 can be read back (protocol P3). */
export interface Outcome {
  readonly state: Exclude<UploadState, 'staged'>
  readonly code?: string
  readonly reason?: string
}

/** A staged set as the store holds it. */
export interface StagedSet {
  readonly upload: Upload
  readonly ageMs: number
}

/** What an upload claimed: kept for rejected ones, whose versions are not used again. */
export interface Claim {
  readonly role: string
  readonly version: number
  readonly sha256: string
}

export interface UploadStatus {
  readonly id: string
  readonly state: UploadState
  readonly code?: string
  readonly reason?: string
  readonly roles: readonly Claim[]
}

export interface Remembered extends Outcome {
  readonly roles: readonly Claim[]
}

interface StagedRecord {
  readonly upload: Upload
  /** Staged sets that stood before this one when it was accepted. */
  readonly after: readonly string[]
}

const STAGED = 'staged/'
const REJECTED = 'rejected/'
const PUBLISHED = 'published/'

/** Staged sets and outcomes in the store. All are written once and named by content, so what was read stays true. */
export class Records {
  private readonly store: MetadataStore
  private known = new Map<string, StagedRecord>()
  private readonly rejects = new Map<string, readonly Claim[]>()

  constructor(store: MetadataStore) {
    this.store = store
  }

  /** A set that somebody else staged at the same moment is the same set: its name says so. */
  async stage(upload: Upload, after: readonly string[]): Promise<void> {
    const record = jsonObject([
      ['upload', uploadTree(upload)],
      ['after', after],
    ])
    await createSettled(this.store, STAGED + upload.id, encodeJson(record))
  }

  /** Every staged set; a set that another one was built on is read even if the list is late to show it. */
  async staged(): Promise<StagedSet[]> {
    const wanted = (await this.store.list(STAGED)).map(({ name, ageMs }) => ({
      id: name.slice(STAGED.length),
      ageMs,
    }))
    const listed = new Set(wanted.map(({ id }) => id))
    const found = new Map<string, StagedSet>()
    const records = new Map<string, StagedRecord>()
    for (const { id, ageMs } of wanted) {
      if (found.has(id)) continue
      const record = (listed.has(id) ? this.known.get(id) : null) ?? (await this.record(id))
      if (!record) continue
      records.set(id, record)
      found.set(id, { upload: record.upload, ageMs })
      wanted.push(...record.after.map((earlier) => ({ id: earlier, ageMs })))
    }
    this.known = records
    return [...found.values()]
  }

  async stagedUpload(id: string): Promise<Upload | null> {
    return (await this.record(id))?.upload ?? null
  }

  /** Claims of every rejected upload. */
  async rejected(): Promise<readonly Claim[]> {
    for (const { name } of await this.store.list(REJECTED)) {
      if (this.rejects.has(name)) continue
      const stored = await this.store.read(name)
      if (stored) this.rejects.set(name, readOutcome(stored.bytes).roles)
    }
    return [...this.rejects.values()].flat()
  }

  async outcome(id: string): Promise<Remembered | null> {
    const stored = (await this.store.read(PUBLISHED + id)) ?? (await this.store.read(REJECTED + id))
    return stored ? readOutcome(stored.bytes) : null
  }

  /** The outcome first, then the staged set goes: at no moment is neither there. */
  async settle(upload: Upload, outcome: Outcome): Promise<void> {
    const name = (outcome.state === 'rejected' ? REJECTED : PUBLISHED) + upload.id
    const record = jsonObject([
      ['state', outcome.state],
      ['code', outcome.code],
      ['reason', outcome.reason],
      ['roles', filesOf(upload).map((file) => jsonObject([['role', file.role], ...versionTree(file)]))],
    ])
    await createSettled(this.store, name, encodeJson(record))
    await this.store.remove(STAGED + upload.id)
  }

  private async record(id: string): Promise<StagedRecord | null> {
    const stored = await this.store.read(STAGED + id)
    if (!stored) return null
    const tree = parseJson(stored.bytes, `staged ${id}`, { bytes: stored.bytes.length, depth: 10 })
    const after = isObject(tree) ? (tree.get('after') ?? []) : []
    const upload = isObject(tree) ? (tree.get('upload') ?? null) : null
    return {
      upload: readUpload(upload),
      after: isArray(after) ? after.filter((one) => typeof one === 'string') : [],
    }
  }
}

export function claimsOf(upload: Upload): readonly Claim[] {
  return filesOf(upload).map(({ role, version, sha256 }) => ({ role, version, sha256 }))
}

function readOutcome(bytes: Uint8Array): Remembered {
  const tree = parseJson(bytes, 'the record of an upload', { bytes: bytes.length, depth: 6 })
  const state = isObject(tree) ? tree.get('state') : undefined
  if (!isObject(tree) || (state !== 'published' && state !== 'superseded' && state !== 'rejected'))
    throw new ServiceError('REPOSITORY_DAMAGED', 'the record of an upload cannot be read')
  const code = tree.get('code')
  const reason = tree.get('reason')
  const roles = tree.get('roles')
  return {
    state,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    roles: roles !== undefined && isArray(roles) ? roles.flatMap(readClaim) : [],
  }
}

function readClaim(item: Json): Claim[] {
  const tree: JsonObject = isObject(item) ? item : new Map()
  const [role, version, sha256] = [tree.get('role'), tree.get('version'), tree.get('sha256')]
  if (typeof role !== 'string' || typeof version !== 'number' || typeof sha256 !== 'string') return []
  return [{ role, version, sha256 }]
}
