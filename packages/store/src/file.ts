import { dirname, join } from 'node:path'
import { disk as realDisk, type Disk } from './disk.js'
import { StoreError } from './errors.js'
import { Folder, orGone } from './folder.js'
import { checkCreate, checkName, checkReplace, isName } from './names.js'
import { networkFileSystem } from './network-fs.js'
import { TIMESTAMP, type Entry, type Listed, type MetadataStore, type Outcome, type Stored } from './port.js'
import { TimestampFile } from './timestamp-file.js'

/** A store in a folder, for any number of processes on one host (protocol S2). No locks: link(2) decides every race. */
export class FileStore implements MetadataStore {
  private readonly folder: Folder
  private readonly timestamp: TimestampFile

  private constructor(folder: Folder) {
    this.folder = folder
    this.timestamp = new TimestampFile(folder)
  }

  /** Makes the folder if needed, removes what a crash left half-written, repairs the copy of the timestamp. */
  static async open(path: string, options: { disk?: Disk } = {}): Promise<FileStore> {
    const folder = new Folder(path, options.disk ?? realDisk)
    const store = new FileStore(folder)
    await store.guard('opening the store', store.start())
    return store
  }

  async read(name: string): Promise<Stored | null> {
    checkName(name)
    return this.guard(`reading ${name}`, name === TIMESTAMP ? this.timestamp.read() : this.readFile(name))
  }

  async create(name: string, bytes: Uint8Array): Promise<Outcome> {
    const [outcome] = await this.createAll([{ name, bytes }])
    return outcome ?? 'lost'
  }

  async createAll(entries: readonly Entry[]): Promise<readonly Outcome[]> {
    for (const { name } of entries) checkCreate(name)
    const outcomes: Outcome[] = []
    const touched = new Set<string>()
    try {
      for (const { name, bytes } of entries) {
        const path = this.path(name)
        outcomes.push(await this.folder.linkNew(path, bytes))
        touched.add(dirname(path))
      }
      // Also after `lost`: the winner may not have synced yet, and our caller may build on what it now reads.
      for (const path of touched) await this.folder.sync(path)
    } catch (error) {
      throw this.folder.failure('writing', error, outcomes.includes('done'))
    }
    return outcomes
  }

  async replace(name: string, bytes: Uint8Array, expected: string | null): Promise<Outcome> {
    checkReplace(name)
    return this.guard(`replacing ${name}`, this.timestamp.replace(bytes, expected))
  }

  async list(prefix: string): Promise<readonly Listed[]> {
    const base = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    if (base !== '') checkName(base.slice(0, -1))
    const found: Listed[] = []
    const start = base === '' ? this.folder.path : this.path(base.slice(0, -1))
    await this.guard(`listing ${prefix}`, this.walk(start, base, found))
    return found.filter(({ name }) => name.startsWith(prefix)).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async remove(name: string): Promise<void> {
    checkCreate(name)
    const path = this.path(name)
    await this.guard(`removing ${name}`, orGone(this.folder.disk.unlink(path)))
    // A removal that a power cut takes back is only garbage again.
    await orGone(this.folder.disk.syncFolder(dirname(path))).catch(() => undefined)
  }

  private async start(): Promise<void> {
    await this.folder.open()
    const network = networkFileSystem(await this.folder.disk.fileSystemType(this.folder.path))
    if (network !== null)
      throw new StoreError(
        'NETWORK_FILE_SYSTEM',
        `${this.folder.path} is on a network file system (${network}), where two services cannot be kept apart; ` +
          'use a folder on a local disk',
      )
    await this.timestamp.open()
  }

  private async readFile(name: string): Promise<Stored | null> {
    const bytes = await orGone(this.folder.disk.read(this.path(name)))
    return bytes ? { bytes, revision: '1' } : null
  }

  private async walk(folder: string, prefix: string, found: Listed[]): Promise<void> {
    for (const entry of (await orGone(this.folder.disk.list(folder))) ?? []) {
      const path = join(folder, entry.name)
      const name = prefix + entry.name
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.')) await this.walk(path, `${name}/`, found)
      } else if (isName(name)) {
        const ageMs = await orGone(this.folder.disk.age(path))
        if (ageMs !== null) found.push({ name, ageMs })
      }
    }
  }

  private path(name: string): string {
    return join(this.folder.path, name)
  }

  private guard<T>(doing: string, work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw this.folder.failure(doing, error, false)
    })
  }
}
