import {
  fileName,
  MAX_BYTES,
  nextRoot,
  pinRoot,
  requireFreshRoot,
  sha256Hex,
  TufError,
  type CurrentRoot,
  type TrustedRoot,
} from '@nv2/tuf'
import { ClientError } from './errors.js'
import type { Floors } from './floors.js'
import type { Place } from './place.js'
import { keepRoot, readChain, readPin } from './root-chain.js'

/** New roots taken in one update (spec 5.3.3 "Y"); the next update goes on from there. */
const MAX_STEPS = 1024

export interface UpdatedRoot {
  readonly current: CurrentRoot
  /** From the pinned root to the newest, each verified by the one before. */
  readonly chain: readonly TrustedRoot[]
}

/**
 * Spec 5.3: from the pinned root to the newest, each kept as soon as it is verified; an interrupted update loses nothing.
 * Throws NO_ROOT, TRUST_MISMATCH, EXPIRED (the newest root), ROLLBACK, or what is wrong with the next root.
 */
export async function updateRoot(
  place: Place,
  floors: Floors,
  now: Date,
  signal?: AbortSignal,
): Promise<UpdatedRoot> {
  const pin = await readPin(place.folder)
  if (!pin)
    throw new ClientError(
      'NO_ROOT',
      `nv2 holds no root of trust for ${place.name}: get its root file from someone you trust, then \`nv2 registry add\``,
    )
  const chain = await readChain(place.folder, pin)
  let newest = chain.at(-1)
  if (!newest) {
    newest = await findPinned(place, pin.sha256, signal)
    chain.push(newest)
  }
  for (let step = 0; step < MAX_STEPS; step++) {
    const wanted = newest.root.version + 1
    const bytes = await place.source.fetch(fileName('root', wanted), MAX_BYTES.root, signal)
    if (!bytes) break
    const next: TrustedRoot = nextRoot(newest, bytes)
    await keepRoot(place.folder, next, newest)
    chain.push(next)
    newest = next
  }
  // Root files of this user's own that were lost: the server may not use that to bring back revoked keys.
  if (newest.root.version < floors.root)
    throw new TufError(
      'ROLLBACK',
      `root went back from version ${floors.root} to ${newest.root.version} at ${place.source.where}`,
      { role: 'root' },
    )
  return { current: requireFreshRoot(newest, now), chain }
}

/** A root that was pinned by its hash alone: its number is not known, the bytes cannot be mistaken. */
async function findPinned(place: Place, sha256: string, signal?: AbortSignal): Promise<TrustedRoot> {
  for (let version = 1; version <= MAX_STEPS; version++) {
    const bytes = await place.source.fetch(fileName('root', version), MAX_BYTES.root, signal)
    if (!bytes) break
    if (sha256Hex(bytes) !== sha256) continue
    const root = pinRoot(bytes)
    await keepRoot(place.folder, root)
    return root
  }
  throw new ClientError(
    'TRUST_MISMATCH',
    `${place.source.where} has no root with the sha256 ${sha256} that you pinned: it is another repository, or the hash is mistyped`,
  )
}

/**
 * Sha256 of 1.root.json, by which upload proofs and copies name a repository for ever. A root that was pinned later is
 * led back to it: older roots count only if they lead, step by step, to the very bytes that were pinned.
 */
export async function firstRootSha256(place: Place, signal?: AbortSignal): Promise<string> {
  const pin = await readPin(place.folder)
  const held = pin && (await readChain(place.folder, pin))[0]
  const pinned = held ?? (pin ? await findPinned(place, pin.sha256, signal) : undefined)
  if (!pinned)
    throw new ClientError('NO_ROOT', `nv2 holds no root of trust for ${place.name}: \`nv2 registry add\``)
  let first: TrustedRoot | undefined
  let last: TrustedRoot | undefined
  for (let version = 1; version < pinned.root.version; version++) {
    const bytes = await place.source.fetch(fileName('root', version), MAX_BYTES.root, signal)
    if (!bytes)
      throw new ClientError(
        'TRUST_MISMATCH',
        `${place.source.where} does not have ${version}.root.json any more`,
      )
    last = last ? nextRoot(last, bytes) : pinRoot(bytes)
    first ??= last
  }
  if (last) nextRoot(last, pinned.envelope.bytes)
  return sha256Hex((first ?? pinned).envelope.bytes)
}
