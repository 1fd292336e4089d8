import { createHash } from 'node:crypto'
import { matchPaths } from './glob.js'
import type { Delegation, RoleKeys, RoleName, Targets, Vote } from './types.js'

/** A delegation that reaches a role, and the vote in it that is this role's. */
export interface Edge {
  readonly delegation: Delegation
  readonly vote: Vote
}

/** Every edge of a delegator that leads to this role, in listed order. */
export function edgesTo(targets: Targets, role: RoleName): Edge[] {
  const edges: Edge[] = []
  for (const delegation of targets.delegations)
    for (const vote of delegation.votes) if (vote.role === role) edges.push({ delegation, vote })
  const bin = targets.succinct && binOf(targets.succinct.namePrefix, targets.succinct.bitLength, role)
  if (targets.succinct && bin) edges.push(binEdge(role, targets.succinct.keys))
  return edges
}

/** The delegations that are for a target path, in the order in which they are searched. */
export function delegationsFor(targets: Targets, path: string): Delegation[] {
  if (targets.succinct) {
    const { bitLength, namePrefix, keys } = targets.succinct
    const first = createHash('sha256').update(path, 'utf8').digest().readUInt32BE(0)
    const bin = bitLength === 32 ? first : first >>> (32 - bitLength)
    return [
      binEdge(`${namePrefix}-${bin.toString(16).padStart(Math.ceil(bitLength / 4), '0')}`, keys).delegation,
    ]
  }
  return targets.delegations.filter((delegation) => matchPaths(delegation.paths, path))
}

/** TAP 15: the text says non-terminating, every implementation has it terminating; we follow those. */
function binEdge(role: RoleName, keys: RoleKeys): Edge {
  const vote = { role, keys }
  return {
    vote,
    delegation: {
      name: role,
      paths: { kind: 'paths', patterns: [] },
      terminating: true,
      votes: [vote],
      minAgreement: 1,
      multi: false,
    },
  }
}

function binOf(prefix: string, bitLength: number, role: RoleName): boolean {
  const digits = Math.ceil(bitLength / 4)
  const hex = role.slice(prefix.length + 1)
  return (
    role.startsWith(`${prefix}-`) &&
    hex.length === digits &&
    /^[0-9a-f]+$/.test(hex) &&
    Number.parseInt(hex, 16) < 2 ** bitLength
  )
}

/**
 * A role's name as one path segment of a URL or file: everything but a-z 0-9 - _ ~ and inner dots is percent-encoded,
 * so `../x`, `A` beside `a`, and `a/b` are safe on every file system. Very long names become `%%` + their sha256.
 */
export function encodeRole(role: RoleName): string {
  let text = ''
  for (const byte of Buffer.from(role, 'utf8')) {
    const c = String.fromCharCode(byte)
    text +=
      /[a-z0-9_~-]/.test(c) || (c === '.' && text !== '')
        ? c
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text.length <= 180 ? text : `%%${createHash('sha256').update(role, 'utf8').digest('hex')}`
}

/** The name behind encodeRole, or null: a hashed name does not lead back, and other text was not made by us. */
export function decodeRole(encoded: string): RoleName | null {
  if (encoded.startsWith('%%')) return null
  try {
    const role = decodeURIComponent(encoded)
    return encodeRole(role) === encoded ? role : null
  } catch {
    return null
  }
}

/** `3.wabbit-networks%2Fnetmonitor.json`, or `timestamp.json` without a version (spec 6.2, consistent snapshots). */
export function fileName(role: RoleName, version?: number): string {
  return version === undefined ? `${encodeRole(role)}.json` : `${version}.${encodeRole(role)}.json`
}
