import type { TrustedRoot } from '@nv2/tuf'
import { ClientError } from './errors.js'
import { raiseFloors, readFloors } from './floor-files.js'
import type { Floors } from './floors.js'

const TOLERANCE = 5 * 60_000

/**
 * A clock that went back makes expired metadata fresh again, a freeze without an attacker on the network (protocol C4).
 * Five minutes are forgiven: clocks are corrected by that much.
 */
export function requireClock(floors: Floors, now: Date, name: string): void {
  if (now.getTime() >= floors.lastSuccess - TOLERANCE) return
  const seen = new Date(floors.lastSuccess).toISOString().slice(0, 19)
  throw new ClientError(
    'CLOCK_WENT_BACK',
    `this computer's clock says ${now.toISOString().slice(0, 19)}Z, but ${name} was refreshed here at ${seen}Z: set the clock; ` +
      `if it is right now and was wrong then, run \`nv2 registry reset-clock ${name}\``,
  )
}

/** The user's word that the clock is right now: forgets the time of the last success, and nothing else. */
export async function resetClock(
  folder: string,
  now: Date,
  chain: () => Promise<readonly TrustedRoot[]>,
): Promise<void> {
  const floors = await readFloors(folder)
  await raiseFloors(
    folder,
    { ...floors, lastSuccess: now.getTime(), clockResets: floors.clockResets + 1 },
    chain,
  )
}
