import { TufError } from './errors.js'
import type { Target } from './types.js'

/** A target path of nv2: an OCI repository and a tag or a digest, never the registry's host (design 5). */
export interface TargetPath {
  readonly repository: string
  readonly tag?: string
  readonly digest?: { readonly algorithm: string; readonly hex: string }
}

const NAME = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*'
const TAGGED = new RegExp(`^(${NAME}):([a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})$`)
const DIGESTED = new RegExp(`^(${NAME})@(sha256|sha512):([a-f0-9]{64,128})$`)

/** Null when the path is not of nv2's form; it may still be a fine TUF target. */
export function parseTargetPath(path: string): TargetPath | null {
  const tagged = TAGGED.exec(path)
  if (tagged) return { repository: tagged[1] ?? '', tag: tagged[2] ?? '' }
  const digested = DIGESTED.exec(path)
  if (!digested) return null
  const [, repository = '', algorithm = '', hex = ''] = digested
  return hex.length === (algorithm === 'sha256' ? 64 : 128)
    ? { repository, digest: { algorithm, hex } }
    : null
}

/**
 * Refuses names that a file system or a URL would read as another place (spec 4.5 "no leading /"; CVE-2021-41149), and
 * a digest entry that is about other bytes than its name says (protocol N1). Throws TufError BAD_TARGET_NAME.
 */
export function checkTarget(target: Pick<Target, 'path' | 'hashes'>, role?: string): void {
  const { path } = target
  const refuse = (why: string): never => {
    throw new TufError(
      'BAD_TARGET_NAME',
      `the target name ${JSON.stringify(path)} ${why}`,
      role === undefined ? {} : { role },
    )
  }
  if (path === '' || path.startsWith('/')) refuse('is empty or absolute')
  if (path.split('/').some((part) => part === '..' || part === '.')) refuse('holds a . or .. segment')
  if (path.includes('\\') || hasControl(path)) refuse('holds a backslash or a control character')
  const digest = parseTargetPath(path)?.digest
  if (digest && target.hashes.get(digest.algorithm) !== digest.hex)
    refuse(`does not carry ${digest.algorithm} ${digest.hex.slice(0, 12)}… as its hash`)
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || c === 0x7f) return true
  }
  return false
}
