import {
  fileName,
  MAX_BYTES,
  metaOf,
  search,
  sha256Hex,
  TufError,
  trustSnapshot,
  trustTargets,
  trustTimestamp,
  verifyRole,
  type Envelope,
  type Found,
  type MetaFile,
  type RoleName,
  type Targets,
  type TrustedTargets,
  type Vote,
} from '@nv2/tuf'
import { requireClock } from './clock-memory.js'
import { raiseFloors, readFloors } from './floor-files.js'
import { recover, type Floors, type Held } from './floors.js'
import type { Place } from './place.js'
import { readChain, readPin } from './root-chain.js'
import { updateRoot, type UpdatedRoot } from './root-update.js'
import { countedKeys, isMismatch, isSignature } from './verdicts.js'

export interface SessionOptions {
  /** Fixed once for all expiry checks (spec 5.1). */
  readonly now: Date
  readonly signal?: AbortSignal
}

/**
 * One look at a TUF repository: root chain, timestamp, snapshot, targets, in the order of the spec, then as many searches
 * as wanted over that one publication. A publisher may move while we read, so each way of being caught between two
 * publications is tried once more (protocol P11): from root after a bad signature, from timestamp after a file that is
 * missing or is not what its parent says; the second time it is an attack or a broken registry, and an error.
 */
export class Session {
  readonly place: Place
  readonly now: Date
  private readonly signal: AbortSignal | undefined
  private fromRoot = 1
  private fromTimestamp = 1
  private root: UpdatedRoot | undefined
  private trusted: TrustedTargets | undefined
  /** Role files of this publication that were fetched already. */
  private readonly files = new Map<RoleName, Uint8Array>()

  constructor(place: Place, options: SessionOptions) {
    this.place = place
    this.now = options.now
    this.signal = options.signal
  }

  /** The verified top of the tree; fetched on the first call. Floors are raised only when all of it was good. */
  async refresh(): Promise<TrustedTargets> {
    return this.retrying(() => this.update())
  }

  /** Who speaks for a target path, and the role files that prove it. Throws what `search` of @nv2/tuf throws. */
  async find(path: string): Promise<Found> {
    return this.retrying(async () => {
      const steps = search(await this.update(), path, this.now)
      let step = steps.next()
      while (!step.done) step = steps.next(await this.file(step.value.role, step.value.meta))
      return step.value
    })
  }

  /** A delegated role over one edge, verified with that edge's keys. */
  async role(vote: Vote, delegator: RoleName): Promise<Envelope<Targets>> {
    return this.retrying(async () => {
      const { snapshot } = await this.update()
      const bytes = await this.file(vote.role, metaOf(snapshot, vote.role))
      if (!bytes) throw missing(vote.role)
      return verifyRole(snapshot, vote, bytes, this.now, delegator)
    })
  }

  private async retrying<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (isSignature(error) && this.fromRoot > 0) {
          this.fromRoot--
          this.root = undefined
        } else if (isMismatch(error) && this.fromTimestamp > 0) this.fromTimestamp--
        else throw error
        this.trusted = undefined
        this.files.clear()
      }
    }
  }

  private async update(): Promise<TrustedTargets> {
    if (this.trusted) return this.trusted
    const held = await readFloors(this.place.folder)
    requireClock(held, this.now, this.place.name)
    this.root ??= await updateRoot(this.place, held, this.now, this.signal)
    const { current, chain } = this.root
    const floors = recover(held, chain)

    const first = await this.place.source.fetch(fileName('timestamp'), MAX_BYTES.timestamp, this.signal)
    if (!first)
      throw new TufError('ROLE_UNAVAILABLE', `${this.place.source.where} has published nothing yet`, {
        role: 'timestamp',
      })
    const floor = floors.timestamp && {
      ...floors.timestamp,
      ...(floors.snapshot && { snapshotVersion: floors.snapshot.version }),
    }
    const timestamp = trustTimestamp(current, first, this.now, floor)

    const { snapshot: meta } = timestamp.envelope.signed
    const known = floors.snapshot?.version === meta.version ? floors.snapshot.sha256 : undefined
    const second = await this.load('snapshot', meta, MAX_BYTES.snapshot, known)
    const snapshot = trustSnapshot(
      timestamp,
      second,
      this.now,
      floors.snapshot && { ...floors.snapshot, roles: floors.roles },
    )
    const targets = await this.load('targets', metaOf(snapshot, 'targets'), MAX_BYTES.targets)
    this.trusted = trustTargets(snapshot, targets, this.now)

    const { roles } = current.root
    const heldOf = (version: number, bytes: Uint8Array, signedBy: string[]): Held => ({
      version,
      sha256: sha256Hex(bytes),
      signedBy,
    })
    await this.raise({
      root: current.root.version,
      timestamp: heldOf(
        timestamp.envelope.signed.version,
        first,
        countedKeys(roles.timestamp, timestamp.envelope),
      ),
      snapshot: heldOf(meta.version, second, countedKeys(roles.snapshot, snapshot.envelope)),
      roles: new Map([...snapshot.envelope.signed.meta].map(([role, file]) => [role, file.version])),
      lastSuccess: this.now.getTime(),
      clockResets: held.clockResets,
    })
    return this.trusted
  }

  private async raise(mine: Floors): Promise<void> {
    const { folder } = this.place
    await raiseFloors(folder, mine, async () => {
      const pin = await readPin(folder)
      return pin ? readChain(folder, pin) : []
    })
  }

  private async file(role: RoleName, meta: MetaFile): Promise<Uint8Array | null> {
    const held = this.files.get(role)
    if (held) return held
    const bytes = await this.load(role, meta, MAX_BYTES.targets)
    this.files.set(role, bytes)
    return bytes
  }

  /** A file that its parent names: from the cache if its hash is known, else fetched. Nothing is believed here. */
  private async load(role: RoleName, meta: MetaFile, most: number, known?: string): Promise<Uint8Array> {
    const sha256 = meta.hashes?.get('sha256') ?? known
    const limit = Math.min(meta.length ?? most, most)
    const cached = sha256 === undefined ? null : await this.place.cache.get(sha256, limit)
    if (cached) return cached
    const consistent = this.root?.current.root.consistentSnapshot !== false
    const bytes = await this.place.source.fetch(
      fileName(role, consistent ? meta.version : undefined),
      limit,
      this.signal,
    )
    if (!bytes) throw missing(role)
    if (sha256 !== undefined && sha256Hex(bytes) === sha256) await this.place.cache.put(bytes)
    return bytes
  }
}

function missing(role: RoleName): TufError {
  return new TufError('ROLE_UNAVAILABLE', `the registry names ${role} in its metadata and does not have it`, {
    role,
  })
}
