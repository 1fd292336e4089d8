import { TufError } from './errors.js'
import { checkPattern } from './glob.js'
import { TOP_LEVEL, type Delegation, type RoleName } from './types.js'

/**
 * What we write and what a service accepts, beyond what a client reads: no delegated role called like a top-level one
 * (its file would take that one's place), no threshold above the keys, no key twice in a role, patterns by protocol N1.
 */
export function checkDelegation(delegation: Delegation): void {
  for (const { role, keys } of delegation.votes) {
    if ((TOP_LEVEL as readonly string[]).includes(role.toLowerCase()))
      throw new TufError('BAD_ROLE_NAME', `a delegated role cannot be called ${role}`, { role })
    // A group's entry without any key says so openly: `revoke --force` leaves it unsatisfiable, and readable (cli.md).
    if (delegation.multi && keys.keyids.length === 0) continue
    const held = new Set([...keys.keys.values()].flatMap((key) => key.fingerprint ?? []))
    if (held.size < keys.threshold)
      throw new TufError(
        'METADATA_INVALID',
        `${role} would need ${keys.threshold} signatures and has ${held.size} usable keys: nobody could ever sign for it`,
        { role },
      )
  }
  if (delegation.paths.kind === 'paths') {
    if (delegation.paths.patterns.length === 0)
      throw new TufError('BAD_PATTERN', `the delegation ${delegation.name} is for no path at all`)
    delegation.paths.patterns.forEach(checkPattern)
  }
}

/**
 * Protocol P6: a delegator names only roles under its own name, so one tenant cannot give out another's names;
 * the top-level targets role may name any. Throws BAD_ROLE_NAME.
 */
export function checkRoleName(delegator: RoleName, role: RoleName): void {
  if (delegator !== 'targets' && !role.startsWith(`${delegator}/`))
    throw new TufError(
      'BAD_ROLE_NAME',
      `${delegator} may delegate only to roles under its own name, such as ${delegator}/x, not to ${role}`,
      { role: delegator },
    )
}

/** Who may have delegated to a role under checkRoleName: the top level, and the roles whose names its own begins with. */
export function namesAbove(role: RoleName): RoleName[] {
  const names: RoleName[] = role === 'targets' ? [] : ['targets']
  for (let i = role.indexOf('/'); i >= 0; i = role.indexOf('/', i + 1)) names.push(role.slice(0, i))
  return names
}
