import {
  admit,
  fileName,
  sha256Hex,
  TufError,
  type Admission,
  type Envelope,
  type RepositoryView,
  type RoleName,
  type Targets,
  type TrustedRoot,
} from '@nv2/tuf'
import { ServiceError } from './errors.js'
import type { OnlineKeys } from './online-keys.js'
import type { Published } from './published.js'
import type { Outcome, StagedSet } from './records.js'
import { checkNextRoot, requireTargetsUnder, samePayload } from './roots.js'
import type { RoleFile, Upload } from './upload.js'

export type Decision = Outcome | { readonly state: 'admitted' }

export interface Taken {
  readonly bytes: Uint8Array
  /** What is signed; null when the file is no metadata. */
  readonly payload: Uint8Array | null
}

export interface PlanInput {
  readonly published: Published
  readonly staged: readonly StagedSet[]
  readonly now: Date
  readonly keys: OnlineKeys
  /** Role files that stand in the store and that no snapshot may name yet, by file name. */
  readonly taken: ReadonlyMap<string, Taken>
  /** Take over a staged root at once, without a publication for both roots (protocol P7, a stolen key). */
  readonly rotateNow?: boolean
}

/** What a publication of all that is staged would be. */
export class Plan {
  readonly input: PlanInput
  /** Published, overlaid with every set that was admitted. */
  view: RepositoryView
  /** Role files to create, by file name: also those that a later set of the same plan passes, so that it shows that they were. */
  readonly files = new Map<string, Envelope<Targets>>()
  readonly changed = new Set<RoleName>()
  /** A staged root that follows the newest, and whether it is a revocation. */
  root: { readonly next: TrustedRoot; readonly now: boolean } | null = null
  readonly decisions = new Map<string, Decision>()

  constructor(input: PlanInput) {
    this.input = input
    this.view = input.published.view
  }

  /** Lays one set over the plan, whole or not at all. Throws TufError or ServiceError and leaves the plan as it was. */
  add(upload: Upload): Admission {
    const { published, now, keys } = this.input
    const open = upload.roles.filter((file) => !this.holds(file))
    for (const file of open) this.requireFree(file)
    let root = this.root
    if (upload.root && !this.hasRoot(upload)) {
      if (root) throw conflict(upload.root.file, 'another root is staged already')
      const next = checkNextRoot(published.newest, upload.root.envelope.bytes, keys, now)
      root = { next, now: upload.revocation || this.input.rotateNow === true }
    }
    const changes = new Map(open.map((file) => [file.role, this.bytesOf(file)]))
    const imported = new Set(open.filter((file) => file.imported).map((file) => file.role))
    const judged: RepositoryView = root?.now ? { ...this.view, root: root.next.root } : this.view
    const admission = admit(judged, changes, now, { revocation: upload.revocation, imported })
    if (root && (root !== this.root || changes.has('targets')))
      requireTargetsUnder(root.next.root, admission.view)
    this.root = root
    this.view = admission.view
    for (const [role, envelope] of admission.envelopes) {
      this.changed.add(role)
      this.files.set(fileName(role, envelope.signed.version), envelope)
    }
    return admission
  }

  /** True when the very statement of this file is published or planned already. */
  holds(file: RoleFile): boolean {
    const held = this.view.roles.get(file.role)
    return held !== undefined && samePayload(held, file.envelope)
  }

  /** True when the root of this upload is one of the chain. */
  hasRoot(upload: Upload): boolean {
    const root = upload.root
    if (!root) return true
    const held = this.input.published.roots.find((one) => one.root.version === root.file.version)
    return held !== undefined && samePayload(held.envelope, root.envelope)
  }

  /** Protocol P3, once more and against what is published now: two services may have accepted the same version. */
  private requireFree(file: RoleFile): void {
    const held = this.view.roles.get(file.role)
    const taken = this.input.taken.get(fileName(file.role, file.version))
    if (taken && !sameStatement(taken, file))
      throw conflict(file, `version ${file.version} was taken by another upload`)
    if (!held) return
    const head = held.signed.version
    if (file.version <= head) throw conflict(file, `version ${head} by another upload was published first`)
    const seen = file.replaces
    if (!seen || seen.version < head || (seen.version === head && seen.sha256 !== sha256Hex(held.bytes)))
      throw conflict(
        file,
        `it replaces ${seen ? `version ${seen.version}` : 'nothing'}, but version ${head} by another upload was published first`,
      )
  }

  /** A file of the same statement that stands in the store already is the one that is used (protocol P3). */
  private bytesOf(file: RoleFile): Uint8Array {
    return this.input.taken.get(fileName(file.role, file.version))?.bytes ?? file.envelope.bytes
  }
}

/**
 * Decides over everything that is staged. Delegators first, so that a child fails and never its delegator (protocol P2);
 * round by round, because a set may need another one. What makes no progress in a whole round is rejected.
 */
export function planAll(input: PlanInput): Plan {
  const plan = new Plan(input)
  let pending = [...input.staged].sort(byRank)
  for (const set of pending) {
    const past = settled(plan, set.upload)
    if (past) plan.decisions.set(set.upload.id, past)
  }
  pending = pending.filter(({ upload }) => !plan.decisions.has(upload.id))
  while (pending.length > 0) {
    const failed = new Map<string, Outcome>()
    const ready = pending.filter(({ upload }) => !waits(upload, pending))
    let progress = false
    // Two sets may wait for each other: then the first of them has its try.
    for (const { upload } of ready.length > 0 ? ready : pending.slice(0, 1)) {
      try {
        plan.add(upload)
        plan.decisions.set(upload.id, { state: 'admitted' })
        progress = true
      } catch (error) {
        failed.set(upload.id, refusal(error))
      }
    }
    if (!progress) for (const [id, outcome] of failed) plan.decisions.set(id, outcome)
    pending = pending.filter(({ upload }) => !plan.decisions.has(upload.id))
  }
  return plan
}

/** A set on which our own code breaks is put aside like any other: it must not stop the rest (protocol P8, P9). */
function refusal(error: unknown): Outcome {
  if (error instanceof TufError || error instanceof ServiceError)
    return { state: 'rejected', code: error.code, reason: error.message }
  return {
    state: 'rejected',
    code: 'INTERNAL',
    reason: 'the service could not judge this set; please report it',
  }
}

/** An upload that needs nothing any more: published, or passed by a version whose uploader saw it. */
function settled(plan: Plan, upload: Upload): Outcome | null {
  if (!plan.hasRoot(upload)) return null
  const open = upload.roles.filter((file) => !plan.holds(file))
  if (open.length === 0) return { state: 'published' }
  const passed = open.filter((file) => {
    const held = plan.view.roles.get(file.role)
    const taken = plan.input.taken.get(fileName(file.role, file.version))
    return held !== undefined && held.signed.version > file.version && taken && sameStatement(taken, file)
  })
  if (passed.length < open.length) return null
  return { state: 'superseded', reason: 'newer versions were published before this set was recorded' }
}

/** A set waits for another one that brings a lower version of one of its roles. */
function waits(upload: Upload, pending: readonly StagedSet[]): boolean {
  return pending.some(
    ({ upload: other }) =>
      other !== upload &&
      other.roles.some((file) =>
        upload.roles.some((mine) => mine.role === file.role && mine.version > file.version),
      ),
  )
}

function byRank(a: StagedSet, b: StagedSet): number {
  return rank(a) - rank(b) || b.ageMs - a.ageMs || (a.upload.id < b.upload.id ? -1 : 1)
}

function rank({ upload }: StagedSet): number {
  if (upload.root) return -1
  return Math.min(...upload.roles.map(({ role }) => (role === 'targets' ? 0 : role.split('/').length)))
}

function sameStatement({ payload }: Taken, file: RoleFile): boolean {
  return payload !== null && Buffer.compare(payload, file.envelope.payload) === 0
}

function conflict(file: RoleFile, why: string): ServiceError {
  return new ServiceError('VERSION_CONFLICT', `${file.role} version ${file.version}: ${why}`, {
    detail: { role: file.role },
  })
}
