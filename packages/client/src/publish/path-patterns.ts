import { isRepositoryName } from '@nv2/oci'
import { checkPattern } from '@nv2/tuf'
import { ClientError } from '../errors.js'

/**
 * What `--path` means (protocol N1): an OCI repository is the pair `R:*` and `R@*`; a pattern that names tags or digests,
 * or every repository below a name (`wabbit-networks/*`), is itself. Throws BAD_PATTERN for `R*`, with the hint.
 */
export function pathPatterns(globs: readonly string[]): string[] {
  if (globs.length === 0)
    throw new ClientError('USAGE', 'a delegation needs --path: the repositories that the role may sign for')
  return [...new Set(globs.flatMap(expand))]
}

function expand(glob: string): string[] {
  checkPattern(glob)
  const last = glob.slice(glob.lastIndexOf('/') + 1)
  if (last === '*' || /[:@]/.test(last)) return [glob]
  // Only patterns that can match: an upper-case or half-written name would delegate nothing, in silence.
  if (!/[*?[]/.test(glob) && !isRepositoryName(glob))
    throw new ClientError(
      'USAGE',
      `${JSON.stringify(glob)} is no OCI repository: lower-case letters and digits, joined by ".", "_", "-" and "/"`,
    )
  return [`${glob}:*`, `${glob}@*`]
}
