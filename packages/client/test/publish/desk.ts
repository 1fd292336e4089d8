import { join } from 'node:path'
import { KeysError } from '@nv2/keys'
import { ClientError, homeFrom, type Home } from '@nv2/client'
import { FakeClock, putPlainKeys } from '@nv2/testkit'
import { TufError } from '@nv2/tuf'
import { openWorkbench, type Workbench } from '../../src/publish/workbench.js'

/** One person at one machine: a home with keys, and what the commands get for each run. */
export class Desk {
  readonly home: Home
  readonly clock = new FakeClock()

  constructor(folder: string) {
    this.home = homeFrom({ NV2_HOME: join(folder, 'nv2') })
  }

  static async open(folder: string, ...keys: string[]): Promise<Desk> {
    const desk = new Desk(folder)
    await putPlainKeys(desk.home.keys, ...keys)
    return desk
  }

  /** Fresh for every command, as in a process of its own. */
  async bench(): Promise<Workbench> {
    return openWorkbench({
      home: this.home,
      now: this.clock.now(),
      ask: () => Promise.reject(new Error('these keys have no passphrase')),
    })
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
