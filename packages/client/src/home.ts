import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ClientError } from './errors.js'

/** Where everything of one user lives. Paths are absolute: nothing is ever read from the current folder. */
export interface Home {
  /** The file that `registry add` writes. */
  readonly config: string
  /** Key files: NAME.key (encrypted) and NAME.pub. */
  readonly keys: string
  /** One folder for each TUF repository: pinned root, floors, drafts, proofs. Not a cache: losing it loses trust. */
  readonly repos: string
  /** Metadata by its sha256; may be lost at any time. */
  readonly cache: string
  /** The local artifact store, an OCI image layout. */
  readonly store: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** NV2_HOME holds everything when it is set; else the XDG folders (cli.md, "Words"). Creates nothing. */
export function homeFrom(env: Environment): Home {
  const all = env['NV2_HOME']
  if (all !== undefined && all !== '') {
    if (!isAbsolute(all))
      throw new ClientError('USAGE', `NV2_HOME must be an absolute path, it is ${JSON.stringify(all)}`)
    return layout(all, all, join(all, 'cache'))
  }
  const user = env['HOME'] !== undefined && isAbsolute(env['HOME']) ? env['HOME'] : homedir()
  const folder = (variable: string, ...otherwise: string[]): string => {
    const value = env[variable]
    // The XDG specification: a relative path in these variables is invalid and ignored.
    return join(value !== undefined && isAbsolute(value) ? value : join(user, ...otherwise), 'nv2')
  }
  return layout(
    folder('XDG_CONFIG_HOME', '.config'),
    folder('XDG_DATA_HOME', '.local', 'share'),
    folder('XDG_CACHE_HOME', '.cache'),
  )
}

function layout(config: string, data: string, cache: string): Home {
  return Object.freeze({
    config: join(config, 'config.json'),
    repos: join(config, 'repos'),
    keys: join(data, 'keys'),
    store: join(data, 'store'),
    cache,
  })
}

const LOCAL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Names that become a folder or file here: registries, TUF repositories, keys. Never a path. */
export function isLocalName(name: string): boolean {
  return LOCAL_NAME.test(name)
}

export function requireLocalName(name: string, what: string): string {
  if (!isLocalName(name))
    throw new ClientError(
      'USAGE',
      `${JSON.stringify(name)} cannot be the name of a ${what}: use letters, digits, "." "_" "-", beginning with a letter or digit`,
    )
  return name
}

/** Drafts made before any registry or repository is known; no local name begins with "_". */
export const UNBOUND = '_unbound'

/** The folder of one TUF repository. */
export function repoFolder(home: Home, repo: string): string {
  return join(home.repos, repo === UNBOUND ? repo : requireLocalName(repo, 'TUF repository'))
}
