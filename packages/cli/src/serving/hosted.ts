import { readFile } from 'node:fs/promises'
import { isLocalName } from '@nv2/client'
import { pinRoot, type Root } from '@nv2/tuf'
import { usage } from '../errors.js'

/** A TUF repository that the operator lets exist on this service. */
export interface Hosted {
  readonly name: string
  readonly rootBytes: Uint8Array
  readonly root: Root
}

/** Reads `NAME=1.root.json`, several times: the only way for a repository to come to exist on a service. */
export async function hosted(values: readonly string[]): Promise<Hosted[]> {
  const found = new Map<string, Hosted>()
  for (const value of values) {
    const [, name = '', path = ''] = /^([^=]*)=(.+)$/s.exec(value) ?? []
    if (path === '') throw usage(`--repo ${value} is not NAME=FILE; write it as --repo public=1.root.json`)
    if (!isLocalName(name))
      throw usage(
        `--repo ${value}: the name takes letters, digits, dots, dashes and underscores, first a letter or digit`,
      )
    // Two names that differ in case only would share one folder on some disks.
    if (found.has(name.toLowerCase())) throw usage(`--repo names ${name} twice`)
    const rootBytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      throw usage(`--repo ${value}: the root file cannot be read: ${cause.message}`)
    })
    found.set(name.toLowerCase(), { name, rootBytes, root: pinRoot(rootBytes).root })
  }
  return [...found.values()]
}
