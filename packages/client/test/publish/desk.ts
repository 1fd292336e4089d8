import { join } from 'node:path'
import { KeysError, KeyStore } from '@nv2/keys'
import { ClientError, homeFrom, type Home } from '@nv2/client'
import { FakeClock, putKeys, TEST_PASSPHRASE } from '@nv2/testkit'
import { TufError } from '@nv2/tuf'
import { readConfig } from '../../src/config.js'
import type { Workbench } from '../../src/publish/delegate.js'
import type { ImportedRoles } from '../../src/publish/key-choice.js'
import { Keyring } from '../../src/publish/keyring.js'
import { LocalPublications } from '../../src/publish/publications.js'
import { Repositories } from '../../src/publish/repositories.js'

const NOBODY: ImportedRoles = { find: () => Promise.resolve(null) }

/** One person at one machine: a home with keys, and what the commands get for each run. */
export class Desk {
  readonly home: Home
  readonly clock = new FakeClock()
  /** How often a passphrase was asked for. */
  asked = 0
  imported = NOBODY

  constructor(folder: string) {
    this.home = homeFrom({ NV2_HOME: join(folder, 'nv2') })
  }

  static async open(folder: string, ...keys: string[]): Promise<Desk> {
    const desk = new Desk(folder)
    await putKeys(desk.home.keys, ...keys)
    return desk
  }

  keyring(): Keyring {
    return new Keyring(new KeyStore(this.home.keys), () => {
      this.asked++
      return Promise.resolve(TEST_PASSPHRASE)
    })
  }

  /** Fresh for every command, as in a process of its own. */
  async bench(): Promise<Workbench> {
    const keyring = this.keyring()
    const now = this.clock.now()
    const publications = new LocalPublications(this.home, await readConfig(this.home), now)
    const repositories = new Repositories(this.home, publications, keyring)
    return { keyring, now, repositories, imported: this.imported }
  }
}

/** The code of what an action throws; 'none' when it succeeds. Anything that is no error of ours is thrown on. */
export async function codeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action()
  } catch (error) {
    if (error instanceof ClientError || error instanceof TufError || error instanceof KeysError)
      return error.code
    throw error
  }
  return 'none'
}
