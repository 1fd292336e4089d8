import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  encodeJson,
  encodeRole,
  jsonObject,
  parse,
  sha256Hex,
  TufError,
  type Envelope,
  type ProvenRole,
  type RoleKeys,
  type RoleName,
  type Targets,
} from '@nv2/tuf'
import { SHA256 } from './config.js'
import { Document } from './document.js'
import { hasCode, readIfThere, replaceFile } from './durable.js'
import { ClientError } from './errors.js'
import { keysFromJson, keysToJson } from './key-records.js'

/** A role file that proved something here, as it came, and the edge that it was verified over: what a copy sends on (protocol D5). */
export interface KeptProof {
  readonly role: RoleName
  readonly version: number
  readonly sha256: string
  readonly envelope: Envelope<Targets>
  readonly delegator: RoleName
  readonly keys: RoleKeys
}

const LIMIT = 64 * 1024 * 1024
const FILE = /^([1-9][0-9]{0,15})\.json$/

/** Keeps the delegated roles of a proof. The edge first: a file without its edge is not a proof. */
export async function keepProof(folder: string, proof: readonly ProvenRole[]): Promise<void> {
  for (const { role, delegator, vote, envelope } of proof) {
    if (role === 'targets') continue
    const { version } = envelope.signed
    const place = join(folder, 'proofs', encodeRole(role))
    const edge = jsonObject([
      ['version', 1],
      ['role', role],
      ['sha256', sha256Hex(envelope.bytes)],
      ['delegator', delegator],
      ...keysToJson(vote.keys),
    ])
    await replaceFile(join(place, `${version}.edge.json`), encodeJson(edge))
    await replaceFile(join(place, `${version}.json`), envelope.bytes)
  }
}

/** The newest kept version of every role, by name. */
export async function keptProofs(folder: string): Promise<KeptProof[]> {
  const found: KeptProof[] = []
  for (const name of await list(join(folder, 'proofs'))) {
    const proof = await newestProof(join(folder, 'proofs', name))
    if (proof) found.push(proof)
  }
  return found.sort((a, b) => (a.role < b.role ? -1 : 1))
}

export async function keptProof(folder: string, role: RoleName): Promise<KeptProof | null> {
  return newestProof(join(folder, 'proofs', encodeRole(role)))
}

async function newestProof(place: string): Promise<KeptProof | null> {
  const newest = Math.max(0, ...(await list(place)).map((file) => Number(FILE.exec(file)?.[1] ?? 0)))
  return newest > 0 ? readProof(place, newest) : null
}

async function readProof(place: string, version: number): Promise<KeptProof> {
  const path = join(place, `${version}.json`)
  const edgePath = join(place, `${version}.edge.json`)
  const bytes = await readIfThere(path, LIMIT)
  const edgeBytes = await readIfThere(edgePath, LIMIT)
  const again = 'download the artifact again'
  if (!bytes || !edgeBytes)
    throw new ClientError('HOME_BROKEN', `${path} or the edge beside it is gone: ${again}`)
  const edge = Document.parse(edgeBytes, edgePath)
  edge.count('version', 1)
  const proof = {
    role: edge.text('role'),
    version,
    sha256: edge.text('sha256', SHA256),
    delegator: edge.text('delegator'),
    keys: keysFromJson(edge),
  }
  edge.end()
  if (sha256Hex(bytes) !== proof.sha256) throw new ClientError('HOME_BROKEN', `${path} was altered: ${again}`)
  try {
    return { ...proof, envelope: parse('targets', bytes, { role: proof.role }) }
  } catch (cause) {
    if (!(cause instanceof TufError)) throw cause
    throw new ClientError('HOME_BROKEN', `${path} cannot be read: ${again}`, { cause })
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
