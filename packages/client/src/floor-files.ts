import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeJson, jsonObject, type JsonObject, type TrustedRoot } from '@nv2/tuf'
import { SHA256 } from './config.js'
import { Document } from './document.js'
import { createOnce, hasCode, readIfThere } from './durable.js'
import { ClientError } from './errors.js'
import { highest, NO_FLOORS, type Floors, type Held } from './floors.js'

/*
 * Floors are create-only files floors/N.json; the highest N counts (protocol C3). Nobody holds a lock: whoever writes N+1
 * has read N, so a number never stands for less than the one before it.
 */

const LIMIT = 64 * 1024 * 1024
const FILE = /^([1-9][0-9]{0,15})\.json$/
const KEEP = 8
const ATTEMPTS = 100
/** A success that is only this much later than the last is not worth a write; the tolerance of the clock is five minutes. */
const LATER = 60_000

interface Numbered {
  readonly number: number
  readonly floors: Floors
}

/** The floors that hold now. A damaged file is HOME_BROKEN: falling back to an older one would be a rollback. */
export async function readFloors(folder: string): Promise<Floors> {
  return (await readHighest(folder)).floors
}

/**
 * Raises the floors to at least `mine` and returns what then holds. `chain` gives the root chain as it is on disk,
 * which may have grown since ours was read: floors trusted under an older root pass through recovery first.
 */
export async function raiseFloors(
  folder: string,
  mine: Floors,
  chain: () => Promise<readonly TrustedRoot[]>,
): Promise<Floors> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const held = await readHighest(folder)
    const wanted = highest(held.floors, mine, await chain())
    if (held.number > 0 && saysNothingNew(held.floors, wanted)) return held.floors
    const number = held.number + 1
    if (!(await createOnce(fileOf(folder, number), encodeJson(toJson(wanted))))) continue
    // A writer that slept may create a number that was pruned meanwhile: it must still be the highest to count.
    const now = await numbers(folder)
    if (now.at(-1) !== number) continue
    await prune(folder, now)
    return wanted
  }
  throw new ClientError('HOME_BUSY', `other nv2 processes keep writing ${join(folder, 'floors')}: try again`)
}

async function readHighest(folder: string): Promise<Numbered> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const number = (await numbers(folder)).at(-1)
    if (number === undefined) return { number: 0, floors: NO_FLOORS }
    const path = fileOf(folder, number)
    const bytes = await readIfThere(path, LIMIT)
    if (bytes) return { number, floors: fromJson(Document.parse(bytes, path)) }
    // Pruned between the listing and the reading: there are newer ones now.
  }
  throw new ClientError('HOME_BUSY', `other nv2 processes keep writing ${join(folder, 'floors')}: try again`)
}

/** Removes old numbers, lowest first, so that what remains always ends with the highest. */
async function prune(folder: string, all: readonly number[]): Promise<void> {
  for (const number of all.slice(0, -KEEP)) await rm(fileOf(folder, number), { force: true })
}

async function numbers(folder: string): Promise<number[]> {
  let names: string[]
  try {
    names = await readdir(join(folder, 'floors'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
  return names
    .flatMap((name) => FILE.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

function fileOf(folder: string, number: number): string {
  return join(folder, 'floors', `${number}.json`)
}

function saysNothingNew(held: Floors, wanted: Floors): boolean {
  const later = wanted.lastSuccess - held.lastSuccess
  const asBefore = toJson({ ...wanted, lastSuccess: held.lastSuccess })
  return later >= 0 && later < LATER && Buffer.compare(encodeJson(toJson(held)), encodeJson(asBefore)) === 0
}

function toJson(floors: Floors): JsonObject {
  const held = (one: Held | undefined): JsonObject | undefined =>
    one &&
    jsonObject([
      ['version', one.version],
      ['sha256', one.sha256],
      ['signedBy', [...one.signedBy]],
    ])
  return jsonObject([
    ['version', 1],
    ['root', floors.root],
    ['timestamp', held(floors.timestamp)],
    ['snapshot', held(floors.snapshot)],
    ['roles', new Map(floors.roles)],
    ['lastSuccess', floors.lastSuccess],
    ['clockResets', floors.clockResets],
  ])
}

function fromJson(document: Document): Floors {
  if (document.count('version') !== 1)
    throw document.wrong('version', 'is not 1: a newer nv2 wrote this file')
  const held = (name: string): Held | undefined => {
    const one = document.optionalDocument(name)
    if (!one) return undefined
    const value = {
      version: one.count('version', 1),
      sha256: one.text('sha256', SHA256),
      signedBy: one.texts('signedBy', SHA256),
    }
    one.end()
    return value
  }
  const timestamp = held('timestamp')
  const snapshot = held('snapshot')
  const roles = new Map<string, number>()
  for (const [role, version] of document.object('roles')) {
    if (typeof version !== 'number' || version < 1) throw document.wrong('roles', 'should hold versions')
    roles.set(role, version)
  }
  const floors: Floors = {
    root: document.count('root'),
    ...(timestamp ? { timestamp } : {}),
    ...(snapshot ? { snapshot } : {}),
    roles,
    lastSuccess: document.count('lastSuccess'),
    clockResets: document.count('clockResets'),
  }
  document.end()
  return floors
}
