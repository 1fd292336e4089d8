import { randomBytes } from 'node:crypto'
import { createSettled, type MetadataStore, type Stored } from '@nv2/store'
import { fileName, pinRoot, sha256Hex, type RoleName, type Signer, type TrustedRoot } from '@nv2/tuf'
import { isPublished, isThere, outline, type Accepted } from './accepted.js'
import { ServiceError } from './errors.js'
import { Heads, requireNextVersion, type Head } from './heads.js'
import { DEFAULT_LIFETIMES, type Lifetimes } from './lifetimes.js'
import { OnlineKeys } from './online-keys.js'
import { Plan, planAll } from './plan.js'
import type { Proof, TokenRight } from './proof.js'
import { extendRoots, type Published } from './published.js'
import { publishStep, type Publisher, type Step } from './publisher.js'
import { claimsOf, Records, type UploadStatus } from './records.js'
import { requireRight } from './rights.js'
import { requireFirstRoot } from './roots.js'
import { readState, type State } from './state.js'
import { filesOf, parseUpload, type Upload, type Version } from './upload.js'

export interface RepositoryOptions {
  readonly name: string
  /** The root that the operator vouches for: a new repository begins with it, an old one must contain it. */
  readonly rootBytes: Uint8Array
  readonly store: MetadataStore
  readonly signers: readonly Signer[]
  readonly lifetimes?: Partial<Lifetimes>
  readonly tokens?: readonly TokenRight[]
}

export interface PublishReport {
  /** Version of the last timestamp that this call swapped in; null when nothing was to do. */
  readonly timestamp: number | null
  readonly settled: readonly UploadStatus[]
  /** Roles whose stored files cannot be read. */
  readonly unreadable: readonly RoleName[]
}

/** Somebody else wins now and then; who loses this often has met something else. */
const MAX_STEPS = 50

/** One TUF repository: accepts change sets, publishes them. Any number of processes may hold one on the same store. */
export class Repository {
  readonly name: string
  private readonly store: MetadataStore
  private readonly records: Records
  private readonly publisher: Publisher
  private readonly keys: OnlineKeys
  private readonly tokens: readonly TokenRight[]
  private roots: readonly TrustedRoot[]
  private published: Published | null = null
  private queue: Promise<unknown> = Promise.resolve()

  private constructor(options: RepositoryOptions, roots: readonly TrustedRoot[], keys: OnlineKeys) {
    this.name = options.name
    this.store = options.store
    this.records = new Records(options.store)
    this.keys = keys
    this.tokens = options.tokens ?? []
    this.roots = roots
    this.publisher = {
      store: options.store,
      records: this.records,
      keys,
      lifetimes: { ...DEFAULT_LIFETIMES, ...options.lifetimes },
      seed: randomBytes(8).toString('hex'),
    }
  }

  /** Throws ROOT_MISMATCH, ROOT_REFUSED, OFFLINE_KEY_PRESENT, ONLINE_KEY_MISSING, or what is wrong with the root. */
  static async open(options: RepositoryOptions): Promise<Repository> {
    const { name, rootBytes, store } = options
    const given = pinRoot(rootBytes)
    const keys = new OnlineKeys(options.signers)
    const stored = await store.read(fileName('root', 1))
    // A new repository is refused before its first file is written.
    if (!stored) requireFirstRoot(given, keys)
    const roots = stored ? await extendRoots(store, [pinRoot(stored.bytes)]) : [given]
    const same = roots.find(({ root }) => root.version === given.root.version)
    if (!same || Buffer.compare(same.envelope.bytes, rootBytes) !== 0)
      throw new ServiceError(
        'ROOT_MISMATCH',
        `the root given for ${name} is not a root of the repository that is stored under this name: ` +
          'give its own 1.root.json, or another folder',
      )
    const newest = roots.at(-1) ?? given
    const problem = keys.problem(newest.root)
    if (problem) throw problem
    if (!stored && (await createSettled(store, fileName('root', 1), rootBytes)) === 'lost')
      return Repository.open(options)
    return new Repository(options, roots, keys)
  }

  /** Sha256 of `1.root.json`: what request signatures name the repository by. */
  get firstRoot(): string {
    return sha256Hex(this.roots[0]?.envelope.bytes ?? new Uint8Array())
  }

  /** True when a published root has this sha256. */
  hasRoot(sha256: string): boolean {
    return this.roots.some(({ envelope }) => sha256Hex(envelope.bytes) === sha256)
  }

  /** A published file, as clients ask for it. */
  read(file: string): Promise<Stored | null> {
    return this.store.read(file)
  }

  /** ACCEPT: judges a change set against what is published and staged, and stages it. Nothing is written for a refusal. */
  accept(body: Uint8Array, proof: Proof, now: Date): Promise<Accepted> {
    return this.inTurn(async () => {
      const upload = parseUpload(body)
      const before = await this.before(upload)
      if (before) return before
      const state = await this.load()
      const [lost] = state.published.unreadable
      if (lost !== undefined)
        throw new ServiceError(
          'REPOSITORY_DAMAGED',
          `the stored file of ${lost} cannot be read; the operator must restore it`,
        )
      const plan = planAll({ ...state, now, keys: this.keys })
      requireRight(upload, proof, {
        repository: this.name,
        firstRoot: this.firstRoot,
        tokens: this.tokens,
        view: plan.view,
        newestRoot: state.published.newest.root,
        body: sha256Hex(body),
        now,
      })
      const heads = new Heads(state.published, state.staged, await this.records.rejected())
      for (const file of filesOf(upload))
        if (!isThere(plan, upload, file)) requireNextVersion(file, heads.of(file.role))
      const { resign, warnings } = plan.add(upload)
      if (plan.hasRoot(upload) && isPublished(state, upload)) {
        await this.records.settle(upload, { state: 'published' })
        return { ...outline(upload), state: 'published', created: false, resign, warnings }
      }
      await this.records.stage(upload, this.needs(state, upload, now))
      return { ...outline(upload), state: 'staged', created: true, resign, warnings }
    })
  }

  /** PUBLISH: everything that is staged, what must be renewed, and a root that waits. `rotateNow`: see protocol P7. */
  publish(now: Date, options: { readonly rotateNow?: boolean } = {}): Promise<PublishReport> {
    return this.inTurn(async () => {
      const settled: UploadStatus[] = []
      let timestamp: number | null = null
      for (let count = 0; count < MAX_STEPS; count++) {
        const state = await this.load()
        const step = await this.step(state, now, options.rotateNow ?? false)
        timestamp = step.timestamp ?? timestamp
        settled.push(...step.settled)
        if (!step.again) return { timestamp, settled, unreadable: state.published.unreadable }
      }
      throw new ServiceError(
        'PUBLISH_CONTENDED',
        `${this.name}: other publishers were faster ${MAX_STEPS} times; the next tick tries again`,
      )
    })
  }

  async upload(id: string): Promise<UploadStatus | null> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const outcome = await this.records.outcome(id)
      if (outcome) return { id, ...outcome }
      const staged = await this.records.stagedUpload(id)
      if (staged) return { id, state: 'staged', roles: claimsOf(staged) }
    }
    return null
  }

  async role(role: RoleName): Promise<{ role: RoleName; published: Version | null; head: Head | null }> {
    const state = await this.inTurn(() => this.load())
    const heads = new Heads(state.published, state.staged, await this.records.rejected())
    return { role, published: heads.publishedOf(role), head: heads.of(role) }
  }

  /** Whatever stops what is staged must not stop renewal (protocol P9). */
  private async step(state: State, now: Date, rotateNow: boolean): Promise<Step> {
    const renewal = { ...state, staged: [] }
    // Damage to the store is not the fault of what is staged: it waits.
    if (state.published.unreadable.length > 0) return publishStep(this.publisher, renewal, now, false)
    try {
      return await publishStep(this.publisher, state, now, rotateNow)
    } catch (error) {
      if (state.staged.length > 0)
        await publishStep(this.publisher, renewal, now, false).catch(() => undefined)
      throw error
    }
  }

  private async load(): Promise<State> {
    const state = await readState(this.store, this.records, this.roots, this.published)
    this.roots = state.published.roots
    this.published = state.published
    return state
  }

  /** One after the other within this process; between processes the store decides. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work)
    this.queue = turn.catch(() => undefined)
    return turn
  }

  private async before(upload: Upload): Promise<Accepted | null> {
    const status = await this.upload(upload.id)
    if (!status) return null
    if (status.state === 'rejected')
      throw new ServiceError(
        'UPLOAD_REJECTED',
        `this upload was accepted before and then rejected: ${status.reason ?? 'no reason is known'}; sign new versions`,
        { detail: { id: upload.id, state: status.state, reason: status.reason } },
      )
    return { ...outline(upload), state: status.state, created: false, resign: [], warnings: [] }
  }

  /** The staged sets without which this one would not stand. */
  private needs(state: State, upload: Upload, now: Date): readonly string[] {
    if (state.staged.length === 0) return []
    try {
      new Plan({ ...state, staged: [], now, keys: this.keys }).add(upload)
      return []
    } catch {
      return state.staged.map((set) => set.upload.id)
    }
  }
}
