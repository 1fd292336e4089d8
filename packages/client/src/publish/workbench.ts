import { KeyStore, type AskPassphrase } from '@nv2/keys'
import { readConfig, type Config } from '../config.js'
import type { Home } from '../home.js'
import type { Editor } from './edit.js'
import { PinnedRoles } from './imports.js'
import type { ImportedRoles } from './key-choice.js'
import { Keyring } from './keyring.js'
import { LocalPublications } from './publications.js'
import { Repositories } from './repositories.js'

/** What the publishing commands work with: made once for a command, as nothing in it may change under its hands. */
export interface Workbench extends Editor {
  readonly home: Home
  readonly config: Config
  readonly keyring: Keyring
  readonly repositories: Repositories
  readonly imported: ImportedRoles
  readonly signal?: AbortSignal
}

export interface WorkbenchOptions {
  readonly home: Home
  readonly ask: AskPassphrase
  readonly now: Date
  /** Life of what is signed, in milliseconds; 90 days when left out. */
  readonly life?: number
  readonly signal?: AbortSignal
}

export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const { home, ask, now, life, signal } = options
  const config = await readConfig(home)
  const keyring = new Keyring(new KeyStore(home.keys), ask)
  const publications = new LocalPublications(home, config, now, signal)
  return {
    home,
    config,
    keyring,
    repositories: new Repositories(home, publications, keyring),
    imported: new PinnedRoles(home),
    now,
    ...(life !== undefined && { life }),
    ...(signal && { signal }),
  }
}
