import { createSettled, type MetadataStore } from '@nv2/store'
import { fileName, type Root } from '@nv2/tuf'
import { ServiceError } from './errors.js'
import { renewalDue, type Lifetimes } from './lifetimes.js'
import { verifiesUnder, type OnlineKeys } from './online-keys.js'
import { planAll, type Plan, type Taken } from './plan.js'
import { createRoleFiles, createSnapshot, swapTimestamp } from './publication.js'
import { claimsOf, type Outcome, type Records, type UploadStatus } from './records.js'
import { currentVerifiesUnder } from './roots.js'
import type { State } from './state.js'

export interface Publisher {
  readonly store: MetadataStore
  readonly records: Records
  readonly keys: OnlineKeys
  readonly lifetimes: Lifetimes
  /** Of this process: spreads renewals. */
  readonly seed: string
}

/** What one step did. `again`: somebody else won, or there may be more to do: read everything anew. */
export interface Step {
  readonly again: boolean
  readonly timestamp: number | null
  readonly settled: readonly UploadStatus[]
}

/**
 * One step of publishing, from one reading of the store (protocol P1, P2, P7). Whatever it writes before the swap is named by
 * nothing; a crash anywhere leaves the next step to finish or to ignore it.
 */
export async function publishStep(
  publisher: Publisher,
  state: State,
  now: Date,
  rotateNow: boolean,
): Promise<Step> {
  const { store, keys, lifetimes } = publisher
  const { published } = state
  const problem = keys.problem(published.newest.root)
  if (problem) throw problem
  const plan = await planWithFiles(publisher, state, now, rotateNow)
  const roots = rootsToSignFor(plan)
  let timestamp: number | null = null
  if (plan.view.roles.has('targets') || published.meta.has('targets')) {
    const due = whatIsDue(publisher, plan, roots)
    if (plan.root && !plan.root.now && due === 'nothing') {
      await createRoot(store, plan)
      return { again: true, timestamp, settled: [] }
    }
    if (due !== 'nothing') {
      const snapshot =
        due === 'timestamp' && published.snapshot
          ? published.snapshot
          : await createSnapshot(store, plan, keys, roots, lifetimes)
      if (plan.root?.now) await createRoot(store, plan)
      const expires = new Date(now.getTime() + lifetimes.timestampMs)
      timestamp = await swapTimestamp(store, published, snapshot, keys, roots, expires)
      if (timestamp === null) return { again: true, timestamp, settled: [] }
    }
  } else if (plan.root) {
    await createRoot(store, plan)
    return { again: true, timestamp, settled: [] }
  }
  return { again: timestamp !== null, timestamp, settled: await settle(publisher, plan) }
}

async function planWithFiles(
  { store, keys }: Publisher,
  { published, staged, taken: found }: State,
  now: Date,
  rotateNow: boolean,
): Promise<Plan> {
  for (let taken: ReadonlyMap<string, Taken> = found; ;) {
    const plan = planAll({ published, staged, now, keys, taken, rotateNow })
    const more = await createRoleFiles(store, plan)
    if (more.size === 0) return plan
    taken = new Map([...taken, ...more])
  }
}

/** While a root waits, everything is signed for it too, so that it can be created at any moment (protocol P7 i). */
function rootsToSignFor(plan: Plan): readonly Root[] {
  const newest = plan.input.published.newest.root
  if (!plan.root) return [newest]
  return plan.root.now ? [plan.root.next.root] : [newest, plan.root.next.root]
}

function whatIsDue(
  { lifetimes, seed }: Publisher,
  plan: Plan,
  roots: readonly Root[],
): 'nothing' | 'timestamp' | 'snapshot' {
  const { published, now } = plan.input
  const { timestamp, snapshot } = published
  if (!timestamp || !snapshot || plan.changed.size > 0) return 'snapshot'
  if (renewalDue(snapshot.signed, lifetimes.snapshotMs, now, seed)) return 'snapshot'
  if (!roots.every((root) => verifiesUnder(root, 'snapshot', snapshot))) return 'snapshot'
  if (plan.root?.now === true) return 'timestamp'
  if (renewalDue(timestamp.envelope.signed, lifetimes.timestampMs, now, seed)) return 'timestamp'
  return roots.every((root) => verifiesUnder(root, 'timestamp', timestamp.envelope)) ? 'nothing' : 'timestamp'
}

async function createRoot(store: MetadataStore, plan: Plan): Promise<void> {
  if (!plan.root) return
  const { next, now } = plan.root
  if (!now && !currentVerifiesUnder(next.root, plan.input.published))
    throw new ServiceError('INTERNAL', `root ${next.root.version} would shut out every client`)
  await createSettled(store, fileName('root', next.root.version), next.envelope.bytes)
}

/** Writes down how each set ended. Only after the swap: before it nothing has ended. */
async function settle({ records }: Publisher, plan: Plan): Promise<UploadStatus[]> {
  const settled: UploadStatus[] = []
  for (const { upload } of plan.input.staged) {
    const decision = plan.decisions.get(upload.id)
    // A root counts once its file stands, which a later step sees.
    if (!decision || (decision.state === 'admitted' && !plan.hasRoot(upload))) continue
    const outcome: Outcome =
      decision.state !== 'admitted'
        ? decision
        : { state: upload.roles.every((file) => plan.holds(file)) ? 'published' : 'superseded' }
    await records.settle(upload, outcome)
    settled.push({ id: upload.id, ...outcome, roles: claimsOf(upload) })
  }
  return settled
}
