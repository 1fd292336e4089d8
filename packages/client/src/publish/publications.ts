import { join } from 'node:path'
import {
  countSignatures,
  edgesTo,
  MAX_BYTES,
  parse,
  TufError,
  type Envelope,
  type MetaFile,
  type RoleName,
  type Root,
  type Targets,
  type Vote,
  namesAbove,
} from '@nv2/tuf'
import { Cache } from '../cache.js'
import type { Config } from '../config.js'
import { ClientError } from '../errors.js'
import { readFloors } from '../floor-files.js'
import { repoFolder, type Home } from '../home.js'
import { placeOf } from '../place.js'
import { readChain, readPin } from '../root-chain.js'
import { Session } from '../session.js'
import type { VersionRef } from './drafts.js'
import type { Publications, Published } from './published.js'

/** The repositories under NV2_HOME: from their registries, or as last verified from floors and cache. */
export class LocalPublications implements Publications {
  private readonly home: Home
  private readonly config: Config
  private readonly now: Date
  private readonly signal: AbortSignal | undefined

  constructor(home: Home, config: Config, now: Date, signal?: AbortSignal) {
    this.home = home
    this.config = config
    this.now = now
    this.signal = signal
  }

  async lastVerified(repo: string): Promise<Published | null> {
    const folder = repoFolder(this.home, repo)
    const pin = await readPin(folder)
    const root = pin && (await readChain(folder, pin)).at(-1)?.root
    if (!root) return null
    const cache = new Cache(join(this.home.cache, repo))
    const { snapshot } = await readFloors(folder)
    const bytes = snapshot && (await cache.get(snapshot.sha256, MAX_BYTES.snapshot))
    // The floor is this file's own hash, written down after it was verified: nothing else can have it.
    const meta = bytes ? parse('snapshot', bytes).signed.meta : new Map<RoleName, MetaFile>()
    return new Publication(root, meta, async (file, vote) => {
      const sha256 = file.hashes?.get('sha256')
      const held = sha256 === undefined ? null : await cache.get(sha256, MAX_BYTES.targets)
      const envelope = held && parse('targets', held, { role: vote.role })
      return envelope && countSignatures(vote.keys, envelope).ok ? envelope : null
    })
  }

  async refreshed(repo: string, named?: string): Promise<Published> {
    const registries = this.config.registries.filter((one) => one.repo === repo)
    const registry =
      registries.find((one) => (named === undefined ? one.defaultUpload : one.name === named)) ??
      registries[0]
    if (!registry) throw new ClientError('NO_ROOT', `no registry is configured for the repository ${repo}`)
    const session = new Session(placeOf(this.home, registry), {
      now: this.now,
      ...(this.signal && { signal: this.signal }),
    })
    try {
      const { snapshot } = await session.refresh()
      const { root } = snapshot.timestamp.current
      return new Publication(root, snapshot.envelope.signed.meta, async (_, vote, delegator) => {
        if (vote.role === 'targets') return (await session.refresh()).envelope
        try {
          return await session.role(vote, delegator)
        } catch (error) {
          // Left unverifiable by a revocation, or expired: its author has to sign again, starting without it.
          if (error instanceof TufError && ['SIGNATURE_THRESHOLD', 'EXPIRED'].includes(error.code))
            return null
          throw error
        }
      })
    } catch (error) {
      const empty =
        error instanceof TufError && error.code === 'ROLE_UNAVAILABLE' && error.role === 'timestamp'
      const known = empty ? await readFloors(repoFolder(this.home, repo)) : undefined
      const before = known && !known.timestamp ? await this.lastVerified(repo) : null
      // A repository begins without a timestamp; one that had a timestamp has lost it.
      if (before) return before
      throw error
    }
  }
}

type Load = (file: MetaFile, vote: Vote, delegator: RoleName) => Promise<Envelope<Targets> | null>

class Publication implements Published {
  readonly root: Root
  private readonly meta: ReadonlyMap<RoleName, MetaFile>
  private readonly load: Load
  private readonly roles = new Map<RoleName, Promise<Envelope<Targets> | null>>()

  constructor(root: Root, meta: ReadonlyMap<RoleName, MetaFile>, load: Load) {
    this.root = root
    this.meta = meta
    this.load = load
  }

  listed(name: RoleName): VersionRef | null {
    const file = this.meta.get(name)
    return file ? { version: file.version, sha256: file.hashes?.get('sha256') ?? '' } : null
  }

  role(name: RoleName): Promise<Envelope<Targets> | null> {
    const held = this.roles.get(name) ?? this.find(name)
    this.roles.set(name, held)
    return held
  }

  private async find(name: RoleName): Promise<Envelope<Targets> | null> {
    const file = this.meta.get(name)
    if (!file) return null
    if (name === 'targets') return this.load(file, { role: name, keys: this.root.roles.targets }, 'root')
    for (const delegator of namesAbove(name)) {
      const above = this.meta.has(delegator) ? await this.role(delegator) : null
      for (const edge of above ? edgesTo(above.signed, name) : []) {
        const envelope = await this.load(file, edge.vote, delegator)
        if (envelope) return envelope
      }
    }
    return null
  }
}
