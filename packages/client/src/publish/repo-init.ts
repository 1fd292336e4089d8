import { join } from 'node:path'
import {
  countSignatures,
  newRoot,
  newTargets,
  pinRoot,
  roleKeys,
  sha256Hex,
  sign,
  type PublicKey,
  type RoleKeys,
} from '@nv2/tuf'
import { ClientError } from '../errors.js'
import { repoFolder, requireLocalName, type Home } from '../home.js'
import { keepRoot, rootVersions, writePin } from '../root-chain.js'
import { Drafts } from './drafts.js'
import { TARGETS_LIFE } from './edit.js'
import { unreachable } from './key-choice.js'
import type { Keyring } from './keyring.js'

const ROOT_LIFE = 365 * 24 * 60 * 60 * 1000

/** A key with the name that the user gave for it. */
export interface NamedKey {
  readonly name: string
  readonly key: PublicKey
}

export interface RepoInitRequest {
  readonly name: string
  readonly root: { readonly keys: readonly NamedKey[]; readonly threshold: number }
  readonly targets: { readonly keys: readonly NamedKey[]; readonly threshold: number }
  /** The online keys: public halves are enough. */
  readonly snapshot: readonly NamedKey[]
  readonly timestamp: readonly NamedKey[]
  /** Root or targets may share a key with an online role: whoever takes the service's host then signs anything. */
  readonly allowSharedKey?: boolean
  /** Milliseconds; 365 days. */
  readonly rootLife?: number
  readonly now: Date
}

export interface InitializedRepo {
  readonly name: string
  /** The file that consumers pin. */
  readonly rootPath: string
  readonly rootSha256: string
  /** False: the targets draft still lacks signatures. */
  readonly targetsSigned: boolean
}

/** Signs 1.root and 1.targets of a new TUF repository; snapshot and timestamp are the service's. Nothing is written before all is right. */
export async function repoInit(
  home: Home,
  keyring: Keyring,
  request: RepoInitRequest,
): Promise<InitializedRepo> {
  const { now } = request
  const folder = repoFolder(home, requireLocalName(request.name, 'TUF repository'))
  if ((await rootVersions(folder)).length > 0)
    throw new ClientError(
      'REPO_EXISTS',
      `there is a TUF repository ${request.name} here already: choose another name`,
    )
  const roles = {
    root: holders('root', request.root.keys, request.root.threshold),
    targets: holders('targets', request.targets.keys, request.targets.threshold),
    snapshot: holders('snapshot', request.snapshot, 1),
    timestamp: holders('timestamp', request.timestamp, 1),
  }
  if (request.allowSharedKey !== true) requireOffline(request)
  const stated = {
    root: stateOf(roles.root),
    targets: stateOf(roles.targets),
    snapshot: stateOf(roles.snapshot),
    timestamp: stateOf(roles.timestamp),
  }
  const rootTree = newRoot({ version: 1, expires: later(now, request.rootLife ?? ROOT_LIFE), roles: stated })
  await requireLocal(roles.root, request.root.keys, keyring)
  const root = await sign(rootTree, await keyring.signersFor(roles.root))
  const targetsTree = newTargets({ version: 1, expires: later(now, TARGETS_LIFE) })
  const targets = await sign(targetsTree, await keyring.signersFor(roles.targets))
  const draft = await new Drafts(folder).save('targets', 1, targets, {
    replaces: null,
    revocation: false,
    uploaded: null,
  })
  // The root comes last: until it lies there, the same command may be given again.
  await writePin(folder, { sha256: sha256Hex(root) })
  await keepRoot(folder, pinRoot(root))
  return {
    name: request.name,
    rootPath: join(folder, 'roots', '1.root.json'),
    rootSha256: sha256Hex(root),
    targetsSigned: countSignatures(roles.targets, draft.envelope).ok,
  }
}

function holders(role: string, keys: readonly NamedKey[], threshold: number): RoleKeys {
  const seen = new Map<string | null, string>()
  for (const { name, key } of keys) {
    const other = seen.get(key.fingerprint)
    if (other !== undefined)
      throw new ClientError(
        'USAGE',
        `${role} has one key twice (${other}, ${name}): one key is one signature`,
      )
    seen.set(key.fingerprint, name)
  }
  if (keys.length === 0) throw new ClientError('USAGE', `${role} needs a key`)
  if (threshold < 1 || threshold > keys.length) throw unreachable(role, threshold, keys.length)
  return roleKeys(
    keys.map(({ key }) => key),
    threshold,
  )
}

/** The point of the split: the keys on the service's host must not be able to say what is trusted (spec 1.5.3, 6.1). */
function requireOffline({ root, targets, snapshot, timestamp }: RepoInitRequest): void {
  const online = [...snapshot, ...timestamp]
  for (const [role, { keys }] of [['root', root] as const, ['targets', targets] as const])
    for (const { name, key } of keys)
      if (online.some((other) => other.key.fingerprint === key.fingerprint))
        throw new ClientError(
          'KEY_SHARED',
          `${name} is a key of ${role} and an online key: whoever takes the service's host could sign anything. ` +
            `Give ${role} a key of its own; --allow-shared-key takes the risk`,
        )
}

async function requireLocal(keys: RoleKeys, named: readonly NamedKey[], keyring: Keyring): Promise<void> {
  const here = await keyring.privateOf(keys)
  if (here.length >= keys.threshold) return
  const missing = named.filter(({ key }) => !here.some((one) => one.key.fingerprint === key.fingerprint))
  throw new ClientError(
    'SIGNATURES_MISSING',
    `root needs ${keys.threshold} signatures and the private keys of ${here.length} are here; missing: ${missing.map((one) => one.name).join(', ')}`,
  )
}

function stateOf(keys: RoleKeys): { keys: PublicKey[]; threshold: number } {
  return { keys: [...keys.keys.values()], threshold: keys.threshold }
}

function later(now: Date, life: number): Date {
  return new Date(now.getTime() + life)
}
