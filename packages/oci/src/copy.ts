import type { ContentReader, ContentStore } from './content.js'
import { type Descriptor, isManifestType, isNonDistributable } from './descriptor.js'
import { OciError } from './errors.js'
import { childrenOf } from './manifest.js'
import { readManifest, verified } from './verified-stream.js'

export interface CopyEvent {
  /** `skipped`: was there already; `bytes`: so many more have passed; `done`: stored. */
  readonly kind: 'skipped' | 'bytes' | 'done'
  readonly descriptor: Descriptor
  readonly bytes: number
}

export interface CopyOptions {
  readonly concurrency?: number
  readonly onProgress?: (event: CopyEvent) => void
  readonly signal?: AbortSignal
}

// An index of indexes of indexes is lawful, but nothing real needs this much: beyond it, it is a bomb.
const MAX_DEPTH = 8
const MAX_NODES = 10_000

interface Job {
  readonly from: ContentReader
  readonly to: ContentStore
  readonly seen: Map<string, Promise<void>>
  readonly slots: Slots
  readonly signal: AbortSignal
  readonly report: (event: CopyEvent) => void
}

/**
 * Copies a manifest and all below it. Children go first and the manifest last, so whoever finds the manifest finds all
 * of it; every byte is checked against its descriptor. The first failure stops the rest.
 */
export async function copyGraph(
  from: ContentReader,
  to: ContentStore,
  descriptor: Descriptor,
  options: CopyOptions = {},
): Promise<void> {
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal])
  const job: Job = {
    from,
    to,
    seen: new Map(),
    slots: new Slots(Math.max(1, options.concurrency ?? 4)),
    signal,
    report: options.onProgress ?? (() => undefined),
  }
  try {
    await copyNode(job, descriptor, 0)
  } catch (error) {
    stop.abort(error)
    await Promise.allSettled(job.seen.values())
    throw error
  }
}

/**
 * The same content is copied once, however often it is named. A digest that is named once as a layer and once as a
 * manifest, or with two sizes, is two jobs: else the first naming would spare the second its checks and its children.
 */
function copyNode(job: Job, descriptor: Descriptor, depth: number): Promise<void> {
  const kind = isManifestType(descriptor.mediaType) ? descriptor.mediaType : 'blob'
  const key = `${kind} ${descriptor.digest} ${String(descriptor.size)}`
  const known = job.seen.get(key)
  if (known !== undefined) return known
  if (job.seen.size >= MAX_NODES) {
    throw new OciError(
      'TOO_LARGE',
      `More than ${String(MAX_NODES)} parts hang below one manifest; nothing is copied any further`,
    )
  }
  const work = isManifestType(descriptor.mediaType)
    ? copyManifest(job, descriptor, depth)
    : job.slots.run(() => copyBlob(job, descriptor))
  job.seen.set(key, work)
  return work
}

async function copyManifest(job: Job, descriptor: Descriptor, depth: number): Promise<void> {
  if (depth >= MAX_DEPTH) {
    throw new OciError(
      'TOO_LARGE',
      `Manifests are nested deeper than ${String(MAX_DEPTH)} levels at ${descriptor.digest}`,
    )
  }
  const { bytes, manifest } = await job.slots.run(() => readManifest(job.from, descriptor, job.signal))
  const children = childrenOf(manifest)
  await Promise.all(children.map((child) => copyNode(job, child, depth + 1)))
  await job.slots.run(async () => {
    if (await job.to.exists(descriptor, job.signal)) {
      job.report({ kind: 'skipped', descriptor, bytes: descriptor.size })
      return
    }
    await job.to.push(descriptor, bytes, job.signal)
    job.report({ kind: 'bytes', descriptor, bytes: descriptor.size })
    job.report({ kind: 'done', descriptor, bytes: descriptor.size })
  })
}

async function copyBlob(job: Job, descriptor: Descriptor): Promise<void> {
  if (await job.to.exists(descriptor, job.signal)) {
    job.report({ kind: 'skipped', descriptor, bytes: descriptor.size })
    return
  }
  if (isNonDistributable(descriptor) && !(await job.from.exists(descriptor, job.signal))) return
  const count = (bytes: number): void => {
    job.report({ kind: 'bytes', descriptor, bytes })
  }
  const body = verified(descriptor, job.from.open(descriptor, job.signal))
  await job.to.push(descriptor, body.watch(count), job.signal)
  job.report({ kind: 'done', descriptor, bytes: descriptor.size })
}

/** Lets a bounded number of pieces of work run at once. Waiting work does not hold a slot, so parents cannot starve children. */
class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((go) => this.#waiting.push(go))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
