import { createHash } from 'node:crypto'
import {
  fileName,
  metaFileOf,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  sign,
  TOP_LEVEL,
  withDelegation,
  withTarget,
  withVersion,
  type Delegation,
  type JsonObject,
  type MetaFile,
  type RoleHolders,
  type RoleName,
  type Signer,
  type TopLevelRole,
} from '@nv2/tuf'
import { DAY, FakeClock } from './clock.js'
import { testSigner } from './signer.js'

export interface SimulatorOptions {
  readonly clock?: FakeClock
  /** First part of every key's word: two simulators with different names share no key. */
  readonly name?: string
  /** How many keys, and how many of them must sign; one and one when left out. */
  readonly keys?: Partial<Record<TopLevelRole, { readonly count: number; readonly threshold: number }>>
}

interface Role {
  tree: JsonObject
  version: number
  /** Changed since the last `publish`. */
  dirty: boolean
}

/**
 * A TUF repository in memory that does what it is told, right or wrong: `files` is what a client would be given,
 * and a test may put anything there.
 */
export class RepositorySimulator {
  readonly clock: FakeClock
  readonly files = new Map<string, Uint8Array>()
  readonly content = new Map<string, Uint8Array>()
  /** Names asked for through `read`, in order. */
  readonly requests: string[] = []
  /** Who signs what `publish` writes; a test may swap them. */
  readonly signers = new Map<RoleName, readonly Signer[]>()
  readonly thresholds: Record<TopLevelRole, number> = { root: 1, timestamp: 1, snapshot: 1, targets: 1 }
  rootVersion = 0
  snapshotVersion = 0
  timestampVersion = 0
  rootTree: JsonObject = new Map()
  readonly roles = new Map<RoleName, Role>()
  private readonly meta = new Map<RoleName, MetaFile>()

  private constructor(clock: FakeClock) {
    this.clock = clock
  }

  /** A repository with 1.root.json and an empty targets role, published. */
  static async create(options: SimulatorOptions = {}): Promise<RepositorySimulator> {
    const simulator = new RepositorySimulator(options.clock ?? new FakeClock())
    for (const role of TOP_LEVEL) {
      const { count, threshold } = options.keys?.[role] ?? { count: 1, threshold: 1 }
      simulator.thresholds[role] = threshold
      simulator.signers.set(
        role,
        Array.from({ length: count }, (_, i) =>
          testSigner(`${options.name ?? 'simulator'} ${role} ${i + 1}`),
        ),
      )
    }
    await simulator.nextRoot()
    simulator.roles.set('targets', {
      tree: newTargets({ version: 1, expires: simulator.in(90) }),
      version: 1,
      dirty: true,
    })
    await simulator.publish()
    return simulator
  }

  in(days: number): Date {
    return new Date(this.clock.now().getTime() + days * DAY)
  }

  signersOf(role: RoleName): readonly Signer[] {
    return this.signers.get(role) ?? []
  }

  /** Writes the next root with the keys in `signers`, signed by those and by the given former keys. */
  async nextRoot(former: readonly Signer[] = [], expires: Date = this.in(365)): Promise<Uint8Array> {
    const keysOf = (role: TopLevelRole): RoleHolders => ({
      keys: this.signersOf(role).map((signer) => signer.key),
      threshold: this.thresholds[role],
    })
    this.rootVersion++
    this.rootTree = newRoot({
      version: this.rootVersion,
      expires,
      roles: {
        root: keysOf('root'),
        timestamp: keysOf('timestamp'),
        snapshot: keysOf('snapshot'),
        targets: keysOf('targets'),
      },
    })
    const bytes = await sign(this.rootTree, [...new Set([...this.signersOf('root'), ...former])])
    this.files.set(fileName('root', this.rootVersion), bytes)
    return bytes
  }

  /** Changes a targets role; its version goes up once per publication. */
  edit(role: RoleName, change: (tree: JsonObject) => JsonObject, expires: Date = this.in(90)): void {
    const held = this.roles.get(role)
    const version = held ? held.version + (held.dirty ? 0 : 1) : 1
    const tree = held ? withVersion(held.tree, { version, expires }) : newTargets({ version, expires })
    this.roles.set(role, { tree: change(tree), version, dirty: true })
  }

  delegate(from: RoleName, delegation: Delegation): void {
    this.edit(from, (tree) => withDelegation(tree, delegation))
  }

  /** Adds a target for these bytes, and serves them. */
  addTarget(role: RoleName, path: string, bytes: Uint8Array, custom?: JsonObject): string {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    this.content.set(sha256, bytes)
    const target = { path, length: bytes.length, hashes: new Map([['sha256', sha256]]), custom }
    this.edit(role, (tree) => withTarget(tree, target))
    return sha256
  }

  /** Signs every changed role with its `signers` and writes them, the next snapshot and the next timestamp. */
  async publish(lives: { snapshot?: Date; timestamp?: Date } = {}): Promise<void> {
    for (const [name, role] of this.roles) {
      if (!role.dirty) continue
      this.put(name, role.version, await sign(role.tree, [...this.signersOf(name)]))
      role.dirty = false
    }
    await this.nextSnapshot(lives.snapshot)
    await this.nextTimestamp(lives.timestamp)
  }

  /** Serves these bytes as version `version` of a targets role and lists them in the next snapshot. */
  put(role: RoleName, version: number, bytes: Uint8Array): void {
    this.files.set(fileName(role, version), bytes)
    this.meta.set(role, metaFileOf(bytes, version))
  }

  async nextSnapshot(expires: Date = this.in(7)): Promise<void> {
    this.snapshotVersion++
    const tree = newSnapshot({ version: this.snapshotVersion, expires, meta: new Map(this.meta) })
    this.files.set(
      fileName('snapshot', this.snapshotVersion),
      await sign(tree, [...this.signersOf('snapshot')]),
    )
  }

  async nextTimestamp(expires: Date = this.in(1)): Promise<void> {
    this.timestampVersion++
    const snapshot = this.files.get(fileName('snapshot', this.snapshotVersion)) ?? new Uint8Array()
    const tree = newTimestamp({
      version: this.timestampVersion,
      expires,
      snapshot: metaFileOf(snapshot, this.snapshotVersion),
    })
    this.files.set(fileName('timestamp'), await sign(tree, [...this.signersOf('timestamp')]))
  }

  /** What a client gets for a file name; null when there is none. */
  readonly read = (name: string): Uint8Array | null => {
    this.requests.push(name)
    return this.files.get(name) ?? null
  }

  /** Every file as it is now: put it back with `restore` to play a roll back or a freeze. */
  capture(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.files)
  }

  restore(files: ReadonlyMap<string, Uint8Array>): void {
    this.files.clear()
    for (const [name, bytes] of files) this.files.set(name, bytes)
  }
}
