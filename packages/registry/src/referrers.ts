import { type Descriptor, type Manifest, annotationsJson, descriptorJson, parseDigest } from '@nv2/oci'
import { type Storage, list, readOrNull } from './storage.js'

/** Who points at a digest by `subject` (distribution-spec "Listing Referrers"); the subject need not be here. */
export class ReferrerStore {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  #folder(name: string, subject: string): string {
    const { algorithm, hex } = parseDigest(subject)
    return this.#storage.repository(name, '_referrers', algorithm, hex)
  }

  async add(name: string, subject: string, referrer: Descriptor, manifest: Manifest): Promise<void> {
    const path = `${this.#folder(name, subject)}/${referrer.digest.replace(':', '-')}`
    const entry = {
      ...descriptorJson(referrer),
      ...artifactTypeOf(manifest),
      ...(manifest.annotations.size === 0 ? {} : { annotations: annotationsJson(manifest.annotations) }),
    }
    await this.#storage.write(path, Buffer.from(JSON.stringify(entry)))
  }

  async remove(name: string, subject: string, referrer: string): Promise<void> {
    await this.#storage.remove(`${this.#folder(name, subject)}/${referrer.replace(':', '-')}`)
  }

  /** Descriptors as JSON; an entry whose manifest is not (or no longer) here is the trace of a crash and left out. */
  async list(name: string, subject: string, artifactType?: string): Promise<readonly StoredReferrer[]> {
    const folder = this.#folder(name, subject)
    const found: StoredReferrer[] = []
    for (const file of [...(await list(folder))].sort()) {
      const bytes = await readOrNull(`${folder}/${file}`)
      if (bytes === null || !(await this.#storage.hasManifest(name, file.replace('-', ':')))) continue
      const entry = JSON.parse(bytes.toString('utf8')) as StoredReferrer
      if (artifactType === undefined || entry.artifactType === artifactType) found.push(entry)
    }
    return found
  }
}

/** What `add` wrote. */
export interface StoredReferrer {
  readonly digest: string
  readonly artifactType?: string
}

/** "if the artifactType is empty or missing in an image manifest, config.mediaType"; an index without one has none. */
function artifactTypeOf(manifest: Manifest): { artifactType?: string } {
  if (manifest.artifactType !== undefined) return { artifactType: manifest.artifactType }
  return manifest.kind === 'manifest' ? { artifactType: manifest.config.mediaType } : {}
}
