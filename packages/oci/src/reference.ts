import { isDigest } from './digest.js'
import { OciError, printable } from './errors.js'

/** `[host[:port]/]repository[:tag][@digest]`; nothing is filled in, no default host and no default tag. */
export interface Reference {
  readonly host?: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

// distribution-spec "Pulling manifests": the grammars of <name> and <reference>.
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const NAME = new RegExp(`^${PART}(?:/${PART})*$`)
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(?::[0-9]{1,5})?$/
const MAX_NAME = 255

export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_NAME && NAME.test(text)
}

export function isTag(text: string): boolean {
  return TAG.test(text)
}

export function isHost(text: string): boolean {
  return HOST.test(text) && Number(/:([0-9]+)$/.exec(text)?.[1] ?? 0) <= 65535
}

export function parseReference(text: string): Reference {
  const bad = (why: string): never => {
    // A name with "@" before the first "/" may hold a password: never repeat it (rule: credentials are never logged).
    const shown =
      /^[^/]*:[^/]*@/.test(text) && !/@sha(?:256|512):/.test(text) ? 'The name' : `"${printable(text)}"`
    throw new OciError(
      'REFERENCE_INVALID',
      `${shown} is no reference: ${why}. Write [host[:port]/]repository[:tag][@digest], for example wabbit-networks/netmonitor:v1`,
    )
  }
  if (text.length > 1024) return bad('it is too long')
  if (text.includes('://')) return bad('leave out the scheme')
  let rest = text
  let digest: string | undefined
  const at = rest.indexOf('@')
  if (at >= 0) {
    digest = rest.slice(at + 1)
    rest = rest.slice(0, at)
    if (!isDigest(digest)) return bad('what follows "@" is no sha256 or sha512 digest')
  }
  let host: string | undefined
  const slash = rest.indexOf('/')
  const first = slash < 0 ? '' : rest.slice(0, slash)
  if (/[.:[]/.test(first) || first === 'localhost') {
    host = first
    rest = rest.slice(slash + 1)
    if (!isHost(host)) return bad('the host is malformed')
  }
  let tag: string | undefined
  const colon = rest.lastIndexOf(':')
  if (colon >= 0) {
    tag = rest.slice(colon + 1)
    rest = rest.slice(0, colon)
    if (!isTag(tag)) return bad('the tag may hold letters, digits, "_", "." and "-", at most 128')
  }
  if (!isRepositoryName(rest)) {
    return bad('the repository is lower-case letters and digits, joined by ".", "_", "__", "-" and "/"')
  }
  return {
    ...(host === undefined ? {} : { host }),
    repository: rest,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

export function formatReference(reference: Reference): string {
  const { host, repository, tag, digest } = reference
  return (
    (host === undefined ? '' : `${host}/`) +
    repository +
    (tag === undefined ? '' : `:${tag}`) +
    (digest === undefined ? '' : `@${digest}`)
  )
}
