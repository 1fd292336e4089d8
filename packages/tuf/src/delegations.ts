import { isArray } from './canonical.js'
import type { Json, JsonObject } from './json.js'
import { publicKey, type PublicKey } from './keys.js'
import type { Shape } from './shape.js'
import type { Delegation, PathSet, RoleKeys, SuccinctRoles, Vote } from './types.js'

export interface ParsedDelegations {
  readonly delegations: readonly Delegation[]
  readonly succinct?: SuccinctRoles
}

/** `delegations` of a targets role: the spec's object (4.5), TAP 15, or the array of TAP 3 with `keys_for_delegations`. */
export function parseDelegations(signed: JsonObject, shape: Shape): ParsedDelegations {
  const value = signed.get('delegations')
  if (value !== undefined && isArray(value)) return { delegations: parseMulti(value, signed, shape) }
  if (signed.has('keys_for_delegations'))
    shape.refuse('keys_for_delegations', 'goes only with an array of delegations (TAP 3)')
  if (value === undefined) return { delegations: [] }
  const object = shape.object(value, 'delegations')
  const keys = parseKeys(object.get('keys'), 'delegations.keys', shape)
  if (object.has('succinct_roles')) {
    if (object.has('roles')) shape.refuse('delegations', 'has both roles and succinct_roles')
    return { delegations: [], succinct: parseSuccinct(object.get('succinct_roles'), keys, shape) }
  }
  const delegations = shape.array(object.get('roles'), 'delegations.roles').map((item, i): Delegation => {
    const where = `delegations.roles[${i}]`
    const role = shape.object(item, where)
    const name = shape.name(role.get('name'), `${where}.name`)
    return {
      name,
      paths: parsePaths(role, where, shape),
      terminating: shape.flag(role.get('terminating'), `${where}.terminating`),
      votes: [{ role: name, keys: parseRoleKeys(role, keys, where, shape) }],
      minAgreement: 1,
      multi: false,
    }
  })
  // With a name listed twice, readers differ on whose keys and which paths count.
  shape.distinct(
    delegations.map((d) => d.name),
    'delegations.roles',
  )
  return { delegations }
}

function parseMulti(items: readonly Json[], signed: JsonObject, shape: Shape): Delegation[] {
  const keys = parseKeys(signed.get('keys_for_delegations'), 'keys_for_delegations', shape)
  const seen = new Map<string, RoleKeys>()
  const delegations = items.map((item, i): Delegation => {
    const where = `delegations[${i}]`
    const entry = shape.object(item, where)
    const votes = shape.array(entry.get('roleinfo'), `${where}.roleinfo`).map((info, j): Vote => {
      const place = `${where}.roleinfo[${j}]`
      const vote = shape.object(info, place)
      const role = shape.name(vote.get('rolename'), `${place}.rolename`)
      const roleKeys = parseRoleKeys(vote, keys, place, shape)
      const earlier = seen.get(role)
      // Protocol D1: one name, one key set and threshold, else the file that the snapshot lists once means two things.
      if (earlier && !sameKeys(earlier, roleKeys))
        shape.refuse(place, `gives ${role} other keys than an earlier entry`)
      seen.set(role, roleKeys)
      return { role, keys: roleKeys }
    })
    if (votes.length === 0) shape.refuse(`${where}.roleinfo`, 'is empty')
    oneVoteEach(votes, where, shape)
    const minAgreement = shape.integer(
      entry.get('min_roles_in_agreement'),
      `${where}.min_roles_in_agreement`,
      1,
    )
    if (minAgreement > votes.length)
      shape.refuse(where, `wants ${minAgreement} roles in agreement and names ${votes.length}`)
    return {
      name: shape.name(entry.get('name'), `${where}.name`),
      paths: parsePaths(entry, where, shape),
      terminating: shape.flag(entry.get('terminating'), `${where}.terminating`),
      votes,
      minAgreement,
      multi: votes.length > 1,
    }
  })
  shape.distinct(
    delegations.map((d) => d.name),
    'delegations',
  )
  return delegations
}

/** Protocol D1: within a group no role twice and no public key twice, or one person could be two votes. */
function oneVoteEach(votes: readonly Vote[], where: string, shape: Shape): void {
  shape.distinct(
    votes.map((vote) => vote.role),
    `${where}.roleinfo`,
  )
  const holders = new Set<string>()
  for (const vote of votes) {
    const own = new Set<string>()
    for (const keyid of vote.keys.keyids) {
      const fingerprint = vote.keys.keys.get(keyid)?.fingerprint
      if (fingerprint != null) own.add(fingerprint)
    }
    for (const fingerprint of own) {
      if (holders.has(fingerprint))
        shape.refuse(`${where}.roleinfo`, `gives one key to two roles (${vote.role} is one)`)
      holders.add(fingerprint)
    }
  }
}

function parseSuccinct(
  value: Json | undefined,
  keys: ReadonlyMap<string, PublicKey>,
  shape: Shape,
): SuccinctRoles {
  const where = 'delegations.succinct_roles'
  const object = shape.object(value, where)
  const bitLength = shape.integer(object.get('bit_length'), `${where}.bit_length`, 1)
  if (bitLength > 32) shape.refuse(`${where}.bit_length`, 'is above 32')
  return {
    namePrefix: shape.name(object.get('name_prefix'), `${where}.name_prefix`),
    bitLength,
    keys: parseRoleKeys(object, keys, where, shape),
  }
}

function parsePaths(entry: JsonObject, where: string, shape: Shape): PathSet {
  const paths = entry.get('paths')
  const prefixes = entry.get('path_hash_prefixes')
  if ((paths === undefined) === (prefixes === undefined))
    shape.refuse(where, 'needs exactly one of paths and path_hash_prefixes')
  if (paths !== undefined) return { kind: 'paths', patterns: shape.texts(paths, `${where}.paths`) }
  return { kind: 'prefixes', prefixes: shape.texts(prefixes, `${where}.path_hash_prefixes`) }
}

/** Keys of metadata, by the id that names them. An unknown kind of key is kept and counts for nothing. */
export function parseKeys(value: Json | undefined, where: string, shape: Shape): Map<string, PublicKey> {
  const keys = new Map<string, PublicKey>()
  for (const [keyid, item] of shape.object(value, where)) {
    const tree = shape.object(item, `${where}.${keyid}`)
    const keytype = shape.text(tree.get('keytype'), `${where}.${keyid}.keytype`)
    const scheme = shape.text(tree.get('scheme'), `${where}.${keyid}.scheme`)
    const material = shape.object(tree.get('keyval'), `${where}.${keyid}.keyval`).get('public')
    keys.set(keyid, publicKey(keyid, keytype, scheme, typeof material === 'string' ? material : '', tree))
  }
  return keys
}

/** `keyids` and `threshold` of a role. A threshold above the number of keys parses and is never met (protocol D1). */
export function parseRoleKeys(
  role: JsonObject,
  all: ReadonlyMap<string, PublicKey>,
  where: string,
  shape: Shape,
): RoleKeys {
  const keyids = shape.distinct(shape.texts(role.get('keyids'), `${where}.keyids`), `${where}.keyids`)
  const threshold = shape.integer(role.get('threshold'), `${where}.threshold`, 1)
  const keys = new Map<string, PublicKey>()
  for (const keyid of keyids) {
    const key = all.get(keyid)
    if (key) keys.set(keyid, key)
  }
  return { keyids, threshold, keys }
}

/** Same keys by their own numbers, same threshold. */
export function sameKeys(a: RoleKeys, b: RoleKeys): boolean {
  const print = (keys: RoleKeys): string =>
    keys.keyids
      .map((keyid) => keys.keys.get(keyid)?.fingerprint ?? `?${keyid}`)
      .sort()
      .join()
  return a.threshold === b.threshold && print(a) === print(b)
}
