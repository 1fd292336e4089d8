import { type Header, extract } from 'tar-stream'
import { Readable } from 'node:stream'
import { isManifestType } from './descriptor.js'
import { isDigest } from './digest.js'
import { OciError, printable } from './errors.js'
import type { ImageLayout } from './layout.js'
import { type LayoutEntry, entriesOf, parseLayoutIndex, parseLayoutMarker } from './layout-index.js'
import { MAX_MANIFEST_BYTES, childrenOf, parseManifest } from './manifest.js'

export interface TarLimits {
  readonly members?: number
  readonly bytes?: number
}

const WHERE = 'The tar'

/**
 * Takes the content of a tarred layout into a layout and gives its entries; naming them is up to the caller. Names in
 * the tar never become paths: only `blobs/ALG/HEX` is kept, under the digest that its bytes really have. `..`, absolute
 * names, links, devices and sparse members are refused, whatever they are called (tar slip, disk bombs).
 */
export async function readLayoutTar(
  source: AsyncIterable<Uint8Array>,
  into: ImageLayout,
  limits: TarLimits = {},
): Promise<readonly LayoutEntry[]> {
  const budget = { members: limits.members ?? 10_000, bytes: limits.bytes ?? 64 * 1024 ** 3 }
  const small = new Map<string, Uint8Array>()
  const unpack = extract()
  const input = Readable.from(source, { objectMode: false })
  input.on('error', (error) => unpack.destroy(error))
  input.pipe(unpack)
  try {
    for await (const member of unpack) {
      const { header } = member
      const content = member as AsyncIterable<Uint8Array>
      const name = checkedName(header)
      const size = header.size ?? 0
      budget.members -= 1
      budget.bytes -= size
      if (budget.members < 0 || budget.bytes < 0) throw new OciError('TOO_LARGE', `${WHERE} holds too much`)
      const blob = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(name)
      const digest = blob === null ? '' : `${blob[1] ?? ''}:${blob[2] ?? ''}`
      if (header.type === 'file' && isDigest(digest)) {
        await into.push({ mediaType: 'application/octet-stream', digest, size }, content)
      } else if (name === 'oci-layout' || name === 'index.json') {
        if (small.has(name)) throw refused(`has ${name} twice`)
        if (size > MAX_MANIFEST_BYTES)
          throw new OciError('TOO_LARGE', `${WHERE}: ${name} has more than 4 MiB`)
        small.set(name, await bytesOf(content))
      } else {
        // Extra files are lawful (docker save writes manifest.json) and of no interest.
        member.resume()
      }
    }
  } catch (error) {
    if (error instanceof OciError || (error instanceof Error && 'syscall' in error)) throw error
    throw new OciError('LAYOUT_INVALID', `${WHERE} cannot be read; it may be cut off or no tar`, error)
  } finally {
    input.destroy()
  }
  const marker = small.get('oci-layout')
  const index = small.get('index.json')
  if (marker === undefined || index === undefined) throw refused('has no oci-layout or no index.json')
  parseLayoutMarker(marker, WHERE)
  const entries = entriesOf(parseLayoutIndex(index, WHERE), WHERE)
  for (const { descriptor } of entries) await requireComplete(into, descriptor, 0)
  return entries
}

function checkedName(header: Header): string {
  const name = header.name.replace(/^(?:\.\/)+/, '')
  if (header.name.startsWith('/') || name.split('/').includes('..') || name.includes('\0')) {
    throw refused(`has a member "${printable(header.name)}" that points outside`)
  }
  if (header.type !== 'file' && header.type !== 'directory') {
    const type = header.type ?? 'unknown'
    throw refused(
      `has a member "${printable(header.name)}" of type ${type}; only files and folders belong there`,
    )
  }
  return name
}

async function bytesOf(member: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of member) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** An entry is handed out only if its manifests are there: a layout may lack blobs, but then there is nothing to name. */
async function requireComplete(
  into: ImageLayout,
  descriptor: LayoutEntry['descriptor'],
  depth: number,
): Promise<void> {
  if (!(await into.exists(descriptor))) throw refused(`names ${descriptor.digest} but does not hold it`)
  if (depth > 8 || !isManifestType(descriptor.mediaType) || descriptor.size > MAX_MANIFEST_BYTES) return
  const manifest = parseManifest(await bytesOf(into.open(descriptor)), descriptor.mediaType)
  if (manifest.kind !== 'index') return
  for (const child of childrenOf(manifest)) await requireComplete(into, child, depth + 1)
}

function refused(why: string): OciError {
  return new OciError('LAYOUT_INVALID', `${WHERE} ${why}`)
}
