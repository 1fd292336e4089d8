import { formatReference, parseReference, type Reference } from '@nv2/oci'
import { chooseRegistry, noRoot, type Config, type Registry } from './config.js'
import { ClientError } from './errors.js'

/** What a name means: one target path of one TUF repository at one registry, settled before anything is fetched. */
export interface Resolved {
  readonly registry: Registry
  /** OCI repository, e.g. `wabbit-networks/netmonitor`. */
  readonly repository: string
  /** Exactly one of tag and digest. */
  readonly tag?: string
  readonly digest?: string
  /** The TUF target path: `repository:tag` or `repository@digest`. */
  readonly path: string
}

/**
 * NAME[:TAG|@DIGEST] -> what it means at a registry (protocol N3). A short name means its namespace's repository; the
 * registry is never asked what it holds, for any tenant could sign `evil/netmonitor`. Two namespaces are two candidates
 * and an error: taking the first that answers would let an outage or a removal choose (dependency confusion).
 */
export function resolveName(
  config: Config,
  text: string,
  direction: 'upload' | 'download',
  registryName?: string,
): Resolved {
  const reference = parseName(text)
  const registry = registryFor(config, reference, direction, registryName)
  const candidates = expand(reference.repository, registry.namespaces)
  const [repository] = candidates
  if (repository === undefined || candidates.length > 1)
    throw ambiguous(
      text,
      candidates.map((path) => formatReference(named(path, reference))),
      registry.name,
    )
  const { tag, digest } = named(repository, reference)
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    path: formatReference(named(repository, reference)),
  }
}

/**
 * The same for the local store: the full name, else the only one with this last path segment. `stored` are names that
 * this user put or downloaded there, so that reading them is safe. Without a tag: `latest`.
 */
export function resolveStored(stored: Iterable<string>, text: string): string {
  const reference = parseName(text)
  const wanted = formatReference(named(reference.repository, reference))
  const names = [...stored]
  if (names.includes(wanted)) return wanted
  const candidates = reference.repository.includes('/')
    ? []
    : names.filter((name) => name.endsWith(`/${wanted}`))
  const [only] = candidates
  if (only !== undefined && candidates.length === 1) return only
  if (candidates.length > 1) throw ambiguous(text, candidates, 'the local store')
  throw new ClientError(
    'NAME_NOT_FOUND',
    `the local store has no ${wanted}; \`nv2 list\` shows what it has`,
    {
      detail: { name: wanted },
    },
  )
}

/** Reads NAME[:TAG|@DIGEST]; nothing filled in. Throws OciError REFERENCE_INVALID or USAGE. */
export function parseName(text: string): Reference {
  const reference = parseReference(text)
  if (reference.tag !== undefined && reference.digest !== undefined)
    throw new ClientError('USAGE', `${text} has a tag and a digest: say one of them`)
  return reference
}

/** A short name in each namespace; a full path, or any name where no namespace is configured, is itself. */
export function expand(repository: string, namespaces: readonly string[]): string[] {
  if (repository.includes('/') || namespaces.length === 0) return [repository]
  return [...new Set(namespaces)].map((namespace) => `${namespace}/${repository}`)
}

function named(repository: string, { tag, digest }: Reference): Reference {
  return digest === undefined ? { repository, tag: tag ?? 'latest' } : { repository, digest }
}

/**
 * --registry; else the host in the name; else the default; else the only registry whose namespaces hold this path.
 * More than one is an error, whatever they would have answered.
 */
function registryFor(
  config: Config,
  reference: Reference,
  direction: 'upload' | 'download',
  registryName: string | undefined,
): Registry {
  const { host, repository } = reference
  if (host !== undefined && registryName === undefined) {
    const there = config.registries.filter((r) => hostsOf(r).includes(host))
    if (config.registries.length === 0) throw noRoot()
    if (there.length === 0)
      throw new ClientError(
        'REGISTRY_UNKNOWN',
        `no configured registry is at ${host}: see \`nv2 registry list\``,
      )
    return chooseRegistry({ registries: there }, direction)
  }
  try {
    return chooseRegistry(config, direction, registryName)
  } catch (error) {
    if (!(error instanceof ClientError && error.code === 'REGISTRY_AMBIGUOUS')) throw error
    const homes = config.registries.filter((r) =>
      r.namespaces.some((namespace) => repository.startsWith(`${namespace}/`)),
    )
    const [only] = homes
    if (only === undefined || homes.length > 1) throw error
    return only
  }
}

function hostsOf(registry: Registry): string[] {
  return [registry.url, registry.oci].flatMap((url) => (url === undefined ? [] : [new URL(url).host]))
}

function ambiguous(text: string, candidates: readonly string[], where: string): ClientError {
  return new ClientError(
    'NAME_AMBIGUOUS',
    `${text} can mean ${candidates.join(' or ')} (${where}): say which, in full`,
    { detail: { candidates } },
  )
}
