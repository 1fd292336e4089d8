import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeJson, encodeRole, jsonObject, parse, parseJson, sha256Hex, TufError } from '@nv2/tuf'
import type { Envelope, JsonObject, RoleName, Targets } from '@nv2/tuf'
import { hasCode, isTemporary, makeFolder, readIfThere, replaceFile } from '../durable.js'
import { ClientError } from '../errors.js'

/** One version of a role, by number and by the sha256 of its file. */
export interface VersionRef {
  readonly version: number
  readonly sha256: string
}

/** What a draft's metadata does not say of itself. */
export interface DraftNote {
  /** The version on the service that this draft was made from; null when there was none. */
  readonly replaces: VersionRef | null
  /** The draft takes somebody's key away: the service may then break published roles below it (protocol P2). */
  readonly revocation: boolean
  /** Sha256 of the file as it was last sent, null before. */
  readonly uploaded: string | null
}

export interface Draft {
  readonly role: RoleName
  readonly version: number
  readonly sha256: string
  readonly envelope: Envelope<Targets>
  readonly note: DraftNote
  /** Where it is kept, for messages. */
  readonly path: string
  readonly drafts: Drafts
}

const LIMIT = 64 * 1024 * 1024
const FILE = /^([1-9][0-9]{0,15})\.json$/

/**
 * Role files that were edited here: `drafts/ROLE/V.json` holds the exact bytes, `V.note.json` the rest. Every write is a
 * temporary file renamed into place, the note first, so a crash leaves the old draft or the new one.
 */
export class Drafts {
  readonly folder: string

  /** `repo` is the folder of one TUF repository, or the one of drafts that have none yet. */
  constructor(repo: string) {
    this.folder = join(repo, 'drafts')
  }

  /** The newest draft of every role, by name. */
  async all(): Promise<Draft[]> {
    const found: Draft[] = []
    for (const name of await list(this.folder)) {
      const draft = await this.newestIn(name)
      if (draft) found.push(draft)
    }
    return found.sort((a, b) => (a.role < b.role ? -1 : 1))
  }

  async newest(role: RoleName): Promise<Draft | null> {
    return this.newestIn(encodeRole(role), role)
  }

  /** Keeps a version. One of the same number is replaced: only for drafts that nobody else has seen. */
  async save(role: RoleName, version: number, bytes: Uint8Array, note: DraftNote): Promise<Draft> {
    const folder = join(this.folder, encodeRole(role))
    await makeFolder(folder)
    await replaceFile(join(folder, `${version}.note.json`), encodeJson(noteTree(role, note)))
    await replaceFile(join(folder, `${version}.json`), bytes)
    return this.load(folder, version, role)
  }

  /** Writes down that exactly these bytes were sent. */
  async markUploaded(draft: Draft): Promise<Draft> {
    const note = { ...draft.note, uploaded: draft.sha256 }
    await replaceFile(
      join(draft.path, '..', `${draft.version}.note.json`),
      encodeJson(noteTree(draft.role, note)),
    )
    return { ...draft, note }
  }

  /** Moves all versions of a role here from another repository's drafts. */
  async adopt(draft: Draft): Promise<void> {
    const from = join(draft.drafts.folder, encodeRole(draft.role))
    const to = join(this.folder, encodeRole(draft.role))
    if (from === to) return
    await makeFolder(to)
    // Notes before drafts, as in `save`.
    const files = (await list(from)).sort(
      (a, b) => Number(b.endsWith('.note.json')) - Number(a.endsWith('.note.json')),
    )
    for (const file of files) await rename(join(from, file), join(to, file))
    await rm(from, { recursive: true, force: true })
  }

  private async newestIn(encoded: string, role?: RoleName): Promise<Draft | null> {
    const folder = join(this.folder, encoded)
    const versions = (await list(folder)).map((name) => Number(FILE.exec(name)?.[1] ?? 0))
    const newest = Math.max(0, ...versions)
    return newest === 0 ? null : this.load(folder, newest, role)
  }

  private async load(folder: string, version: number, expected?: RoleName): Promise<Draft> {
    const path = join(folder, `${version}.json`)
    const bytes = await readIfThere(path, LIMIT)
    const noteBytes = await readIfThere(join(folder, `${version}.note.json`), LIMIT)
    if (!bytes) throw broken(path, 'it is gone')
    if (!noteBytes) throw broken(path, `${version}.note.json beside it is missing`)
    try {
      const { role, note } = readNote(noteBytes, join(folder, `${version}.note.json`))
      if (expected !== undefined && role !== expected) throw broken(path, `its note is about ${role}`)
      const envelope = parse('targets', bytes, { role })
      if (envelope.signed.version !== version)
        throw broken(path, `it holds version ${envelope.signed.version}`)
      return { role, version, sha256: sha256Hex(bytes), envelope, note, path, drafts: this }
    } catch (error) {
      if (error instanceof TufError) throw broken(path, error.message, error)
      throw error
    }
  }
}

function noteTree(role: RoleName, note: DraftNote): JsonObject {
  return jsonObject([
    ['role', role],
    ['revocation', note.revocation],
    [
      'replaces',
      note.replaces &&
        jsonObject([
          ['version', note.replaces.version],
          ['sha256', note.replaces.sha256],
        ]),
    ],
    ['uploaded', note.uploaded],
  ])
}

function readNote(bytes: Uint8Array, path: string): { role: RoleName; note: DraftNote } {
  const tree = parseJson(bytes, path)
  const member = (name: string) => (tree instanceof Map ? (tree as JsonObject).get(name) : undefined)
  const [role, revocation, replaces, uploaded] = ['role', 'revocation', 'replaces', 'uploaded'].map(member)
  const [version, sha256] = replaces instanceof Map ? [replaces.get('version'), replaces.get('sha256')] : []
  const known = replaces === null || (typeof version === 'number' && typeof sha256 === 'string')
  if (typeof role !== 'string' || typeof revocation !== 'boolean' || !known)
    throw broken(path, 'it is not a note that nv2 wrote')
  return {
    role,
    note: {
      revocation,
      replaces: typeof version === 'number' && typeof sha256 === 'string' ? { version, sha256 } : null,
      uploaded: typeof uploaded === 'string' ? uploaded : null,
    },
  }
}

function broken(path: string, why: string, cause?: unknown): ClientError {
  return new ClientError(
    'HOME_BROKEN',
    `the draft ${path} cannot be used: ${why}; nothing was changed. Move the file away to begin that version again`,
    { cause },
  )
}

/** Names in a folder without temporary files; none when there is no such folder. */
async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !isTemporary(name)).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
