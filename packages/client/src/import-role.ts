import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  edgesTo,
  encodeJson,
  encodeRole,
  jsonObject,
  sameKeys,
  TufError,
  type Envelope,
  type PublicKey,
  type RoleKeys,
  type RoleName,
  type Targets,
  namesAbove,
} from '@nv2/tuf'
import { SHA256, type Registry } from './config.js'
import { Document } from './document.js'
import { hasCode, readIfThere, replaceFile } from './durable.js'
import { ClientError } from './errors.js'
import { isLocalName, repoFolder, type Home } from './home.js'
import { keysFromJson, keysToJson } from './key-records.js'
import { placeOf } from './place.js'
import { firstRootSha256 } from './root-update.js'
import { Session, type SessionOptions } from './session.js'

/** Whose word a role is at the repository that it comes from: what a copy is checked against (protocol D5). */
export interface Origin {
  readonly role: RoleName
  /** The local name of the repository, and the hash that names it everywhere. */
  readonly originRepo: string
  readonly firstRootSha256: string
  readonly keys: RoleKeys
}

export interface ImportedRole extends Origin {
  /** Sha256 of each public key's own numbers: what to compare with the publisher over another channel. */
  readonly fingerprints: readonly string[]
  /** Keys that were pinned by an earlier import and are gone now. */
  readonly gone: readonly PublicKey[]
}

const LIMIT = 1024 * 1024

/**
 * `key import --from REGISTRY ROLE`: pins keys and threshold of a role from the verified edges that lead to it, never from
 * the role's own file. Throws ROLE_NOT_DELEGATED, or EDGE_AMBIGUOUS when edges disagree on whose role it is.
 */
export async function importRole(
  home: Home,
  registry: Registry,
  role: RoleName,
  options: SessionOptions,
): Promise<ImportedRole> {
  const place = placeOf(home, registry)
  const session = new Session(place, options)
  const edges = await edgesInto(session, role)
  const [first] = edges
  if (!first)
    throw new TufError('ROLE_NOT_DELEGATED', `nobody at ${registry.name} delegates to ${role}`, { role })
  if (edges.some((edge) => !sameKeys(edge, first)))
    throw new ClientError(
      'EDGE_AMBIGUOUS',
      `${role} is delegated to with different keys at ${registry.name}: its operator has to settle whose it is`,
    )
  const before = await readOrigin(home, registry.repo, role)
  const now = new Set(keysOf(first).map((key) => key.fingerprint))
  const origin: Origin = {
    role,
    originRepo: registry.repo,
    firstRootSha256: await firstRootSha256(place, options.signal),
    keys: first,
  }
  await replaceFile(pathOf(home, registry.repo, role), encodeJson(toJson(origin)))
  return {
    ...origin,
    fingerprints: [...now].filter((key) => key !== null),
    gone: before ? keysOf(before.keys).filter((key) => !now.has(key.fingerprint)) : [],
  }
}

/** What was pinned for a role, from every repository that it was imported from. */
export async function originsOf(home: Home, role: RoleName): Promise<Origin[]> {
  let names: string[]
  try {
    names = (await readdir(home.repos)).filter(isLocalName).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
  const found = await Promise.all(names.map((repo) => readOrigin(home, repo, role)))
  return found.filter((origin) => origin !== null)
}

/** What an earlier import pinned, or null. */
export async function readOrigin(home: Home, repo: string, role: RoleName): Promise<Origin | null> {
  const path = pathOf(home, repo, role)
  const bytes = await readIfThere(path, LIMIT)
  if (!bytes) return null
  const document = Document.parse(bytes, path)
  if (document.count('version') !== 1)
    throw document.wrong('version', 'is not 1: a newer nv2 wrote this file')
  const origin: Origin = {
    role: document.text('role'),
    originRepo: document.text('originRepo'),
    firstRootSha256: document.text('firstRootSha256', SHA256),
    keys: keysFromJson(document),
  }
  document.end()
  return origin
}

/** Keys of every verified edge, from those who may delegate to it (protocol P6). */
async function edgesInto(session: Session, role: RoleName): Promise<RoleKeys[]> {
  const edges: RoleKeys[] = []
  for (const delegator of namesAbove(role))
    for (const envelope of await filesOf(session, delegator))
      edges.push(...edgesTo(envelope.signed, role).map(({ vote }) => vote.keys))
  return edges
}

/** The role's file once for every edge over which it verifies: none when it is not published or not delegated to. */
async function filesOf(session: Session, role: RoleName): Promise<Envelope<Targets>[]> {
  const { envelope, snapshot } = await session.refresh()
  if (role === 'targets') return [envelope]
  if (!snapshot.envelope.signed.meta.has(role)) return []
  const [first, ...others] = await edgesInto(session, role)
  if (!first) return []
  if (others.some((edge) => !sameKeys(edge, first)))
    throw new ClientError('EDGE_AMBIGUOUS', `${role}, on the way, is delegated to with different keys`)
  return [await session.role({ role, keys: first }, 'its delegator')]
}

function keysOf(keys: RoleKeys): PublicKey[] {
  return keys.keyids.flatMap((keyid) => keys.keys.get(keyid) ?? [])
}

function pathOf(home: Home, repo: string, role: RoleName): string {
  return join(repoFolder(home, repo), 'origins', `${encodeRole(role)}.json`)
}

function toJson(origin: Origin): ReturnType<typeof jsonObject> {
  return jsonObject([
    ['version', 1],
    ['role', origin.role],
    ['originRepo', origin.originRepo],
    ['firstRootSha256', origin.firstRootSha256],
    ...keysToJson(origin.keys),
  ])
}
