import { expect } from 'chai'
import {
  childrenOf,
  digestOf,
  emptyBytes,
  emptyDescriptor,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  parseDigest,
  parseManifest,
} from '../src/index.js'
import { codeOf, text } from './fixture.js'

const D = `"digest":"sha256:${'a'.repeat(64)}"`
const config = `{"mediaType":"a/b",${D},"size":1}`
const image = (more = '', layers = '[]'): Uint8Array =>
  text(`{"schemaVersion":2,"config":${config},"layers":${layers}${more}}`)
const index = (manifests: string, more = ''): Uint8Array =>
  text(`{"schemaVersion":2,"manifests":${manifests}${more}}`)

describe('digests', () => {
  it('knows the empty descriptor by its bytes', () => {
    expect(digestOf(emptyBytes)).to.equal(emptyDescriptor.digest)
    expect(emptyBytes.length).to.equal(emptyDescriptor.size)
  })
  for (const bad of [
    '',
    'sha256',
    'sha256:',
    'sha256:xyz',
    `SHA256:${'a'.repeat(64)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha256:${'a'.repeat(64)}\n`,
    `sha512:${'a'.repeat(64)}`,
    'sha256:../../../etc/passwd',
  ]) {
    it(`refuses ${JSON.stringify(bad.slice(0, 30))}`, () => {
      expect(codeOf(() => parseDigest(bad))).to.equal('DIGEST_INVALID')
    })
  }
})

describe('manifests', () => {
  it('round-trips a manifest and an index', () => {
    const layer = { mediaType: mediaTypes.layer, digest: digestOf(text('x')), size: 1 }
    const bytes = encodeManifest({
      artifactType: 'application/x',
      config: emptyDescriptor,
      layers: [layer],
      subject: { mediaType: mediaTypes.manifest, digest: digestOf(text('s')), size: 1 },
      annotations: new Map([
        ['b', '2'],
        ['a', '1'],
        ['__proto__', 'data'],
      ]),
    })
    const manifest = parseManifest(bytes, mediaTypes.manifest)
    expect(manifest).to.include({ kind: 'manifest', artifactType: 'application/x' })
    expect(manifest.annotations.get('__proto__')).to.equal('data')
    expect(manifest.subject?.digest).to.equal(digestOf(text('s')))
    expect(childrenOf(manifest)).to.deep.equal([emptyDescriptor, layer])
    const list = encodeIndex({
      manifests: [{ ...layer, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }],
    })
    expect(childrenOf(parseManifest(list, mediaTypes.index))[0]?.platform?.variant).to.equal('v7')
    expect(encodeIndex({ manifests: [] })).to.deep.equal(encodeIndex({ manifests: [] }))
  })

  it('takes unknown members and types, null lists and no mediaType', () => {
    expect(parseManifest(image(',"com.example":{"deep":[1]}'), mediaTypes.manifest).kind).to.equal('manifest')
    expect(parseManifest(image('', 'null'), mediaTypes.manifest).kind).to.equal('manifest')
    expect(parseManifest(index('[]'), mediaTypes.index).kind).to.equal('index')
    const odd = `[{"mediaType":"x/y; p=1",${D},"size":0}]`
    expect(childrenOf(parseManifest(image('', odd), mediaTypes.manifest))[1]?.mediaType).to.equal('x/y; p=1')
  })

  const attacks: [string, Uint8Array, string, string][] = [
    ['CVE-2021-41190: index with layers', index('[]', ',"layers":[]'), mediaTypes.index, 'MANIFEST_INVALID'],
    [
      'CVE-2021-41190: image with manifests',
      image(',"manifests":[]'),
      mediaTypes.manifest,
      'MANIFEST_INVALID',
    ],
    [
      'CVE-2021-41190: index with config',
      index('[]', `,"config":${config}`),
      mediaTypes.index,
      'MANIFEST_INVALID',
    ],
    [
      'mediaType says index, came as manifest',
      image(`,"mediaType":"${mediaTypes.index}"`),
      mediaTypes.manifest,
      'MEDIA_TYPE_MISMATCH',
    ],
    ['mediaType that is no text', image(',"mediaType":1'), mediaTypes.manifest, 'MEDIA_TYPE_MISMATCH'],
    ['layers twice', image(',"layers":[]'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['layers twice, once escaped', image(',"\\u006cayers":[]'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['an image read as an index', image(), mediaTypes.index, 'MANIFEST_INVALID'],
    ['an index read as an image', index('[]'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['unknown type', image(), 'application/json', 'MANIFEST_INVALID'],
    ['schemaVersion 1', text('{"schemaVersion":1}'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['HTML', text('<html>log in</html>'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['a list', text('[]'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['nothing', text(''), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['cut off', image().subarray(0, 40), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['broken UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['byte order mark', text('\ufeff{"schemaVersion":2}'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    [
      'nesting bomb',
      image(`,"x":${'['.repeat(5000)}${']'.repeat(5000)}`),
      mediaTypes.manifest,
      'MANIFEST_INVALID',
    ],
    ['too large', new Uint8Array(4 * 1024 * 1024 + 1), mediaTypes.manifest, 'TOO_LARGE'],
    [
      'digest that is a path',
      image('', '[{"mediaType":"a/b","digest":"sha256:../x","size":1}]'),
      mediaTypes.manifest,
      'MANIFEST_INVALID',
    ],
    [
      'negative size',
      image('', `[{"mediaType":"a/b",${D},"size":-1}]`),
      mediaTypes.manifest,
      'MANIFEST_INVALID',
    ],
    [
      'size with a fraction',
      image('', `[{"mediaType":"a/b",${D},"size":1.5}]`),
      mediaTypes.manifest,
      'MANIFEST_INVALID',
    ],
    [
      'size beyond 2^53',
      image('', `[{"mediaType":"a/b",${D},"size":9007199254740993}]`),
      mediaTypes.manifest,
      'MANIFEST_INVALID',
    ],
    ['annotation that is no text', image(',"annotations":{"a":1}'), mediaTypes.manifest, 'MANIFEST_INVALID'],
    ['subject that is no descriptor', image(',"subject":"x"'), mediaTypes.manifest, 'MANIFEST_INVALID'],
  ]
  for (const [name, bytes, type, code] of attacks) {
    it(`refuses: ${name}`, () => {
      expect(codeOf(() => parseManifest(bytes, type))).to.equal(code)
    })
  }
})
