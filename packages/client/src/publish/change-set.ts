import { encodeJson, jsonObject, sha256Hex, type JsonObject, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import type { Home } from '../home.js'
import type { Draft, VersionRef } from './drafts.js'
import { signWithLocalKeys, signatureState } from './edit.js'
import { importedFiles } from './imports.js'
import type { Keyring } from './keyring.js'
import type { RepoView } from './repo-view.js'
import type { ServiceClient } from './service-client.js'

/** One role file to send. */
export interface Outgoing {
  readonly role: RoleName
  readonly version: number
  readonly bytes: Uint8Array
  /** Null: it comes unchanged from another repository. */
  readonly draft: Draft | null
}

/** Every local role on the path that the service lacks, delegators first (cli.md, `upload NAME`). */
export async function rolesFor(
  home: Home,
  view: RepoView,
  path: string,
  keyring: Keyring,
): Promise<Outgoing[]> {
  const found = new Map<RoleName, Outgoing>()
  for (const { vote } of await view.edgesFor(path)) {
    if (found.has(vote.role)) continue
    const draft = view.draft(vote.role)
    if (draft) found.set(vote.role, await ready(view, draft, keyring))
    else
      for (const proof of await importedFiles(home, view, vote.role, vote.keys, path))
        found.set(proof.role, {
          role: proof.role,
          version: proof.version,
          bytes: proof.envelope.bytes,
          draft: null,
        })
  }
  return [...found.values()]
}

export async function rolesOf(
  view: RepoView,
  drafts: readonly Draft[],
  keyring: Keyring,
): Promise<Outgoing[]> {
  const found: Outgoing[] = []
  for (const draft of drafts) found.push(await ready(view, draft, keyring))
  return found
}

/**
 * A draft that was begun before anybody delegated to its role has no signature at all; now its edge is known. One that
 * somebody has signed is never signed further without being told.
 */
async function ready(view: RepoView, draft: Draft, keyring: Keyring): Promise<Outgoing> {
  const keys = await view.keysOf(draft.role)
  const unsigned = draft.envelope.signatures.length === 0
  const signed = keys && unsigned ? await signWithLocalKeys(draft, keys, keyring) : draft
  return { role: signed.role, version: signed.version, bytes: signed.envelope.bytes, draft: signed }
}

/**
 * A version that somebody else has published first is a conflict, said with the head, never a draft that is silently
 * passed over (cli.md: a 409 never rebases silently). Throws CONFLICT.
 */
export function requireNotOvertaken(view: RepoView, roles: Iterable<RoleName>): void {
  for (const role of roles) {
    if (view.draft(role)) continue
    const mine = view.overtaken.filter((draft) => draft.role === role).sort((a, b) => a.version - b.version)
    const last = mine.at(-1)
    const head = view.listed(role)
    if (!last || !head || last.note.uploaded !== null || sha256Hex(last.envelope.bytes) === head.sha256)
      continue
    throw new ClientError(
      'CONFLICT',
      `somebody else has published version ${head.version} of ${role} since your draft of version ${last.version} was made: ` +
        'sign again to go on from theirs',
      { detail: { role, head } },
    )
  }
}

/** Below threshold nothing is sent: says who has to sign, before a byte leaves. */
export async function requireSigned(
  view: RepoView,
  roles: readonly Outgoing[],
  keyring: Keyring,
): Promise<void> {
  for (const { role, draft } of roles) {
    if (!draft) continue
    const keys = await view.keysOf(role)
    if (!keys)
      throw new ClientError(
        'ROLE_UNKNOWN',
        `nobody in ${view.repo} delegates to ${role} yet: its operator has to, and publish it; then upload again`,
      )
    const { signed, missing, threshold } = await signatureState(keys, draft.envelope, keyring)
    if (threshold === null || signed.length >= threshold) continue
    throw new ClientError(
      'SIGNATURES_MISSING',
      `${role} version ${draft.version} has ${signed.length} of ${threshold} signatures; missing: ${missing.join(', ')}. ` +
        `Whoever holds such a key signs with \`nv2 sign --role ${role} KEY\``,
      { detail: { role, version: draft.version, signed, missing, threshold } },
    )
  }
}

/** The body of an upload. */
export async function changeSet(
  service: Pick<ServiceClient, 'head'>,
  roles: readonly Outgoing[],
  revocation: boolean,
): Promise<Uint8Array> {
  const items = []
  for (const { role, bytes, draft } of roles) {
    // An imported file follows whatever is there: its version is its publisher's. A draft names what it was made from,
    // and never anything newer: that would undo somebody else's work unseen.
    const replaces = draft ? draft.note.replaces : await service.head(role)
    items.push(
      jsonObject([
        ['role', role],
        ['replaces', replaces && refTree(replaces)],
        ['imported', draft === null ? true : undefined],
        ['metadata', Buffer.from(bytes).toString('base64')],
      ]),
    )
  }
  return encodeJson(
    jsonObject([
      ['version', 1],
      ['revocation', revocation],
      ['roles', items],
    ]),
  )
}

function refTree({ version, sha256 }: VersionRef): JsonObject {
  return jsonObject([
    ['version', version],
    ['sha256', sha256],
  ])
}
