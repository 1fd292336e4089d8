import { countSignatures, delegationsFor, sameKeys, sha256Hex, type RoleKeys, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import { repoFolder, type Home } from '../home.js'
import { originsOf } from '../import-role.js'
import { keptProof, type KeptProof } from '../proofs.js'
import type { ImportedRole, ImportedRoles } from './key-choice.js'
import type { RepoView } from './repo-view.js'

/** The roles whose keys `key import --from` pinned. */
export class PinnedRoles implements ImportedRoles {
  private readonly home: Home

  constructor(home: Home) {
    this.home = home
  }

  async find(role: RoleName): Promise<ImportedRole | null> {
    const origins = await originsOf(this.home, role)
    const [first] = origins
    if (!first) return null
    if (origins.some((one) => !sameKeys(one.keys, first.keys)))
      throw new ClientError(
        'EDGE_AMBIGUOUS',
        `${role} was imported from ${origins.map((one) => one.originRepo).join(' and ')} with different keys: name the keys themselves`,
      )
    return { role, keys: first.keys, origin: first.firstRootSha256 }
  }
}

/**
 * The file of an imported role that goes to another registry unchanged (protocol D5), with those that it delegates this
 * path to; empty when the role was not imported, or when what is there is as new. Throws ORIGIN_CHANGED_KEYS when the
 * destination's edge names other keys than the origin's: a file that nobody there could verify.
 */
export async function importedFiles(
  home: Home,
  view: RepoView,
  role: RoleName,
  keys: RoleKeys,
  path: string,
): Promise<KeptProof[]> {
  for (const { originRepo } of await originsOf(home, role)) {
    if (originRepo === view.repo) continue
    const proof = await keptProof(repoFolder(home, originRepo), role)
    if (!proof) continue
    requireSameOrigin(proof, keys, originRepo, view.repo)
    const files = isNews(view, proof) ? [proof] : []
    for (const delegation of delegationsFor(proof.envelope.signed, path))
      for (const vote of delegation.votes) {
        const below = await keptProof(repoFolder(home, originRepo), vote.role)
        if (below && isNews(view, below)) files.push(below)
      }
    return files
  }
  return []
}

function requireSameOrigin(proof: KeptProof, keys: RoleKeys, origin: string, destination: string): void {
  if (countSignatures(keys, proof.envelope).ok) return
  throw new ClientError(
    'ORIGIN_CHANGED_KEYS',
    `${proof.role} version ${proof.version} of ${origin} is not signed as ${destination} demands: ` +
      `${sameKeys(keys, proof.keys) ? 'its signatures do not suffice' : 'the keys of the role have changed at the origin'}. Compare them with its publisher, then ` +
      '`nv2 key import --from` and `nv2 delegate` again',
    { detail: { role: proof.role, version: proof.version } },
  )
}

function isNews(view: RepoView, proof: KeptProof): boolean {
  const there = view.listed(proof.role)
  if (!there || there.version < proof.version) return true
  if (there.version > proof.version || there.sha256 === sha256Hex(proof.envelope.bytes)) return false
  // Two files under one number, both signed: somebody's key says two things (protocol D5).
  throw new ClientError(
    'CONFLICT',
    `${view.repo} has another version ${proof.version} of ${proof.role} than the one that was downloaded; ask its publisher which is right`,
    { detail: { role: proof.role, version: proof.version } },
  )
}
