import type { Envelope, RoleName, Root, Targets } from '@nv2/tuf'
import type { VersionRef } from './drafts.js'

/** What a repository's last verified publication says. Roles are read when they are asked for. */
export interface Published {
  readonly root: Root
  /** The role as the snapshot names it, verified over an edge; null when there is none, or none that verifies. */
  role(name: RoleName): Promise<Envelope<Targets> | null>
  /** The file that the snapshot names, whether or not it still verifies. */
  listed(name: RoleName): VersionRef | null
}

/** Where publications come from. */
export interface Publications {
  /** As it was last verified here; null when nothing but a name is known. Needs no network. */
  lastVerified(repo: string): Promise<Published | null>
  /** As it is now, at this registry or the usual one. Throws UNREACHABLE, NO_ROOT when no registry is configured for it, or what was wrong with it. */
  refreshed(repo: string, registry?: string): Promise<Published>
}
