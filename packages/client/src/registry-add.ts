import { readdir } from 'node:fs/promises'
import { isRepositoryName, parseAddress } from '@nv2/oci'
import { pinRoot, sha256Hex } from '@nv2/tuf'
import { editConfig, SHA256, type Registry } from './config.js'
import { hasCode } from './durable.js'
import { ClientError } from './errors.js'
import { isLocalName, repoFolder, requireLocalName, type Home } from './home.js'
import { isLoopback } from './metadata-source.js'
import { keepRoot, readChain, readPin, writePin } from './root-chain.js'

export interface RegistryRequest {
  readonly name: string
  readonly url: string
  /** The root file's bytes, or its sha256 (hex): one of them, there is no trust without. */
  readonly root?: Uint8Array
  readonly rootSha256?: string
  readonly namespaces?: readonly string[]
  /** `host[:port]` or URL of the OCI registry, when it is not at `url`. */
  readonly oci?: string
  readonly defaultUpload?: boolean
  readonly defaultDownload?: boolean
}

/**
 * Place and trust in one act, without calling the network (design 7: no trust on first use, and no flag for it). The same
 * again changes nothing; the same name for something else is REGISTRY_EXISTS.
 */
export async function addRegistry(home: Home, request: RegistryRequest): Promise<Registry> {
  const entry = readRequest(request)
  const sha256 = entry.rootSha256
  // A root that does not meet its own threshold vouches for nobody (spec 5.2).
  const root = request.root && pinRoot(request.root)
  const config = await editConfig(home, async (before) => {
    const repo = (await repoWith(home, entry.name, sha256)) ?? entry.name
    const registry: Registry = { ...entry, repo }
    const held = before.registries.find((one) => one.name === entry.name)
    if (held) {
      if (same(held, registry)) return before
      throw new ClientError(
        'REGISTRY_EXISTS',
        `the registry ${entry.name} is configured already, with another place, root or options: use another name`,
      )
    }
    if (repo === entry.name) await writePin(repoFolder(home, repo), { sha256 })
    if (root && repo === entry.name) await keepRoot(repoFolder(home, repo), root)
    const others = before.registries.map((one) => ({
      ...one,
      defaultUpload: one.defaultUpload && !registry.defaultUpload,
      defaultDownload: one.defaultDownload && !registry.defaultDownload,
    }))
    return { registries: [...others, registry] }
  })
  const added = config.registries.find((one) => one.name === entry.name)
  if (!added) throw new ClientError('HOME_BROKEN', `${home.config} lost the registry ${entry.name}`)
  return added
}

function readRequest(request: RegistryRequest): Registry {
  const name = requireLocalName(request.name, 'registry')
  const { root, rootSha256: stated } = request
  if (root === undefined && stated === undefined)
    throw new ClientError(
      'NO_ROOT',
      `${name} needs a root of trust: --root FILE, or --root-sha256 HEX, received from someone you trust and not from ${name} itself`,
    )
  const actual = root && sha256Hex(root)
  if (stated !== undefined && !SHA256.test(stated))
    throw new ClientError('USAGE', '--root-sha256 takes 64 hexadecimal digits in lower case')
  if (actual !== undefined && stated !== undefined && actual !== stated)
    throw new ClientError('TRUST_MISMATCH', `the root file has the sha256 ${actual}, not ${stated}`)
  const namespaces = [...new Set(request.namespaces ?? [])]
  for (const namespace of namespaces)
    if (!isRepositoryName(namespace))
      throw new ClientError(
        'USAGE',
        `${JSON.stringify(namespace)} cannot be a namespace: write it as wabbit-networks`,
      )
  return {
    name,
    url: placeUrl(request.url),
    repo: name,
    rootSha256: actual ?? stated ?? '',
    namespaces,
    ...(request.oci === undefined ? {} : { oci: parseAddress(request.oci).origin }),
    defaultUpload: request.defaultUpload ?? false,
    defaultDownload: request.defaultDownload ?? false,
  }
}

/** http(s), nothing secret in it, no query; without the slash at the end. */
function placeUrl(text: string): string {
  const bad = (why: string): ClientError =>
    new ClientError('USAGE', `the URL of a registry ${why}; write https://registry.example`)
  if (!URL.canParse(text)) throw bad('must be absolute')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('begins with https://')
  if (url.username !== '' || url.password !== '') throw bad('holds no user name or password')
  if (url.search !== '' || url.hash !== '') throw bad('has no "?" or "#"')
  if (url.protocol === 'http:' && !isLoopback(url)) throw bad('uses https, except for this computer itself')
  return url.href.replace(/\/+$/, '')
}

/**
 * The TUF repository here that has this root, e.g. the one that `repo init` made: its operator's drafts and the registry's
 * publication are then one repository. The name of the registry goes first.
 */
async function repoWith(home: Home, name: string, sha256: string): Promise<string | undefined> {
  let names: string[]
  try {
    names = (await readdir(home.repos)).filter(isLocalName).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  for (const repo of [name, ...names.filter((one) => one !== name)]) {
    const folder = repoFolder(home, repo)
    const pin = await readPin(folder)
    if (!pin) continue
    if (pin.sha256 === sha256) return repo
    const chain = await readChain(folder, pin)
    if (chain.some((root) => sha256Hex(root.envelope.bytes) === sha256)) return repo
  }
  return undefined
}

function same(a: Registry, b: Registry): boolean {
  return (
    a.url === b.url &&
    a.repo === b.repo &&
    a.rootSha256 === b.rootSha256 &&
    a.oci === b.oci &&
    a.namespaces.join(' ') === b.namespaces.join(' ') &&
    (a.defaultUpload || !b.defaultUpload) &&
    (a.defaultDownload || !b.defaultDownload)
  )
}
