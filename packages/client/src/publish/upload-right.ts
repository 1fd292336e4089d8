import { canonical, jsonObject, sha256Hex, type RoleKeys, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import type { Keyring } from './keyring.js'
import type { RepoView } from './repo-view.js'

/** Well below what services accept, and long enough for a slow line. */
const PROOF_LIFE = 5 * 60 * 1000

export interface ProofRequest {
  /** Sha256 of the repository's first root: the name that no server chooses. */
  readonly repository: string
  readonly roles: readonly { readonly role: RoleName; readonly version: number }[]
  readonly body: Uint8Array
  readonly now: Date
}

/**
 * The right to upload (protocol P5): a signature over the very request for each role, by a key of its edge, of another
 * vote of its group, or of an edge above, whoever of them is here. Returns the header.
 */
export async function signRequest(
  view: RepoView,
  keyring: Keyring,
  request: ProofRequest,
): Promise<Record<string, string>> {
  const expires = `${new Date(request.now.getTime() + PROOF_LIFE).toISOString().slice(0, 19)}Z`
  const proofs = []
  for (const { role, version } of request.roles) {
    const signer = await anyHolder(view, keyring, role)
    const payload = canonical(
      jsonObject([
        ['_type', 'nv2-upload'],
        ['repository', request.repository],
        ['role', role],
        ['version', version],
        ['body', sha256Hex(request.body)],
        ['expires', expires],
      ]),
    )
    const sig = Buffer.from(await signer.sign(payload)).toString('hex')
    proofs.push({ role, keyid: signer.key.keyid, sig })
  }
  return { 'nv2-signature': Buffer.from(JSON.stringify({ expires, proofs })).toString('base64') }
}

async function anyHolder(view: RepoView, keyring: Keyring, role: RoleName) {
  for (const keys of await holders(view, role)) {
    const [own] = await keyring.privateOf(keys)
    if (own) return keyring.signer(own.name, own.key)
  }
  throw new ClientError(
    'KEY_NOT_DELEGATED',
    `no private key here gives the right to upload ${role} to ${view.repo}: it takes a key of the role, of its group, or of a role above. ` +
      'Where the operator gave you a token: --token-file FILE',
  )
}

/** Nearest first: the role's own edge, its group, then those above up to the top level. */
async function holders(view: RepoView, role: RoleName): Promise<RoleKeys[]> {
  const found: RoleKeys[] = []
  const seen = new Set<RoleName>()
  for (let at = role; !seen.has(at);) {
    seen.add(at)
    const edges = await view.edgesTo(at)
    found.push(...edges.map(({ vote }) => vote.keys))
    found.push(...edges.flatMap(({ delegation }) => delegation?.votes.map((vote) => vote.keys) ?? []))
    const [edge] = edges
    if (!edge || edge.delegator === 'root') break
    at = edge.delegator
  }
  return found
}
