import { expect } from 'chai'
import type { Descriptor } from '@nv2/oci'
import { isObject, newTargets, type Json, type JsonObject } from '@nv2/tuf'
import { pathsOf, withListing, type Listing } from '../../src/publish/targets.js'

const R = 'wabbit-networks/netmonitor'
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`

function descriptor(letter: string, artifactType?: string): Descriptor {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  return { mediaType, digest: digest(letter), size: 10, ...(artifactType !== undefined && { artifactType }) }
}

/** An index `top` over `children`, each named by one hex digit. */
function listing(tag: string | null, top: string, ...children: string[]): Listing {
  const manifests = new Map([[digest(top), { descriptor: descriptor(top), parents: new Set<string>() }]])
  for (const child of children)
    manifests.set(digest(child), { descriptor: descriptor(child), parents: new Set([digest(top)]) })
  return { repository: R, tag, top: descriptor(top), manifests }
}

/** What is listed, with who brought it, short: `:v1=a`, `@b<@a`. */
function told(tree: JsonObject): string[] {
  const targets = tree.get('targets')
  if (!isObject(targets)) return []
  return [...targets].map(([path, value]) => {
    const member = (name: string): Json | undefined => (isObject(value) ? value.get(name) : undefined)
    const custom = member('custom')
    const hashes = member('hashes')
    const by = isObject(custom) ? custom.get('broughtBy') : undefined
    const short = (text: string): string => text.replace(R, '').replace(/sha256:(.)\1{63}/g, '$1')
    const hash = isObject(hashes) ? hashes.get('sha256') : ''
    const hex = typeof hash === 'string' ? hash : ''
    return Array.isArray(by)
      ? `${short(path)}<${by.map(String).map(short).join(',')}`
      : `${short(path)}=${hex.slice(0, 1)}`
  })
}

describe('what one signing lists', () => {
  const empty = newTargets({ version: 1, expires: new Date('2030-01-01T00:00:00Z') })

  it('is the tag, the index and what hangs below it, each by digest, with who brought it', () => {
    const one = listing('v1', 'a', 'b', 'c')
    expect(told(withListing(empty, one))).to.deep.equal([':v1=a', '@a<:v1', '@b<@a', '@c<@a'])
    expect(pathsOf(one)).to.deep.equal([
      `${R}:v1`,
      `${R}@${digest('a')}`,
      `${R}@${digest('b')}`,
      `${R}@${digest('c')}`,
    ])
  })

  it('says the same when it is said again', () => {
    const once = withListing(empty, listing('v1', 'a', 'b'))
    expect(withListing(once, listing('v1', 'a', 'b'))).to.deep.equal(once)
  })

  it('keeps earlier targets, and notes every tag and index that needs one', () => {
    const both = withListing(withListing(empty, listing('v1', 'a', 'b', 'c')), listing('v2', 'd', 'b'))
    expect(told(both)).to.deep.equal([':v1=a', '@a<:v1', '@b<@a,@d', '@c<@a', ':v2=d', '@d<:v2'])
  })

  it('drops what only the old index brought when a tag moves', () => {
    const moved = withListing(withListing(empty, listing('v1', 'a', 'b', 'c')), listing('v1', 'd', 'b'))
    expect(told(moved)).to.deep.equal([':v1=d', '@d<:v1', '@b<@d'])
  })

  it('leaves the old index alone while another tag names it', () => {
    const two = withListing(withListing(empty, listing('v1', 'a', 'b')), listing('latest', 'a', 'b'))
    const moved = withListing(two, listing('latest', 'd', 'e'))
    expect(told(moved)).to.deep.equal([':v1=a', '@a<:v1', '@b<@a', ':latest=d', '@d<:latest', '@e<@d'])
  })

  it('keeps the old entries when told, also through the next move', () => {
    const kept = withListing(withListing(empty, listing('v1', 'a', 'b')), listing('v1', 'd', 'e'), true)
    expect(told(kept)).to.deep.equal([':v1=d', '@a<kept', '@b<@a', '@d<:v1', '@e<@d'])
    const again = withListing(kept, listing('v1', 'f'))
    expect(told(again)).to.deep.equal([':v1=f', '@a<kept', '@b<@a', '@f<:v1'])
  })

  it('leaves entries of other tools as they are', () => {
    const foreign: JsonObject = new Map([
      ...empty,
      ['targets', new Map([[`${R}@${digest('a')}`, new Map<string, number>([['length', 1]])]])],
    ])
    const moved = withListing(withListing(foreign, listing('v1', '1')), listing('v1', '2'))
    expect(told(moved)[0]).to.equal('@a=')
  })

  it('carries type and artifact type, on which groups must agree', () => {
    const one = listing(null, 'a')
    const top = descriptor('a', 'application/spdx+json')
    const tree = withListing(empty, {
      ...one,
      top,
      manifests: new Map([[digest('a'), { descriptor: top, parents: new Set() }]]),
    })
    const targets = tree.get('targets')
    const entry = isObject(targets) ? targets.get(`${R}@${digest('a')}`) : undefined
    const custom = isObject(entry) ? entry.get('custom') : undefined
    expect(isObject(custom) && [...custom]).to.deep.equal([
      ['mediaType', 'application/vnd.oci.image.manifest.v1+json'],
      ['artifactType', 'application/spdx+json'],
      ['broughtBy', ['kept']],
    ])
  })
})
