import { join } from 'node:path'
import { Cache } from './cache.js'
import type { Registry } from './config.js'
import { repoFolder, type Home } from './home.js'
import { httpSource, tufUrl, type MetadataSource, type SourceOptions } from './metadata-source.js'

/** One TUF repository as a client sees it: where its trust lies, where its metadata comes from. */
export interface Place {
  /** The registry's name, for messages. */
  readonly name: string
  /** Folder with the pinned root, the newer roots and the floors. */
  readonly folder: string
  readonly cache: Cache
  readonly source: MetadataSource
}

export function placeOf(home: Home, registry: Registry, options: SourceOptions = {}): Place {
  return {
    name: registry.name,
    folder: repoFolder(home, registry.repo),
    cache: new Cache(join(home.cache, registry.repo)),
    source: httpSource(tufUrl(registry), options),
  }
}
