import { encodeJson, jsonObject, type JsonObject } from '@nv2/tuf'
import { Document } from './document.js'
import { exclusively, readIfThere, replaceFile } from './durable.js'
import { ClientError } from './errors.js'
import { isLocalName, type Home } from './home.js'

/** One configured registry: a place and the trust that goes with it, never one without the other (cli.md, `registry add`). */
export interface Registry {
  readonly name: string
  /** Where `/tuf/...` is, and `/v2/...` unless `oci` says otherwise. No trailing slash. */
  readonly url: string
  /** The folder under repos/ with the pinned root. */
  readonly repo: string
  /** Sha256 of the pinned root file. */
  readonly rootSha256: string
  /** Search list for short names, in order. */
  readonly namespaces: readonly string[]
  /** Base URL of the OCI registry when it is another host. */
  readonly oci?: string
  readonly defaultUpload: boolean
  readonly defaultDownload: boolean
}

/** The whole configuration, in the order in which it was given. */
export interface Config {
  readonly registries: readonly Registry[]
}

const LIMIT = 1024 * 1024
export const SHA256 = /^[0-9a-f]{64}$/
/** Path of an OCI repository (distribution-spec). */
export const OCI_PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/

/** Reads the configuration; none is an empty one. A damaged file is HOME_BROKEN, never an empty one. */
export async function readConfig(home: Home): Promise<Config> {
  const bytes = await readIfThere(home.config, LIMIT)
  if (!bytes) return Object.freeze({ registries: [] })
  const document = Document.parse(bytes, home.config)
  if (document.count('version') !== 1)
    throw document.wrong('version', 'is not 1: a newer nv2 wrote this file')
  const registries = document.documents('registries').map(readRegistry)
  document.end()
  for (const key of ['name'] as const)
    if (new Set(registries.map((r) => r[key])).size !== registries.length)
      throw document.wrong('registries', `has one ${key} twice`)
  for (const key of ['defaultUpload', 'defaultDownload'] as const)
    if (registries.filter((r) => r[key]).length > 1)
      throw document.wrong('registries', `has two entries with ${key}`)
  return Object.freeze({ registries })
}

/** Changes the configuration: read, edit and write with no other process between. */
export async function editConfig(
  home: Home,
  edit: (config: Config) => Config | Promise<Config>,
): Promise<Config> {
  return exclusively(home.config, async () => {
    const before = await readConfig(home)
    const after = await edit(before)
    if (after !== before) await replaceFile(home.config, encodeJson(toJson(after)))
    return after
  })
}

/**
 * The registry to use: the one that is named; else the default for this direction; else the only one (cli.md, "Which
 * registry"). Throws REGISTRY_UNKNOWN, REGISTRY_AMBIGUOUS, or NO_ROOT when none is configured.
 */
export function chooseRegistry(config: Config, direction: 'upload' | 'download', named?: string): Registry {
  const { registries } = config
  if (named !== undefined) {
    const found = registries.find((r) => r.name === named)
    if (found) return found
    throw new ClientError(
      'REGISTRY_UNKNOWN',
      `there is no registry ${JSON.stringify(named)}; ${known(registries)}`,
      {
        detail: { registries: registries.map((r) => r.name) },
      },
    )
  }
  if (registries.length === 0) throw noRoot()
  const chosen =
    registries.find((r) => (direction === 'upload' ? r.defaultUpload : r.defaultDownload)) ??
    (registries.length === 1 ? registries[0] : undefined)
  if (chosen) return chosen
  throw new ClientError(
    'REGISTRY_AMBIGUOUS',
    `several registries are configured and none is the default for ${direction}: say --registry NAME; ${known(registries)}`,
    { detail: { registries: registries.map((r) => r.name) } },
  )
}

export function noRoot(): ClientError {
  return new ClientError(
    'NO_ROOT',
    'no root of trust is configured: get the root file of the registry from someone you trust, then ' +
      '`nv2 registry add NAME URL --root FILE`',
  )
}

function known(registries: readonly Registry[]): string {
  return registries.length === 0
    ? 'none is configured'
    : `configured: ${registries.map((r) => r.name).join(', ')}`
}

function readRegistry(entry: Document): Registry {
  const name = entry.text('name')
  const repo = entry.text('repo')
  if (!isLocalName(name)) throw entry.wrong('name', 'is not a name')
  if (!isLocalName(repo)) throw entry.wrong('repo', 'is not a name')
  const oci = entry.optionalText('oci', /^https?:\/\//)
  const registry: Registry = {
    name,
    url: entry.text('url', /^https?:\/\//),
    repo,
    rootSha256: entry.text('rootSha256', SHA256),
    namespaces: entry.texts('namespaces', OCI_PATH),
    ...(oci === undefined ? {} : { oci }),
    defaultUpload: entry.flag('defaultUpload'),
    defaultDownload: entry.flag('defaultDownload'),
  }
  entry.end()
  return Object.freeze(registry)
}

function toJson(config: Config): JsonObject {
  return jsonObject([
    ['version', 1],
    [
      'registries',
      config.registries.map((r) =>
        jsonObject([
          ['name', r.name],
          ['url', r.url],
          ['repo', r.repo],
          ['rootSha256', r.rootSha256],
          ['namespaces', [...r.namespaces]],
          ['oci', r.oci],
          ['defaultUpload', r.defaultUpload],
          ['defaultDownload', r.defaultDownload],
        ]),
      ),
    ],
  ])
}
