import { sha256Hex, type RoleName } from '@nv2/tuf'
import { ServiceError } from './errors.js'
import type { Published } from './published.js'
import type { Claim, StagedSet, UploadState } from './records.js'
import { filesOf, type RoleFile, type Version } from './upload.js'

export interface Head extends Version {
  readonly state: Exclude<UploadState, 'superseded'>
}

/** The highest version that was ever claimed for each role, whatever became of it: numbers are not used twice (protocol P3). */
export class Heads {
  private readonly published: Published
  private readonly claims = new Map<RoleName, Head>()

  constructor(published: Published, staged: readonly StagedSet[], rejected: readonly Claim[]) {
    this.published = published
    for (const { upload } of staged) for (const file of filesOf(upload)) this.claim(file, 'staged')
    // Root numbers cannot be skipped (spec 5.3.5): a rejected root leaves its number free.
    for (const claim of rejected) if (claim.role !== 'root') this.claim(claim, 'rejected')
  }

  of(role: RoleName): Head | null {
    const published = this.publishedOf(role)
    const claim = this.claims.get(role)
    if (!claim || (published && published.version >= claim.version))
      return published && { ...published, state: 'published' }
    return claim
  }

  publishedOf(role: RoleName): Version | null {
    if (role === 'root') {
      const { envelope } = this.published.newest
      return { version: envelope.signed.version, sha256: sha256Hex(envelope.bytes) }
    }
    const meta = this.published.meta.get(role)
    return meta ? { version: meta.version, sha256: meta.hashes?.get('sha256') ?? '' } : null
  }

  private claim({ role, version, sha256 }: Claim, state: 'staged' | 'rejected'): void {
    const held = this.claims.get(role)
    if (held && (held.version > version || (held.version === version && held.state === 'staged'))) return
    this.claims.set(role, { version, sha256, state })
  }
}

/** An imported role may skip numbers; nobody may run to the end of them. */
const JUMP_LIMIT = 1_000_000

/** Protocol P3: the uploader names the head that it saw, and counts on from there. */
export function requireNextVersion(file: RoleFile, head: Head | null): void {
  const seen = file.replaces
  const low = head?.version ?? 0
  const same = head === null ? seen === null : seen?.version === head.version && seen.sha256 === head.sha256
  if (same && file.version > low && file.version <= low + JUMP_LIMIT) return
  const where = head ? `version ${head.version} is ${head.state}` : 'no version is here yet'
  const why = same
    ? `versions go on from ${low + 1}, by at most ${JUMP_LIMIT}`
    : `this upload replaces ${seen ? `version ${seen.version}` : 'nothing'}; take in what is there, then sign the next version`
  throw new ServiceError('VERSION_CONFLICT', `${file.role} version ${file.version}: ${where}, and ${why}`, {
    detail: { role: file.role, head },
  })
}
