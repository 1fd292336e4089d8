import { checkRoleName, TOP_LEVEL, withDelegation, type Delegation, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import { editRole, type Edited } from './edit.js'
import { chooseKeys, requireUnshared } from './key-choice.js'
import { pathPatterns } from './path-patterns.js'
import type { RepoView } from './repo-view.js'
import type { Workbench } from './workbench.js'

export interface RoleRequest {
  readonly role: RoleName
  /** Names of keys, or of imported roles. */
  readonly keys: readonly string[]
  readonly threshold?: number
}

export interface DelegateRequest {
  readonly from: RoleName
  /** One: a plain delegation. Several: a TAP 3 group. */
  readonly to: readonly RoleRequest[]
  /** How many roles of a group must agree; all when left out. */
  readonly minAgreement?: number
  readonly paths: readonly string[]
  readonly terminating?: boolean
  readonly repo?: string
  readonly allowSharedKey?: boolean
}

/** Adds a delegation to the draft of `from`, or states the one of the same roles anew. Nothing is written unless all is right. */
export async function delegate(bench: Workbench, request: DelegateRequest): Promise<Edited> {
  const { from } = request
  checkNames(request)
  const paths = pathPatterns(request.paths)
  const roles = request.to.map((one) => one.role)
  const minAgreement = request.minAgreement ?? roles.length
  if (minAgreement < 1 || minAgreement > roles.length)
    throw new ClientError(
      'THRESHOLD_IMPOSSIBLE',
      `--min ${minAgreement} of ${roles.length} roles can never be met`,
    )
  const votes = await Promise.all(
    request.to.map(async ({ role, keys, threshold }) => ({
      role,
      keys: await chooseKeys(role, keys, threshold, bench.keyring, bench.imported),
    })),
  )
  const view = await bench.repositories.holding(from, request.repo)
  if (request.allowSharedKey !== true) {
    const views = await bench.repositories.all()
    for (const { role, keys } of votes)
      await requireUnshared(view.repo, role, keys, views, bench.keyring, bench.imported)
  }
  const delegation: Delegation = {
    name: roles.join(' + '),
    paths: { kind: 'paths', patterns: paths },
    terminating: request.terminating ?? false,
    votes,
    minAgreement,
    multi: votes.length > 1,
  }
  const replaced = await earlier(view, from, delegation)
  const edited = await editRole(view, from, (tree) => withDelegation(tree, delegation), bench)
  return { ...edited, warnings: [...replaced, ...edited.warnings] }
}

function checkNames({ from, to }: DelegateRequest): void {
  const [first] = to
  if (!first)
    throw new ClientError('USAGE', 'say which role is delegated to, or --all-of ROLE=KEY at least twice')
  if (['root', 'timestamp', 'snapshot'].includes(from))
    throw new ClientError('USAGE', `${from} does not delegate; top-level delegations are made by targets`)
  for (const { role } of to) {
    if ((TOP_LEVEL as readonly string[]).includes(role.toLowerCase()) || role === '')
      throw new ClientError('USAGE', `a delegated role cannot be called ${JSON.stringify(role)}`)
    checkRoleName(from, role)
  }
  const twice = to.find(({ role }, i) => to.findIndex((other) => other.role === role) !== i)
  if (twice)
    throw new ClientError('USAGE', `${twice.role} is named twice: in a group every role has one vote`)
}

/** A delegation of the same name is stated anew, not added to: the user should hear which paths that takes away. */
async function earlier(view: RepoView, from: RoleName, delegation: Delegation): Promise<string[]> {
  const base = await view.newest(from)
  const held = base?.envelope.signed.delegations.find((one) => one.name === delegation.name)
  if (held?.paths.kind !== 'paths' || delegation.paths.kind !== 'paths') return []
  const { patterns } = delegation.paths
  const lost = held.paths.patterns.filter((pattern) => !patterns.includes(pattern))
  return lost.length === 0
    ? []
    : [
        `${delegation.name} was delegated ${lost.join(', ')} before and no longer is; give every --path that it should have`,
      ]
}

const MEMBER = /^([^=]+)=([^=]+?)(?:\/([1-9][0-9]{0,3}))?$/

/** Reads `ROLE=KEY[,KEY...][/THRESHOLD]` of --all-of. */
export function parseMember(text: string): RoleRequest {
  const [, role = '', keys = '', threshold] = MEMBER.exec(text) ?? []
  const names = keys.split(',').map((name) => name.trim())
  if (role === '' || names.some((name) => name === ''))
    throw new ClientError('USAGE', `--all-of ${JSON.stringify(text)} should be ROLE=KEY[,KEY...][/THRESHOLD]`)
  return { role, keys: names, ...(threshold === undefined ? {} : { threshold: Number(threshold) }) }
}
