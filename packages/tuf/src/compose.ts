import { canonical, encodeJson, isObject } from './canonical.js'
import { checkDelegation } from './delegation-rules.js'
import { TufError } from './errors.js'
import { jsonObject, parseJson, type Json, type JsonObject } from './json.js'
import type { PublicKey, Signer } from './keys.js'
import { sha256Hex } from './trusted.js'
import { parse } from './parse.js'
import type { Delegation, MetaFile, RoleKeys, RoleName, Target, TopLevelRole } from './types.js'

/*
 * Writing metadata: trees of `signed` in, trees out, then signatures over them. Members that nv2 does not know are kept.
 * What comes out is checked by the same parser that reads it.
 */

const SPEC_VERSION = '1.0.34'

export interface Lifetime {
  readonly version: number
  /** Cut to whole seconds: the spec writes no others. */
  readonly expires: Date
}

export interface RoleHolders {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

export function newRoot(
  root: Lifetime & {
    readonly roles: Readonly<Record<TopLevelRole, RoleHolders>>
    readonly consistentSnapshot?: boolean
  },
): JsonObject {
  const keys = new Map<string, Json>()
  const roles = new Map<string, Json>()
  for (const [name, holders] of Object.entries(root.roles)) {
    for (const key of holders.keys) keys.set(key.keyid, key.tree)
    roles.set(name, roleTree(roleKeys(holders.keys, holders.threshold)))
  }
  return head('root', root, [
    ['consistent_snapshot', root.consistentSnapshot ?? true],
    ['keys', keys],
    ['roles', roles],
  ])
}

export function newTargets(lifetime: Lifetime): JsonObject {
  return head('targets', lifetime, [['targets', jsonObject([])]])
}

export function newSnapshot(
  snapshot: Lifetime & { readonly meta: ReadonlyMap<RoleName, MetaFile> },
): JsonObject {
  const meta = new Map<string, Json>()
  for (const [role, file] of snapshot.meta) meta.set(`${role}.json`, metaTree(file))
  return head('snapshot', snapshot, [['meta', meta]])
}

export function newTimestamp(timestamp: Lifetime & { readonly snapshot: MetaFile }): JsonObject {
  return head('timestamp', timestamp, [
    ['meta', jsonObject([['snapshot.json', metaTree(timestamp.snapshot)]])],
  ])
}

/** The same statement under a new version and expiry. */
export function withVersion(tree: JsonObject, { version, expires }: Lifetime): JsonObject {
  return new Map([...tree, ['version', version], ['expires', dateText(expires)]])
}

export function withTarget(tree: JsonObject, target: Target): JsonObject {
  const entry = jsonObject([
    ['custom', target.custom],
    ['hashes', jsonObject(target.hashes)],
    ['length', target.length],
  ])
  return new Map([...tree, ['targets', new Map([...member(tree, 'targets'), [target.path, entry]])]])
}

export function withoutTarget(tree: JsonObject, path: string): JsonObject {
  return new Map([
    ...tree,
    ['targets', new Map([...member(tree, 'targets')].filter(([name]) => name !== path))],
  ])
}

/** Adds a delegation, or replaces the one of the same name in its place. Throws BAD_PATTERN, BAD_ROLE_NAME, METADATA_INVALID. */
export function withDelegation(tree: JsonObject, delegation: Delegation): JsonObject {
  checkDelegation(delegation)
  const held = delegationsIn(tree)
  const at = held.findIndex((one) => one.name === delegation.name)
  return withDelegations(tree, at < 0 ? [...held, delegation] : held.with(at, delegation))
}

export function withoutDelegation(tree: JsonObject, name: string): JsonObject {
  return withDelegations(
    tree,
    delegationsIn(tree).filter((one) => one.name !== name),
  )
}

/** The spec's form while every delegation is plain, so that stock clients read on; TAP 3's as soon as one is a group. */
function withDelegations(tree: JsonObject, delegations: readonly Delegation[]): JsonObject {
  const rest = new Map(
    [...tree].filter(([name]) => name !== 'delegations' && name !== 'keys_for_delegations'),
  )
  if (delegations.length === 0) return rest
  const keys = new Map<string, Json>()
  for (const { votes } of delegations)
    for (const vote of votes) for (const key of vote.keys.keys.values()) keys.set(key.keyid, key.tree)
  if (delegations.some((one) => one.multi)) {
    rest.set('delegations', delegations.map(groupTree))
    rest.set('keys_for_delegations', keys)
  } else rest.set('delegations', jsonObject([['keys', keys], ['roles', delegations.map(plainTree)]])) // prettier-ignore
  delegationsIn(rest)
  return rest
}

function delegationsIn(tree: JsonObject): readonly Delegation[] {
  return parse('targets', seal(tree, [])).signed.delegations
}

function plainTree(delegation: Delegation): Json {
  const [vote] = delegation.votes
  if (!vote) throw new TufError('METADATA_INVALID', `the delegation ${delegation.name} names no role`)
  return jsonObject([
    ['name', vote.role],
    ...pathsTree(delegation),
    ['terminating', delegation.terminating],
    ...roleTree(vote.keys),
  ])
}

function groupTree(delegation: Delegation): Json {
  return jsonObject([
    ['name', delegation.name],
    ...pathsTree(delegation),
    ['terminating', delegation.terminating],
    ['min_roles_in_agreement', delegation.minAgreement],
    [
      'roleinfo',
      delegation.votes.map((vote) => jsonObject([['rolename', vote.role], ...roleTree(vote.keys)])),
    ],
  ])
}

function pathsTree({ paths }: Delegation): [string, Json][] {
  return paths.kind === 'paths' ? [['paths', paths.patterns]] : [['path_hash_prefixes', paths.prefixes]]
}

function roleTree(keys: RoleKeys): JsonObject {
  return jsonObject([
    ['keyids', keys.keyids],
    ['threshold', keys.threshold],
  ])
}

/** Who may sign for a role, from keys in hand. */
export function roleKeys(keys: readonly PublicKey[], threshold: number): RoleKeys {
  return {
    keyids: keys.map((key) => key.keyid),
    threshold,
    keys: new Map(keys.map((key) => [key.keyid, key])),
  }
}

/** What a parent writes of a file: its version, length and sha256. */
export function metaFileOf(bytes: Uint8Array, version: number): MetaFile {
  return { version, length: bytes.length, hashes: new Map([['sha256', sha256Hex(bytes)]]) }
}

function metaTree(file: MetaFile): Json {
  return jsonObject([
    ['version', file.version],
    ['length', file.length],
    ['hashes', file.hashes && jsonObject(file.hashes)],
  ])
}

function head(
  type: TopLevelRole,
  lifetime: Lifetime,
  members: readonly (readonly [string, Json])[],
): JsonObject {
  return jsonObject([
    ['_type', type],
    ['spec_version', SPEC_VERSION],
    ['version', lifetime.version],
    ['expires', dateText(lifetime.expires)],
    ...members,
  ])
}

function dateText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function member(tree: JsonObject, name: string): JsonObject {
  const value = tree.get(name)
  return isObject(value) ? value : jsonObject([])
}

/** What a signature is made over. */
export function payloadOf(tree: JsonObject): Uint8Array {
  return canonical(tree)
}

/** A file that says `tree`, signed by all of these. */
export async function sign(tree: JsonObject, signers: readonly Signer[]): Promise<Uint8Array> {
  return seal(tree, await signAll(payloadOf(tree), signers))
}

/** The same file with more signatures; what is signed stays to the byte, a key's older signature is replaced. */
export async function addSignatures(bytes: Uint8Array, signers: readonly Signer[]): Promise<Uint8Array> {
  const { tree, signatures } = open(bytes)
  return seal(tree, merge(signatures, await signAll(payloadOf(tree), signers)))
}

async function signAll(payload: Uint8Array, signers: readonly Signer[]): Promise<JsonObject[]> {
  return Promise.all(
    signers.map(async (signer) =>
      signatureTree(signer.key.keyid, Buffer.from(await signer.sign(payload)).toString('hex')),
    ),
  )
}

function signatureTree(keyid: string, sig: string): JsonObject {
  return jsonObject([
    ['keyid', keyid],
    ['sig', sig],
  ])
}

function merge(held: readonly Json[], added: readonly Json[]): Json[] {
  const byKey = new Map<Json | undefined, Json>()
  for (const signature of [...held, ...added])
    if (isObject(signature)) byKey.set(signature.get('keyid'), signature)
  return [...byKey.values()]
}

function seal(tree: JsonObject, signatures: readonly Json[]): Uint8Array {
  return encodeJson(
    jsonObject([
      ['signatures', signatures],
      ['signed', tree],
    ]),
  )
}

function open(bytes: Uint8Array): { tree: JsonObject; signatures: readonly Json[] } {
  const document = parseJson(bytes, 'the metadata file')
  const tree = isObject(document) ? document.get('signed') : undefined
  const signatures = isObject(document) ? document.get('signatures') : undefined
  if (!isObject(tree) || !Array.isArray(signatures))
    throw new TufError('METADATA_INVALID', 'the file is not TUF metadata: signed or signatures is missing')
  return { tree, signatures: signatures as readonly Json[] }
}
