import { join } from 'node:path'
import { orGone, type Folder } from './folder.js'
import { TIMESTAMP, type Outcome, type Stored } from './port.js'

/**
 * Compare-and-swap with nothing but link(2) (protocol S2): the timestamp is the highest `V.timestamp.json`, and
 * creating V + 1 is the commit. `timestamp.json` is a copy for readers that know only files; rename() would let two
 * processes overwrite each other, so it decides nothing.
 */
export class TimestampFile {
  private readonly folder: Folder
  /** Highest V seen and synced. V grows by one and none is ever removed, so the next is found by asking for it. */
  private known = 0

  constructor(folder: Folder) {
    this.folder = folder
  }

  async open(): Promise<void> {
    for (const { name } of await this.folder.disk.list(this.folder.path)) {
      const version = /^([1-9][0-9]*)\.timestamp\.json$/.exec(name)?.[1]
      if (version !== undefined) this.known = Math.max(this.known, Number(version))
    }
    await this.folder.sync()
    // Neither a full nor a read-only disk stops reading.
    await this.repair().catch(() => undefined)
  }

  async read(): Promise<Stored | null> {
    const highest = await this.highest()
    if (highest === 0) return null
    const bytes = await this.folder.disk.read(this.path(highest))
    const copy = await orGone(this.folder.disk.read(join(this.folder.path, TIMESTAMP)))
    // A publisher died between commit and copy.
    if (!copy || Buffer.compare(copy, bytes) !== 0) await this.repair().catch(() => undefined)
    return { bytes, revision: String(highest) }
  }

  async replace(bytes: Uint8Array, expected: string | null): Promise<Outcome> {
    const next = Number(expected ?? 0) + 1
    if ((await this.highest()) + 1 !== next) return 'lost'
    const outcome = await this.folder.linkNew(this.path(next), bytes)
    try {
      // Also after `lost`: the caller starts again from what won, so that must be there after a power cut.
      await this.highest()
    } catch (error) {
      throw this.folder.failure(`replacing ${TIMESTAMP}`, error, outcome === 'done')
    }
    // The link was the commit. A copy that could not be made is made by the next read.
    await this.repair().catch(() => undefined)
    return outcome
  }

  private async highest(): Promise<number> {
    let highest = this.known
    while (await this.folder.disk.exists(this.path(highest + 1))) highest++
    if (highest > this.known) {
      // Nobody may see a version that a power cut could still take back: its number would be signed twice (P1).
      await this.folder.sync()
      this.known = Math.max(this.known, highest)
    }
    return highest
  }

  private async repair(): Promise<void> {
    for (let copied = 0; ;) {
      const highest = await this.highest()
      if (highest === copied) return
      const bytes = await this.folder.disk.read(this.path(highest))
      await this.folder.overwrite(join(this.folder.path, TIMESTAMP), bytes)
      copied = highest
    }
  }

  private path(version: number): string {
    return join(this.folder.path, `${version}.timestamp.json`)
  }
}
