import {
  addSignatures,
  countSignatures,
  newTargets,
  payloadOf,
  sign,
  withVersion,
  type Envelope,
  type JsonObject,
  type RoleKeys,
  type RoleName,
  type Signer,
  type Targets,
} from '@nv2/tuf'
import type { Draft, VersionRef } from './drafts.js'
import { keyOf, type Keyring } from './keyring.js'
import type { KnownRole, RepoView } from './repo-view.js'

const DAY = 24 * 60 * 60 * 1000
/** Life of targets and delegated roles (cli.md). */
export const TARGETS_LIFE = 90 * DAY

/** How a command writes drafts. */
export interface Editor {
  readonly keyring: Keyring
  readonly now: Date
  /** Milliseconds; default 90 days. */
  readonly life?: number
}

/** A draft as a command leaves it, in words for a user. */
export interface Edited {
  readonly repo: string
  readonly role: RoleName
  readonly version: number
  readonly path: string
  readonly signatures: SignatureState
  readonly warnings: readonly string[]
}

export interface SignatureState {
  /** Names of keys whose signatures count; of all signers while no edge to the role is known. */
  readonly signed: readonly string[]
  readonly missing: readonly string[]
  /** Null while nobody is known to delegate to the role. */
  readonly threshold: number | null
}

/**
 * Changes a role's statement and signs it with every local key that its edge names (cli.md, "Metadata is edited in
 * drafts"). A draft that only this machine has seen is rewritten at its version; else the version goes up.
 */
export async function editRole(
  view: RepoView,
  role: RoleName,
  change: (tree: JsonObject) => JsonObject,
  editor: Editor,
  revocation = false,
): Promise<Edited> {
  const base = await view.newest(role)
  const keys = await view.keysOf(role)
  const version =
    base?.draft && (await isOurs(base.draft, keys, editor.keyring))
      ? base.draft.version
      : highestKnown(view, role) + 1
  const tree = change(statement(base, version, editor))
  const signers = keys ? await editor.keyring.signersFor(keys) : []
  return keep(view, role, { base, version, bytes: await sign(tree, signers), revocation }, editor)
}

/**
 * `sign`: when the newest unpublished version says exactly this, one signature more; else the next version, signed by
 * this key alone.
 */
export async function signRole(
  view: RepoView,
  role: RoleName,
  change: (tree: JsonObject) => JsonObject,
  signer: Signer,
  editor: Editor,
): Promise<Edited> {
  const base = await view.newest(role)
  const draft = base?.draft
  if (draft && same(payloadOf(change(draft.envelope.tree)), draft.envelope.payload))
    return addSignature(view, draft, signer, editor)
  const version = highestKnown(view, role) + 1
  const bytes = await sign(change(statement(base, version, editor)), [signer])
  return keep(view, role, { base, version, bytes, revocation: false }, editor)
}

/** One signature more on a draft; what is signed stays to the byte. */
export async function addSignature(
  view: RepoView,
  draft: Draft,
  signer: Signer,
  editor: Editor,
): Promise<Edited> {
  const own = { keyids: [signer.key.keyid], threshold: 1, keys: new Map([[signer.key.keyid, signer.key]]) }
  const bytes = countSignatures(own, draft.envelope).ok
    ? draft.envelope.bytes
    : await addSignatures(draft.envelope.bytes, [signer])
  const kept = await draft.drafts.save(draft.role, draft.version, bytes, draft.note)
  return describe(view, kept, editor.keyring)
}

/** Signs a draft with every local key of these, where its signature is missing. */
export async function signWithLocalKeys(draft: Draft, keys: RoleKeys, keyring: Keyring): Promise<Draft> {
  const { missing } = countSignatures(keys, draft.envelope)
  const lacking = { ...keys, keyids: keys.keyids.filter((keyid) => missing.includes(keyid)) }
  const signers = await keyring.signersFor(lacking)
  if (signers.length === 0) return draft
  const bytes = await addSignatures(draft.envelope.bytes, signers)
  return draft.drafts.save(draft.role, draft.version, bytes, draft.note)
}

/** Drafts, uploads and publications alike: a number that anyone may have seen is not used again. */
function highestKnown(view: RepoView, role: RoleName): number {
  return Math.max(view.listed(role)?.version ?? 0, view.draft(role)?.version ?? 0)
}

async function isOurs(draft: Draft, keys: RoleKeys | null, keyring: Keyring): Promise<boolean> {
  if (draft.note.uploaded !== null) return false
  const local = (await keyring.all()).filter((key) => key.isPrivate)
  return draft.envelope.signatures.every(({ keyid }) => {
    const key = keys?.keys.get(keyid)
    return local.some((one) => one.key.keyid === keyid || one.key.fingerprint === key?.fingerprint)
  })
}

function statement(base: KnownRole | null, version: number, editor: Editor): JsonObject {
  const expires = new Date(editor.now.getTime() + (editor.life ?? TARGETS_LIFE))
  return base ? withVersion(base.envelope.tree, { version, expires }) : newTargets({ version, expires })
}

interface Change {
  readonly base: KnownRole | null
  readonly version: number
  readonly bytes: Uint8Array
  readonly revocation: boolean
}

async function keep(view: RepoView, role: RoleName, change: Change, editor: Editor): Promise<Edited> {
  const draft = change.base?.draft
  // A draft that no repository has claimed stays where it is until it is uploaded.
  const place = draft?.drafts ?? view.drafts
  const kept = await place.save(role, change.version, change.bytes, {
    replaces: replacedBy(view, role, draft ?? null),
    // A revocation that was never sent is still one after the next edit.
    revocation: change.revocation || (draft?.note.uploaded === null && draft.note.revocation),
    uploaded: null,
  })
  return describe(view, kept, editor.keyring)
}

/** What the service has of a role, as far as is known here. */
function replacedBy(view: RepoView, role: RoleName, draft: Draft | null): VersionRef | null {
  if (!draft) return view.listed(role)
  return draft.note.uploaded === null
    ? draft.note.replaces
    : { version: draft.version, sha256: draft.note.uploaded }
}

/** Who has signed a draft and who has not, by the names of keys here. */
export async function signatureState(
  keys: RoleKeys | null,
  envelope: Envelope<Targets>,
  keyring: Keyring,
): Promise<SignatureState> {
  if (!keys) {
    const labels = envelope.signatures.map(async ({ keyid }) => {
      const stored = (await keyring.all()).find((one) => one.key.keyid === keyid)
      return keyring.label(keyid, stored?.key)
    })
    return { signed: await Promise.all(labels), missing: [], threshold: null }
  }
  const verdict = countSignatures(keys, envelope)
  const label = (keyid: string): Promise<string> => keyring.label(keyid, keys.keys.get(keyid))
  const signed = verdict.signed.map(async (key) => label(keyOf(keys, key)?.keyid ?? key.keyid))
  return {
    signed: await Promise.all(signed),
    missing: await Promise.all(verdict.missing.map(label)),
    threshold: verdict.threshold,
  }
}

async function describe(view: RepoView, draft: Draft, keyring: Keyring): Promise<Edited> {
  const keys = await view.keysOf(draft.role)
  const warnings = view.overtaken
    .filter((old) => old.role === draft.role && old.note.uploaded === null)
    .map(
      (old) =>
        `the draft ${old.path} was made before somebody else published version ${String(draft.version - 1)} of ${old.role}; ` +
        'what only that draft says is not in the new one',
    )
  return {
    repo: view.repo,
    role: draft.role,
    version: draft.version,
    path: draft.path,
    signatures: await signatureState(keys, draft.envelope, keyring),
    warnings,
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
