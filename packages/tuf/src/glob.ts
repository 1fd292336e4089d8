import { createHash } from 'node:crypto'
import { TufError } from './errors.js'
import type { PathSet } from './types.js'

/**
 * The one glob of nv2 (spec 4.5 PATHPATTERN): `*` and `?` do not cross `/`, `[abc]`, `[a-z]` and `[!a]` are sets, a leading
 * dot is a character like any other, nothing else is special. Two pointers and one step back: no pattern is exponential.
 */
export function matchPattern(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  return wanted.length === given.length && wanted.every((segment, i) => matchSegment(segment, given[i] ?? ''))
}

/** Whether a delegation is for this path at all. */
export function matchPaths(set: PathSet, path: string): boolean {
  if (set.kind === 'paths') return set.patterns.some((pattern) => matchPattern(pattern, path))
  const hash = createHash('sha256').update(path, 'utf8').digest('hex')
  return set.prefixes.some((prefix) => hash.startsWith(prefix))
}

/**
 * What we write and what a service accepts; a client reads any pattern. `wabbit/netmonitor*` would also own
 * `wabbit/netmonitor-evil:v1` (protocol N1), so a star after part of a name is refused. Throws TufError BAD_PATTERN.
 */
export function checkPattern(pattern: string): void {
  if (pattern === '' || pattern.startsWith('/') || pattern.split('/').includes('..'))
    throw new TufError('BAD_PATTERN', `${JSON.stringify(pattern)} is not a pattern of target paths`)
  const last = pattern.slice(pattern.lastIndexOf('/') + 1)
  if (last !== '*' && last.endsWith('*') && !/[:@]/.test(last)) {
    const name = pattern.replace(/\*+$/, '')
    throw new TufError(
      'BAD_PATTERN',
      `the pattern ${pattern} also matches other repositories such as ${name}-evil:v1; ` +
        `for the repository ${name} use the pair '${name}:*' and '${name}@*'`,
    )
  }
}

type Token = '*' | { readonly not: boolean; readonly ranges: readonly (readonly [string, string])[] | null }

function matchSegment(pattern: string, text: string): boolean {
  if (!/[*?[]/.test(pattern)) return pattern === text
  const tokens = tokenise(pattern)
  const chars = Array.from(text)
  let t = 0
  let c = 0
  let star = -1
  let resume = 0
  while (c < chars.length) {
    const token = tokens[t]
    if (token === '*') {
      star = t++
      resume = c
    } else if (token !== undefined && accepts(token, chars[c] ?? '')) {
      t++
      c++
    } else if (star >= 0) {
      t = star + 1
      c = ++resume
    } else return false
  }
  while (tokens[t] === '*') t++
  return t === tokens.length
}

function accepts(token: Exclude<Token, '*'>, char: string): boolean {
  if (token.ranges === null) return true
  return token.ranges.some(([low, high]) => char >= low && char <= high) !== token.not
}

function tokenise(pattern: string): Token[] {
  const chars = Array.from(pattern)
  const tokens: Token[] = []
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i] ?? ''
    if (c === '*') {
      if (tokens.at(-1) !== '*') tokens.push('*')
    } else if (c === '?') tokens.push({ not: false, ranges: null })
    else {
      const end = c === '[' ? setEnd(chars, i) : -1
      if (end < 0) tokens.push({ not: false, ranges: [[c, c]] })
      else {
        tokens.push(set(chars.slice(i + 1, end)))
        i = end
      }
    }
  }
  return tokens
}

/** A `]` right after `[` or `[!` is a member; a set that never closes is a literal `[`, as in fnmatch(3). */
function setEnd(chars: readonly string[], open: number): number {
  const first = chars[open + 1] === '!' ? open + 2 : open + 1
  return chars.indexOf(']', first + 1)
}

function set(body: readonly string[]): Exclude<Token, '*'> {
  const not = body[0] === '!'
  const members = not ? body.slice(1) : body
  const ranges: [string, string][] = []
  for (let i = 0; i < members.length; i++) {
    const low = members[i] ?? ''
    const high = members[i + 2]
    if (members[i + 1] === '-' && high !== undefined) {
      ranges.push([low, high])
      i += 2
    } else ranges.push([low, low])
  }
  return { not, ranges }
}
