import { createHash, timingSafeEqual } from 'node:crypto'
import {
  edgesTo,
  namesAbove,
  TufError,
  verifySignature,
  type RepositoryView,
  type RoleKeys,
  type RoleName,
  type Root,
} from '@nv2/tuf'
import { ServiceError } from './errors.js'
import { proofPayload, type Proof, type TokenRight } from './proof.js'
import { filesOf, type Upload } from './upload.js'

export interface RightsContext {
  /** The service's name of the repository, which tokens carry. */
  readonly repository: string
  /** Sha256 of the repository's first root, which signatures cover. */
  readonly firstRoot: string
  readonly tokens: readonly TokenRight[]
  readonly view: RepositoryView
  readonly newestRoot: Root
  /** Sha256 of the request's body. */
  readonly body: string
  readonly now: Date
}

const LONGEST_PROOF_MS = 10 * 60_000

/**
 * Metadata says neither which role nor which repository it is for, so a role's signature alone proves no right to put
 * it here: what was signed as `staging` would pass as `prod` (protocol P5). Every role of the set needs a right.
 */
export function requireRight(upload: Upload, proof: Proof, context: RightsContext): void {
  if (proof.token !== undefined) {
    requireToken(upload, proof.token, context)
    return
  }
  if (!proof.signed)
    throw new ServiceError(
      'UNAUTHORIZED',
      'an upload needs a bearer token or a signature of the request by a key of the role',
    )
  const expires = Date.parse(proof.signed.expires)
  if (!(expires > context.now.getTime()))
    throw new ServiceError(
      'UNAUTHORIZED',
      'the signature of the request has expired: check this clock, then upload again',
    )
  if (expires > context.now.getTime() + LONGEST_PROOF_MS)
    throw new ServiceError('UNAUTHORIZED', 'the signature of the request is valid for more than 10 minutes')
  for (const { role, version } of filesOf(upload)) {
    const payload = proofPayload(context.firstRoot, role, version, context.body, proof.signed.expires)
    const holders = holdersOf(role, upload, context)
    const right = proof.signed.proofs
      .filter((one) => one.role === role)
      .some(({ keyid, sig }) =>
        holders.some((keys) => {
          const key = keys.keys.get(keyid)
          return key !== undefined && verifySignature(key, payload, sig)
        }),
      )
    if (!right)
      throw new ServiceError(
        'DENIED',
        `the request is not signed by a key that may upload ${role}: a key of the role, or of a role that it is delegated from`,
        { detail: { role } },
      )
  }
}

function requireToken(upload: Upload, token: string, context: RightsContext): void {
  const digest = createHash('sha256').update(token).digest()
  let known: TokenRight[] = []
  // All are compared, each in constant time: the time tells nothing of how near a guess came.
  for (const right of context.tokens) {
    const expected = Buffer.from(right.sha256, 'hex')
    if (expected.length === digest.length && timingSafeEqual(expected, digest)) known = [...known, right]
  }
  if (known.length === 0) throw new ServiceError('UNAUTHORIZED', 'the service does not know this token')
  for (const { role } of filesOf(upload))
    if (
      !known.some(
        (right) => right.repository === context.repository && right.roles.some((one) => covers(one, role)),
      )
    )
      throw new ServiceError(
        'DENIED',
        `this token gives no right to upload ${role} to ${context.repository}`,
        {
          detail: { role },
        },
      )
}

function covers(pattern: string, role: RoleName): boolean {
  return (
    pattern === '*' || pattern === role || (pattern.endsWith('/*') && role.startsWith(pattern.slice(0, -1)))
  )
}

/**
 * Whose signature gives the right: the keys of the role's edge, of the other votes of its group, and of the edges above
 * it, each of which could replace the edge anyway. Edges of this very set count: whoever put them in needs their own right.
 */
function holdersOf(role: RoleName, upload: Upload, { view, newestRoot }: RightsContext): RoleKeys[] {
  const newRoot = upload.root?.envelope.signed
  if (role === 'root') return [newestRoot.roles.root, ...(newRoot ? [newRoot.roles.root] : [])]
  const roles = new Map([...view.roles, ...upload.roles.map((file) => [file.role, file.envelope] as const)])
  const holders: RoleKeys[] = []
  const seen = new Set<RoleName>()
  for (let at: RoleName | undefined = role; at !== undefined && at !== 'targets' && !seen.has(at);) {
    seen.add(at)
    const name: RoleName = at
    const owner = view.owners.get(name)
    const delegator: RoleName | undefined = [
      ...(owner === undefined ? [] : [owner]),
      ...namesAbove(name),
      ...roles.keys(),
    ].find((one) => edgesTo(roles.get(one)?.signed ?? nothing, name).length > 0)
    if (delegator === undefined)
      throw new TufError(
        'ROLE_NOT_DELEGATED',
        `no role of this repository delegates to ${name}: its delegator must be uploaded first, or in the same set`,
        { role: name },
      )
    const delegating = roles.get(delegator)?.signed ?? nothing
    for (const { delegation } of edgesTo(delegating, name))
      holders.push(...delegation.votes.map((vote) => vote.keys))
    at = delegator
  }
  return [...holders, newestRoot.roles.targets, ...(newRoot ? [newRoot.roles.targets] : [])]
}

const nothing = {
  type: 'targets',
  version: 1,
  expires: new Date(0),
  targets: new Map(),
  delegations: [],
} as const
