import {
  admit,
  metaFileOf,
  newSnapshot,
  newTimestamp,
  parse,
  search,
  sign,
  TufError,
  type Admission,
  type Envelope,
  type RepositoryView,
  type RoleName,
  type Root,
  type Targets,
  type TrustedTargets,
  namesAbove,
} from '@nv2/tuf'
import { ClientError } from '../errors.js'
import type { Outgoing } from './change-set.js'
import type { RepoView } from './repo-view.js'

/** What the service will say of this set, by the same rules, before a byte leaves. */
export async function checkSet(
  view: RepoView,
  roles: readonly Outgoing[],
  now: Date,
  revocation: boolean,
): Promise<Admission> {
  if (!view.root)
    throw new ClientError('NO_ROOT', `the root of ${view.repo} is not known here: \`nv2 registry add\``)
  const known = new Map<RoleName, Envelope<Targets>>()
  const note = async (role: RoleName): Promise<void> => {
    const envelope = known.has(role) ? null : await view.published(role)
    if (envelope) known.set(role, envelope)
  }
  for (const { role, bytes } of roles) {
    for (const name of [role, ...namesAbove(role)]) await note(name)
    // An edit may leave published children without enough signatures.
    for (const envelope of [known.get(role), parse('targets', bytes, { role })])
      for (const { votes } of envelope?.signed.delegations ?? [])
        for (const vote of votes) await note(vote.role)
  }
  const published: RepositoryView = { root: view.root, roles: known, owners: new Map() }
  const imported = new Set(roles.filter(({ draft }) => !draft).map(({ role }) => role))
  const changes = new Map(roles.map(({ role, bytes }) => [role, bytes]))
  return admit(published, changes, now, { revocation, imported })
}

/**
 * What a consumer's search would say of a path once all this is published; null when he would find it. Runs the
 * client's own rules over a made-up publication that nobody signed.
 */
export async function consumersRefuse(
  view: RepoView,
  admission: Admission,
  path: string,
  now: Date,
): Promise<string | null> {
  const roles = new Map(admission.view.roles)
  for (const { vote } of await view.edgesFor(path)) {
    const envelope = roles.has(vote.role) ? null : await view.published(vote.role)
    if (envelope) roles.set(vote.role, envelope)
  }
  const trusted = await asPublished({ ...admission.view, roles }, now)
  if (!trusted) return 'the repository has no targets'
  try {
    const steps = search(trusted, path, now)
    let step = steps.next()
    while (!step.done) step = steps.next(roles.get(step.value.role)?.bytes ?? null)
    return null
  } catch (error) {
    if (error instanceof TufError) return error.message
    throw error
  }
}

async function asPublished(view: RepositoryView, now: Date): Promise<TrustedTargets | null> {
  const envelope = view.roles.get('targets')
  if (!envelope) return null
  const lifetime = { version: 1, expires: new Date(now.getTime() + 60_000) }
  const meta = new Map(
    [...view.roles].map(([role, { bytes, signed }]) => [role, metaFileOf(bytes, signed.version)]),
  )
  const snapshot = await sign(newSnapshot({ ...lifetime, meta }), [])
  const timestamp = await sign(newTimestamp({ ...lifetime, snapshot: metaFileOf(snapshot, 1) }), [])
  const current = { step: 'current-root' as const, envelope: bare(view.root), root: view.root }
  return {
    step: 'targets',
    envelope,
    snapshot: {
      step: 'snapshot',
      envelope: parse('snapshot', snapshot),
      timestamp: { step: 'timestamp', envelope: parse('timestamp', timestamp), current },
    },
  }
}

function bare(root: Root): Envelope<Root> {
  return { bytes: new Uint8Array(), payload: new Uint8Array(), signed: root, tree: new Map(), signatures: [] }
}
