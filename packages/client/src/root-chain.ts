import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeJson, jsonObject, nextRoot, pinRoot, sha256Hex, TufError, type TrustedRoot } from '@nv2/tuf'
import { SHA256 } from './config.js'
import { Document } from './document.js'
import { createOnce, hasCode, readIfThere, replaceFile } from './durable.js'
import { ClientError } from './errors.js'

/** What the user chose to believe: one root file, by its sha256. */
export interface Pin {
  readonly sha256: string
}

const PIN_LIMIT = 64 * 1024
const ROOT_LIMIT = 512_000
const ROOT_FILE = /^([1-9][0-9]{0,15})\.root\.json$/

export async function readPin(folder: string): Promise<Pin | null> {
  const path = join(folder, 'pinned.json')
  const bytes = await readIfThere(path, PIN_LIMIT)
  if (!bytes) return null
  const document = Document.parse(bytes, path)
  if (document.count('version') !== 1)
    throw document.wrong('version', 'is not 1: a newer nv2 wrote this file')
  const pin = { sha256: document.text('sha256', SHA256) }
  document.end()
  return pin
}

/** Pins once and for all. Another root under the same name is TRUST_MISMATCH: trust is never replaced in passing. */
export async function writePin(folder: string, pin: Pin): Promise<void> {
  const bytes = encodeJson(
    jsonObject([
      ['version', 1],
      ['sha256', pin.sha256],
    ]),
  )
  if (await createOnce(join(folder, 'pinned.json'), bytes)) return
  const held = await readPin(folder)
  if (held?.sha256 !== pin.sha256)
    throw new ClientError(
      'TRUST_MISMATCH',
      `${folder} already trusts the root ${held?.sha256.slice(0, 12)}…; ${pin.sha256.slice(0, 12)}… is another one: use another name`,
    )
}

/**
 * The pinned root and every newer one that was verified, verified again step by step (design 7). A file that is damaged
 * ends the chain there, as if it had never come: it is fetched again, and the floors keep an older root from passing.
 * Empty: the pinned root is known by its hash only.
 */
export async function readChain(folder: string, pin: Pin): Promise<TrustedRoot[]> {
  const chain: TrustedRoot[] = []
  for (const version of await rootVersions(folder)) {
    const bytes = await rootBytes(folder, version)
    if (!bytes) continue
    if (sha256Hex(bytes) !== pin.sha256) continue
    const pinned = attempt(() => pinRoot(bytes))
    if (pinned?.root.version === version) chain.push(pinned)
    break
  }
  for (let last = chain.at(-1); last;) {
    const trusted = last
    const bytes = await rootBytes(folder, trusted.root.version + 1)
    last = bytes ? attempt(() => nextRoot(trusted, bytes)) : undefined
    if (last) chain.push(last)
  }
  return chain
}

/** Keeps a verified root. `before` is its predecessor in the chain, none for the pinned one. */
export async function keepRoot(folder: string, root: TrustedRoot, before?: TrustedRoot): Promise<void> {
  const { version } = root.root
  const { bytes } = root.envelope
  const path = join(folder, 'roots', `${version}.root.json`)
  if (await createOnce(path, bytes)) return
  const held = await rootBytes(folder, version)
  if (held && Buffer.compare(held, bytes) === 0) return
  // Another process may have kept another root with the same number: two valid ones are a split view, keep the first.
  if (held && before && attempt(() => nextRoot(before, held)))
    throw new TufError('EQUIVOCATION', `two different roots carry the version ${version}`, { role: 'root' })
  await replaceFile(path, bytes)
}

/** The root file of a version as it lies there, or null; nothing about it has been verified. */
async function rootBytes(folder: string, version: number): Promise<Uint8Array | null> {
  try {
    return await readIfThere(join(folder, 'roots', `${version}.root.json`), ROOT_LIMIT)
  } catch (error) {
    if (error instanceof ClientError) return null
    throw error
  }
}

/** Versions for which there is a root file, ascending. */
export async function rootVersions(folder: string): Promise<number[]> {
  let names: string[]
  try {
    names = await readdir(join(folder, 'roots'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
  return names
    .flatMap((name) => ROOT_FILE.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof TufError) return undefined
    throw error
  }
}
