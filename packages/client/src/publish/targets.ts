import { readManifest, type ContentReader, type Descriptor } from '@nv2/oci'
import {
  isArray,
  isObject,
  jsonObject,
  withoutTarget,
  withTarget,
  type Json,
  type JsonObject,
  type Target,
} from '@nv2/tuf'

/** What one signing lists: an artifact under its name, and everything below it by digest. */
export interface Listing {
  /** OCI repository. */
  readonly repository: string
  /** Null when the artifact is signed by digest alone. */
  readonly tag: string | null
  readonly top: Descriptor
  /** Every manifest from the top down, each with the manifests that list it. */
  readonly manifests: ReadonlyMap<
    string,
    { readonly descriptor: Descriptor; readonly parents: ReadonlySet<string> }
  >
}

/** In `custom` of a digest entry: the tags (`:v1`) and indexes (`@sha256:...`) that brought it (protocol N2). */
const BROUGHT_BY = 'broughtBy'
/** Holds an entry whose tag has moved on by the signer's will. */
const KEPT = 'kept'
const MAX_MANIFESTS = 1000

export async function listingOf(
  store: ContentReader,
  repository: string,
  tag: string | null,
  top: Descriptor,
): Promise<Listing> {
  const manifests = new Map([[top.digest, { descriptor: top, parents: new Set<string>() }]])
  const queue = [top]
  for (
    let next = queue.shift();
    next !== undefined && manifests.size <= MAX_MANIFESTS;
    next = queue.shift()
  ) {
    const { manifest } = await readManifest(store, next)
    for (const child of manifest.kind === 'index' ? manifest.manifests : []) {
      const held = manifests.get(child.digest)
      if (held) held.parents.add(next.digest)
      else {
        manifests.set(child.digest, { descriptor: child, parents: new Set([next.digest]) })
        queue.push(child)
      }
    }
  }
  return { repository, tag, top, manifests }
}

export function pathsOf({ repository, tag, manifests }: Listing): string[] {
  const digests = [...manifests.keys()].map((digest) => `${repository}@${digest}`)
  return tag === null ? digests : [`${repository}:${tag}`, ...digests]
}

/**
 * Lists the artifact in a targets role, keeping earlier targets. A tag that moves takes along what only its old index
 * brought, unless `keep`: what nobody offers any more should not stay trusted by its digest (protocol N2).
 */
export function withListing(tree: JsonObject, listing: Listing, keep = false): JsonObject {
  const { repository, tag, top, manifests } = listing
  let next = tag === null ? tree : leaveOld(tree, listing, keep)
  if (tag !== null) next = withTarget(next, target(`${repository}:${tag}`, top))
  for (const [digest, { descriptor, parents }] of manifests) {
    const path = `${repository}@${digest}`
    const own = digest === top.digest ? [tag === null ? KEPT : `:${tag}`] : []
    const holders = new Set([...holdersOf(next, path), ...own, ...[...parents].map((parent) => `@${parent}`)])
    next = withTarget(next, target(path, descriptor, [...holders].sort()))
  }
  return next
}

/** Takes the tag off the index that it named before, and off all that hung on it alone. */
function leaveOld(tree: JsonObject, { repository, tag, top }: Listing, keep: boolean): JsonObject {
  const old = digestIn(entry(tree, `${repository}:${tag ?? ''}`))
  if (old === undefined || old === top.digest) return tree
  const held = holdersOf(tree, `${repository}@${old}`).filter((name) => name !== `:${tag ?? ''}`)
  if (keep) return withHolders(tree, `${repository}@${old}`, [...held, KEPT])
  let next = tree
  const released = [{ digest: old, holder: `:${tag ?? ''}` }]
  for (let one = released.shift(); one !== undefined; one = released.shift()) {
    const { digest, holder } = one
    const path = `${repository}@${digest}`
    const holders = holdersOf(next, path)
    // Entries that nv2 did not write say not who brought them: they stay.
    if (!holders.includes(holder)) continue
    const left = holders.filter((name) => name !== holder)
    if (left.length > 0) next = withHolders(next, path, left)
    else {
      next = withoutTarget(next, path)
      for (const [name, value] of targetsOf(next))
        if (broughtBy(value).includes(`@${digest}`) && name.startsWith(`${repository}@`))
          released.push({ digest: name.slice(repository.length + 1), holder: `@${digest}` })
    }
  }
  return next
}

function target(path: string, descriptor: Descriptor, holders?: readonly string[]): Target {
  const { mediaType, artifactType, digest, size } = descriptor
  const [algorithm = '', hex = ''] = digest.split(':')
  return {
    path,
    length: size,
    hashes: new Map([[algorithm, hex]]),
    custom: jsonObject([
      ['mediaType', mediaType],
      ['artifactType', artifactType],
      [BROUGHT_BY, holders],
    ]),
  }
}

function withHolders(tree: JsonObject, path: string, holders: readonly string[]): JsonObject {
  const held = entry(tree, path)
  if (!held) return tree
  const custom = held.get('custom')
  const list = [...new Set(holders)].sort()
  const changed = new Map([
    ...held,
    ['custom', new Map([...(isObject(custom) ? custom : []), [BROUGHT_BY, list]])],
  ])
  return new Map([...tree, ['targets', new Map([...targetsOf(tree), [path, changed]])]])
}

function holdersOf(tree: JsonObject, path: string): string[] {
  return broughtBy(entry(tree, path))
}

function broughtBy(value: Json | undefined): string[] {
  const custom = isObject(value) ? value.get('custom') : undefined
  const list = isObject(custom) ? custom.get(BROUGHT_BY) : undefined
  return list !== undefined && isArray(list) ? list.filter((one) => typeof one === 'string') : []
}

function digestIn(value: JsonObject | undefined): string | undefined {
  const hashes = value?.get('hashes')
  const hex = isObject(hashes) ? hashes.get('sha256') : undefined
  return typeof hex === 'string' ? `sha256:${hex}` : undefined
}

function entry(tree: JsonObject, path: string): JsonObject | undefined {
  const value = targetsOf(tree).get(path)
  return isObject(value) ? value : undefined
}

function targetsOf(tree: JsonObject): JsonObject {
  const targets = tree.get('targets')
  return isObject(targets) ? targets : jsonObject([])
}
