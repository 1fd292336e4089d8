import { delegate, parseMember, type RoleRequest } from '@nv2/client'
import type { Run } from '../context.js'
import { usage } from '../errors.js'
import { count, editedJson, editedText, warnings, workbench } from './publishing.js'

interface Flags {
  readonly key?: readonly string[]
  readonly threshold?: string
  readonly path?: readonly string[]
  readonly terminating?: boolean
  readonly allOf?: readonly string[]
  readonly min?: string
  readonly allowSharedKey?: boolean
  readonly repo?: string
  readonly expires?: string
}

export const run: Run<Flags> = async (context, [from = '', to], flags) => {
  const roles = flags.allOf === undefined ? [single(to, flags)] : group(to, flags)
  const bench = await workbench(context, flags.expires)
  const edited = await delegate(bench, {
    from,
    to: roles,
    paths: flags.path ?? [],
    terminating: flags.terminating ?? false,
    allowSharedKey: flags.allowSharedKey ?? false,
    ...(flags.min !== undefined && { minAgreement: count(flags.min, '--min') }),
    ...(flags.repo !== undefined && { repo: flags.repo }),
  })
  warnings(context, bench, edited.warnings)
  context.out.result(
    { ...editedJson(edited), delegatedTo: roles.map(({ role }) => role) },
    editedText(edited),
  )
}

function single(role: string | undefined, { key, threshold, min }: Flags): RoleRequest {
  if (role === undefined)
    throw usage('say the role that is delegated to, or --all-of ROLE=KEY for each of a group')
  if (min !== undefined) throw usage('--min is for a group, made with --all-of')
  if (key === undefined) throw usage(`${role} needs at least one --key`)
  return { role, keys: key, ...(threshold !== undefined && { threshold: count(threshold, '--threshold') }) }
}

function group(to: string | undefined, { key, allOf = [] }: Flags): RoleRequest[] {
  if (to !== undefined || key !== undefined)
    throw usage('--all-of names roles and keys itself: leave out the role and --key')
  if (allOf.length < 2) throw usage('a group has at least two roles: give --all-of twice')
  return allOf.map(parseMember)
}
