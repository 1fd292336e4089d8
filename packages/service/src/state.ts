import type { MetadataStore } from '@nv2/store'
import { fileName, type TrustedRoot } from '@nv2/tuf'
import type { Taken } from './plan.js'
import { readTaken } from './publication.js'
import { extendRoots, readPublished, readTimestamp, type Published } from './published.js'
import type { Records, StagedSet } from './records.js'

/** One reading of a repository's store. */
export interface State {
  readonly published: Published
  readonly staged: readonly StagedSet[]
  /** Files of staged versions that the published ones have passed: they tell whether the staged set was one of those. */
  readonly taken: ReadonlyMap<string, Taken>
}

/**
 * Reads in the order that protocol P7 demands: timestamp with its revision, newest root, staged sets. Whoever then swaps on this
 * revision has seen every root that was staged before the revision's own publication. The root is looked for once more at
 * the end: a staged root goes only after its file stands.
 */
export async function readState(
  store: MetadataStore,
  records: Records,
  known: readonly TrustedRoot[],
  before: Published | null,
): Promise<State> {
  for (let roots = known; ;) {
    const timestamp = await readTimestamp(store)
    roots = await extendRoots(store, roots)
    const staged = await records.staged()
    const after = await extendRoots(store, roots)
    if (after !== roots) {
      roots = after
      continue
    }
    const unchanged =
      before?.timestamp?.revision === timestamp?.revision &&
      before?.roots === roots &&
      before.unreadable.length === 0
    const published = unchanged && before ? before : await readPublished(store, roots, timestamp, before)
    return { published, staged, taken: await passedFiles(store, published, staged) }
  }
}

async function passedFiles(
  store: MetadataStore,
  published: Published,
  staged: readonly StagedSet[],
): Promise<ReadonlyMap<string, Taken>> {
  const taken = new Map<string, Taken>()
  for (const { upload } of staged)
    for (const { role, version } of upload.roles) {
      if ((published.meta.get(role)?.version ?? 0) <= version) continue
      const held = await readTaken(store, fileName(role, version))
      if (held) taken.set(fileName(role, version), held)
    }
  return taken
}
