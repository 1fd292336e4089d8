import { createHash } from 'node:crypto'
import type { MetadataStore } from '@nv2/store'
import {
  newRoot,
  newTargets,
  roleKeys,
  sha256Hex,
  sign,
  withDelegation,
  withTarget,
  type JsonObject,
  type TopLevelRole,
} from '@nv2/tuf'
import { key, later, NOW } from './keys.js'
import { proofPayload, Repository, type Proof, type RepositoryOptions } from '../src/index.js'

export { client } from './client.js'
export { DAY, key, later, NOW } from './keys.js'

export type Holders = Readonly<Record<TopLevelRole, readonly string[]>>
export const HOLDERS: Holders = {
  root: ['root'],
  targets: ['targets'],
  snapshot: ['snapshot'],
  timestamp: ['timestamp'],
}

export function rootTree(version: number, holders: Partial<Holders> = {}, expires = later(365)): JsonObject {
  const all = { ...HOLDERS, ...holders }
  const role = (name: TopLevelRole) => ({
    keys: all[name].map((word) => key(word).key),
    threshold: all[name].length,
  })
  return newRoot({
    version,
    expires,
    roles: {
      root: role('root'),
      targets: role('targets'),
      snapshot: role('snapshot'),
      timestamp: role('timestamp'),
    },
  })
}

export const signed = (tree: JsonObject, ...words: string[]): Promise<Uint8Array> =>
  sign(tree, words.map(key))

export interface RoleSpec {
  readonly version?: number
  readonly expires?: Date
  /** Delegated role -> the words of its keys. */
  readonly delegates?: Readonly<Record<string, readonly string[]>>
  /** Target paths. */
  readonly targets?: readonly string[]
  readonly paths?: readonly string[]
}

export function roleTree(spec: RoleSpec = {}): JsonObject {
  let tree = newTargets({ version: spec.version ?? 1, expires: spec.expires ?? later(90) })
  for (const path of spec.targets ?? [])
    tree = withTarget(tree, {
      path,
      length: contentOf(path).length,
      hashes: new Map([['sha256', sha256Hex(contentOf(path))]]),
      custom: undefined,
    })
  for (const [role, words] of Object.entries(spec.delegates ?? {}))
    tree = withDelegation(tree, {
      name: role,
      paths: {
        kind: 'paths',
        patterns: spec.paths ?? ['wabbit-networks/netmonitor:*', 'wabbit-networks/netmonitor@*'],
      },
      terminating: false,
      votes: [
        {
          role,
          keys: roleKeys(
            words.map((word) => key(word).key),
            words.length,
          ),
        },
      ],
      minAgreement: 1,
      multi: false,
    })
  return tree
}

export const contentOf = (path: string): Uint8Array => Buffer.from(`content of ${path}`)

export interface SetOptions {
  readonly revocation?: boolean
  readonly replaces?: Readonly<Record<string, { version: number; sha256: string } | null>>
  readonly imported?: readonly string[]
}

export function uploadBody(
  files: Readonly<Record<string, Uint8Array>>,
  options: SetOptions = {},
): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      version: 1,
      revocation: options.revocation ?? false,
      roles: Object.entries(files).map(([role, bytes]) => ({
        role,
        replaces: options.replaces?.[role] ?? null,
        ...(options.imported?.includes(role) ? { imported: true } : {}),
        metadata: Buffer.from(bytes).toString('base64'),
      })),
    }),
  )
}

/** A request signature by these keys: role -> word. */
export async function proofFor(
  repository: Pick<Repository, 'firstRoot'>,
  body: Uint8Array,
  versions: Readonly<Record<string, number>>,
  by: Readonly<Record<string, string>>,
  expires = new Date(NOW.getTime() + 60_000),
): Promise<Proof> {
  const text = expires.toISOString()
  const proofs = await Promise.all(
    Object.entries(by).map(async ([role, word]) => {
      const payload = proofPayload(repository.firstRoot, role, versions[role] ?? 1, sha256Hex(body), text)
      return {
        role,
        keyid: key(word).key.keyid,
        sig: Buffer.from(await key(word).sign(payload)).toString('hex'),
      }
    }),
  )
  return { signed: { expires: text, proofs } }
}

/** A token that may do everything: for tests of what comes after the right to upload. */
export const TOKEN = 'all-rights'
export const ALL_RIGHTS = {
  sha256: createHash('sha256').update(TOKEN).digest('hex'),
  repository: 'public',
  roles: ['*'],
}

export async function open(
  store: MetadataStore,
  options: Partial<RepositoryOptions> = {},
): Promise<Repository> {
  return Repository.open({
    name: 'public',
    rootBytes: await signed(rootTree(1), 'root'),
    store,
    signers: [key('snapshot'), key('timestamp')],
    tokens: [ALL_RIGHTS],
    ...options,
  })
}

/** Uploads with all rights; what each role replaces is asked of the service, unless it is stated. */
export async function put(
  repository: Repository,
  files: Readonly<Record<string, Uint8Array>>,
  options: SetOptions & { now?: Date } = {},
) {
  const replaces: Record<string, { version: number; sha256: string } | null> = {}
  for (const role of Object.keys(files)) {
    const head = (await repository.role(role)).head
    replaces[role] = head && { version: head.version, sha256: head.sha256 }
  }
  const body = uploadBody(files, { ...options, replaces: { ...replaces, ...options.replaces } })
  return repository.accept(body, { token: TOKEN }, options.now ?? NOW)
}

export const NETMONITOR = 'wabbit-networks/netmonitor'

/** Targets delegates to wabbit-networks, that one to netmonitor, which lists one image. */
export async function story(): Promise<Record<string, Uint8Array>> {
  return {
    targets: await signed(roleTree({ delegates: { 'wabbit-networks': ['wabbit'] } }), 'targets'),
    'wabbit-networks': await signed(roleTree({ delegates: { [NETMONITOR]: ['dev'] } }), 'wabbit'),
    [NETMONITOR]: await signed(roleTree({ targets: [`${NETMONITOR}:latest`] }), 'dev'),
  }
}

/** Every name in the store with what it holds: equal before and after means that nothing was written. */
export async function contents(store: MetadataStore): Promise<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const { name } of await store.list('')) {
    const stored = await store.read(name)
    all[name] = stored ? sha256Hex(stored.bytes) : ''
  }
  return all
}

export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  }
  return 'no error'
}

export const sha = (bytes: Uint8Array): string => sha256Hex(bytes)
