import { OciError, printable } from './errors.js'
import { isHost } from './reference.js'

/** Where a registry listens. `host` is what references and messages say. */
export interface RegistryAddress {
  readonly host: string
  readonly origin: string
}

/** Only the machine itself: on any other host plain HTTP lets the network read tokens and see what is fetched. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(name)
}

/** `host[:port]` or `http(s)://host[:port]`. Without a scheme: plain HTTP on loopback (or when told), else HTTPS. */
export function parseAddress(text: string, plainHttp = false): RegistryAddress {
  const bad = (why: string): never => {
    throw new OciError('REFERENCE_INVALID', `${why}. Write host[:port] or https://host[:port]`)
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)
  const rest = (scheme === null ? text : text.slice(scheme[0].length)).replace(/\/$/, '')
  // Never repeat an address that may hold a password.
  if (rest.includes('@')) return bad('The address of a registry holds no user name or password')
  if (!isHost(rest)) return bad(`"${printable(text)}" is no address of a registry`)
  const hostname = rest.replace(/:[0-9]+$/, '')
  const named = scheme?.[1]?.toLowerCase()
  if (named !== undefined && named !== 'http' && named !== 'https') {
    return bad(`"${printable(text)}" is neither http nor https`)
  }
  const protocol = named ?? (plainHttp || isLoopback(hostname) ? 'http' : 'https')
  const origin = new URL(`${protocol}://${rest}`).origin
  const address = { host: rest, origin }
  requireSafe(new URL(origin), plainHttp)
  return address
}

/** Plain HTTP leaves this machine only if the user said so. Checked for every URL, also those that a server hands out. */
export function requireSafe(url: URL, plainHttp: boolean): void {
  if (url.protocol === 'https:') return
  if (url.protocol === 'http:' && (plainHttp || isLoopback(url.hostname))) return
  throw new OciError(
    'INSECURE_TRANSPORT',
    `${url.protocol}//${url.host} is not encrypted; only this machine is spoken to without TLS. Use https, or allow plain HTTP for this registry`,
  )
}
