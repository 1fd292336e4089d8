import { expect } from 'chai'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  copyGraph,
  createLayout,
  digestOf,
  emptyBytes,
  emptyDescriptor,
  encodeIndex,
  encodeManifest,
  mediaTypes,
  RegistryClient,
} from '@nv2/oci'
import {
  type Answer,
  ask,
  codeIn,
  describeBytes,
  inTemp,
  putBlob,
  serve,
  text,
  withRegistry,
} from './fixture.js'

const put = (
  host: string,
  path: string,
  bytes: Uint8Array,
  type: string = mediaTypes.manifest,
): Promise<Answer> => ask(host, 'PUT', path, { body: bytes, headers: { 'Content-Type': type } })
const artifact = encodeManifest({ artifactType: 'application/x', config: emptyDescriptor, layers: [] })
const emptyIndex = encodeIndex({ manifests: [] })

describe('registry: manifests', () => {
  it('come back byte for byte, by tag and by digest, with their type', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a/b', emptyBytes)
      // Odd white space must survive: the digest is over these bytes.
      const odd = text(
        `{"schemaVersion":2,\n "unknown":{"x":[1]},"mediaType":"${mediaTypes.manifest}", "config":${JSON.stringify(emptyDescriptor)},"layers":[]}\n`,
      )
      const digest = digestOf(odd)
      const answer = await put(host, '/v2/a/b/manifests/v1', odd)
      expect([answer.status, answer.headers['docker-content-digest'], answer.headers.location]).to.deep.equal(
        [201, digest, `/v2/a/b/manifests/${digest}`],
      )
      for (const reference of ['v1', digest, digest.replace(':', '%3A')]) {
        const got = await ask(host, 'GET', `/v2/a/b/manifests/${reference}`)
        expect(got.body, reference).to.deep.equal(odd)
        expect([got.headers['content-type'], got.headers['docker-content-digest']]).to.deep.equal([
          mediaTypes.manifest,
          digest,
        ])
        const head = await ask(host, 'HEAD', `/v2/a/b/manifests/${reference}`)
        expect([head.status, head.headers['content-length'], head.body.length]).to.deep.equal([
          200,
          String(odd.length),
          0,
        ])
      }
      const again = await ask(host, 'GET', '/v2/a/b/manifests/v1', {
        headers: { 'If-None-Match': `"${digest}"` },
      })
      expect(again.status).to.equal(304)
    }))

  it('sha512, empty index, nested index, absent non-distributable layers, null layers', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a', emptyBytes)
      const long = digestOf(artifact, 'sha512')
      expect(
        (await put(host, `/v2/a/manifests/${long}`, artifact)).headers['docker-content-digest'],
      ).to.equal(long)
      expect((await ask(host, 'GET', `/v2/a/manifests/${long}`)).body).to.deep.equal(Buffer.from(artifact))
      expect((await put(host, '/v2/a/manifests/e', emptyIndex, mediaTypes.index)).status).to.equal(201)
      const nested = encodeIndex({ manifests: [describeBytes(emptyIndex, mediaTypes.index)] })
      expect((await put(host, '/v2/a/manifests/n', nested, mediaTypes.index)).status).to.equal(201)
      const foreign = encodeManifest({
        config: emptyDescriptor,
        layers: [describeBytes(text('x'), 'application/vnd.oci.image.layer.nondistributable.v1.tar')],
      })
      expect((await put(host, '/v2/a/manifests/f', foreign)).status).to.equal(201)
      const nulls = text(`{"schemaVersion":2,"config":${JSON.stringify(emptyDescriptor)},"layers":null}`)
      expect((await put(host, '/v2/a/manifests/0', nulls)).status).to.equal(201)
    }))

  const digest = digestOf(artifact)
  const rows: [string, string, string, Uint8Array, string, number, string][] = [
    ['absent tag', 'GET', '/v2/a/manifests/none', text(''), '', 404, 'MANIFEST_UNKNOWN'],
    ['absent digest', 'GET', `/v2/a/manifests/${digest}`, text(''), '', 404, 'MANIFEST_UNKNOWN'],
    ['absent repository', 'GET', '/v2/none/manifests/x', text(''), '', 404, 'MANIFEST_UNKNOWN'],
    ['bad digest', 'GET', '/v2/a/manifests/sha256:baddigeststring', text(''), '', 400, 'DIGEST_INVALID'],
    [
      'bad digest',
      'PUT',
      '/v2/a/manifests/sha256:baddigeststring',
      artifact,
      mediaTypes.manifest,
      400,
      'DIGEST_INVALID',
    ],
    [
      'another digest',
      'PUT',
      `/v2/a/manifests/${digestOf(text('x'))}`,
      artifact,
      mediaTypes.manifest,
      400,
      'DIGEST_INVALID',
    ],
    ['bad tag', 'PUT', '/v2/a/manifests/.x', artifact, mediaTypes.manifest, 400, 'MANIFEST_INVALID'],
    [
      'tag that is a path',
      'PUT',
      '/v2/a/manifests/..%2f..%2fx',
      artifact,
      mediaTypes.manifest,
      400,
      'MANIFEST_INVALID',
    ],
    ['broken escape', 'GET', '/v2/a/manifests/%zz', text(''), '', 400, 'NAME_INVALID'],
    ['unknown type', 'PUT', '/v2/a/manifests/x', artifact, 'application/json', 400, 'MANIFEST_INVALID'],
    ['no type', 'PUT', '/v2/a/manifests/x', artifact, '', 400, 'MANIFEST_INVALID'],
    [
      'type that the body contradicts',
      'PUT',
      '/v2/a/manifests/x',
      artifact,
      mediaTypes.index,
      400,
      'MANIFEST_INVALID',
    ],
    ['no JSON', 'PUT', '/v2/a/manifests/x', text('{'), mediaTypes.manifest, 400, 'MANIFEST_INVALID'],
    ['no body', 'PUT', '/v2/a/manifests/x', text(''), mediaTypes.manifest, 400, 'MANIFEST_INVALID'],
    [
      'deep nesting',
      'PUT',
      '/v2/a/manifests/x',
      text('['.repeat(100000)),
      mediaTypes.manifest,
      400,
      'MANIFEST_INVALID',
    ],
    [
      'both kinds (CVE-2021-41190)',
      'PUT',
      '/v2/a/manifests/x',
      text(`{"schemaVersion":2,"manifests":[],"layers":[],"config":${JSON.stringify(emptyDescriptor)}}`),
      mediaTypes.index,
      400,
      'MANIFEST_INVALID',
    ],
    [
      'too large',
      'PUT',
      '/v2/a/manifests/x',
      Buffer.alloc(4 * 1024 * 1024 + 1, 0x20),
      mediaTypes.manifest,
      413,
      'SIZE_INVALID',
    ],
    [
      'missing layer',
      'PUT',
      '/v2/a/manifests/x',
      encodeManifest({ config: emptyDescriptor, layers: [describeBytes(text('absent'))] }),
      mediaTypes.manifest,
      404,
      'MANIFEST_BLOB_UNKNOWN',
    ],
    [
      'missing child',
      'PUT',
      '/v2/a/manifests/x',
      encodeIndex({ manifests: [describeBytes(text('absent'), mediaTypes.manifest)] }),
      mediaTypes.index,
      404,
      'MANIFEST_BLOB_UNKNOWN',
    ],
    [
      'blob as child manifest',
      'PUT',
      '/v2/a/manifests/x',
      encodeIndex({ manifests: [{ ...emptyDescriptor, mediaType: mediaTypes.manifest }] }),
      mediaTypes.index,
      404,
      'MANIFEST_BLOB_UNKNOWN',
    ],
    [
      'upper case in the name',
      'PUT',
      '/v2/A/manifests/x',
      artifact,
      mediaTypes.manifest,
      400,
      'NAME_INVALID',
    ],
    ['.. in the name', 'GET', '/v2/a/../../etc/manifests/x', text(''), '', 400, 'NAME_INVALID'],
    ['escaped .. in the name', 'GET', '/v2/%2e%2e/%2e%2e/etc/manifests/x', text(''), '', 400, 'NAME_INVALID'],
    ['our own folders as names', 'GET', '/v2/a/_tags/manifests/x', text(''), '', 400, 'NAME_INVALID'],
    ['NUL in the name', 'GET', '/v2/a%00/manifests/x', text(''), '', 400, 'NAME_INVALID'],
    ['long name', 'GET', `/v2/${'a'.repeat(256)}/manifests/x`, text(''), '', 400, 'NAME_INVALID'],
    ['longest name', 'GET', `/v2/${'a'.repeat(255)}/manifests/x`, text(''), '', 404, 'MANIFEST_UNKNOWN'],
    ['unknown address', 'GET', '/v2/a/nothing', text(''), '', 404, 'NAME_UNKNOWN'],
    ['unknown method', 'POST', '/v2/a/manifests/x', text(''), '', 405, 'UNSUPPORTED'],
    ['unknown method', 'PUT', '/v2/', text(''), '', 405, 'UNSUPPORTED'],
    ['bad blob digest', 'GET', '/v2/a/blobs/sha256:x', text(''), '', 400, 'DIGEST_INVALID'],
    ['absent blob', 'GET', `/v2/a/blobs/${digest}`, text(''), '', 404, 'BLOB_UNKNOWN'],
    [
      'upload with a bad digest',
      'POST',
      '/v2/a/blobs/uploads/?digest=x',
      text('x'),
      '',
      400,
      'DIGEST_INVALID',
    ],
    [
      'upload with two digests',
      'POST',
      `/v2/a/blobs/uploads/?digest=${digest}&digest=${digest}`,
      text('x'),
      '',
      405,
      'UNSUPPORTED',
    ],
    ['finish without a digest', 'PUT', '/v2/a/blobs/uploads/x', text('x'), '', 400, 'DIGEST_INVALID'],
    ['tags of no repository', 'GET', '/v2/none/tags/list', text(''), '', 404, 'NAME_UNKNOWN'],
    ['tags by a bad number', 'GET', '/v2/a/tags/list?n=-1', text(''), '', 405, 'UNSUPPORTED'],
    ['referrers of a bad digest', 'GET', '/v2/a/referrers/x', text(''), '', 400, 'DIGEST_INVALID'],
    ['delete of an absent tag', 'DELETE', '/v2/a/manifests/x', text(''), '', 404, 'MANIFEST_UNKNOWN'],
    [
      'delete of an absent digest',
      'DELETE',
      `/v2/a/manifests/${digest}`,
      text(''),
      '',
      404,
      'MANIFEST_UNKNOWN',
    ],
  ]
  for (const [name, method, path, body, type, status, code] of rows) {
    it(`${name}: ${method} is ${String(status)} ${code}`, () =>
      withRegistry(async ({ host, faults }) => {
        await putBlob(host, 'a', emptyBytes)
        const answer = await ask(host, method, path, {
          body,
          headers: type === '' ? {} : { 'Content-Type': type },
        })
        expect([answer.status, codeIn(answer)]).to.deep.equal([status, code])
        expect(answer.headers['content-type']).to.equal('application/json')
        expect(answer.headers).not.to.have.property('x-powered-by')
        expect(answer.body.toString()).not.to.match(/\bat .*\.js|node_modules/)
        expect(faults).to.deep.equal([])
      }))
  }

  it('a refusal reaches a client that is still sending', () =>
    withRegistry(async ({ host }) => {
      const body = Buffer.alloc(7 * 1024 * 1024, 0x20)
      const answer = await ask(host, 'PUT', '/v2/a/manifests/sha256:x', { body })
      expect([answer.status, codeIn(answer)]).to.deep.equal([400, 'DIGEST_INVALID'])
    }))

  it('are deleted by tag alone, or with all their tags', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a', emptyBytes)
      for (const tag of ['x', 'y', 'z']) await put(host, `/v2/a/manifests/${tag}`, artifact)
      expect((await ask(host, 'DELETE', '/v2/a/manifests/x')).status).to.equal(202)
      expect((await ask(host, 'GET', '/v2/a/manifests/x')).status).to.equal(404)
      expect((await ask(host, 'GET', `/v2/a/manifests/${digest}`)).status).to.equal(200)
      expect((await ask(host, 'DELETE', `/v2/a/manifests/${digest}`)).status).to.equal(202)
      for (const reference of ['y', digest])
        expect((await ask(host, 'GET', `/v2/a/manifests/${reference}`)).status).to.equal(404)
      expect(JSON.parse((await ask(host, 'GET', '/v2/a/tags/list')).body.toString())).to.deep.equal({
        name: 'a',
        tags: [],
      })
    }))

  it('tags are sorted, told apart by case, and come in pages', () =>
    withRegistry(async ({ host, dir }) => {
      await putBlob(host, 'a', emptyBytes)
      const tags = ['v10', 'v1', 'V1', 'latest', '_x', 'a.b-c', 'X'.repeat(128)]
      for (const tag of tags)
        expect((await put(host, `/v2/a/manifests/${tag}`, artifact)).status).to.equal(201)
      const page = async (query: string): Promise<[string[], string | undefined]> => {
        const answer = await ask(host, 'GET', `/v2/a/tags/list${query}`)
        return [
          (JSON.parse(answer.body.toString()) as { tags: string[] }).tags,
          answer.headers['link'] as string | undefined,
        ]
      }
      const sorted = [...tags].sort()
      expect(await page('')).to.deep.equal([sorted, undefined])
      expect(await page('?n=0')).to.deep.equal([[], undefined])
      expect(await page('?n=2')).to.deep.equal([
        sorted.slice(0, 2),
        `</v2/a/tags/list?n=2&last=${sorted[1]!}>; rel="next"`,
      ])
      expect(await page(`?n=2&last=${sorted[1]!}`)).to.have.deep.property('0', sorted.slice(2, 4))
      expect(await page(`?n=99&last=${sorted[4]!}`)).to.deep.equal([sorted.slice(5), undefined])
      expect(await page('?last=zzz')).to.deep.equal([[], undefined])
      const files = await readdir(join(dir, 'repositories', 'a', '_tags'))
      expect(new Set(files.map((file) => file.toLowerCase()))).to.have.property('size', tags.length)
    }))

  it('referrers: listed for absent subjects, filtered, gone with their manifest', () =>
    withRegistry(async ({ host }) => {
      const subject = { mediaType: mediaTypes.manifest, digest: digestOf(text('subject')), size: 7 }
      const path = `/v2/a/referrers/${subject.digest}`
      const list = async (query = ''): Promise<{ answer: Answer; manifests: Record<string, unknown>[] }> => {
        const answer = await ask(host, 'GET', path + query)
        expect([answer.status, answer.headers['content-type']]).to.deep.equal([200, mediaTypes.index])
        return {
          answer,
          manifests: (JSON.parse(answer.body.toString()) as { manifests: Record<string, unknown>[] })
            .manifests,
        }
      }
      expect((await list()).manifests).to.deep.equal([])
      await putBlob(host, 'a', emptyBytes)
      const typed = encodeManifest({
        artifactType: 'application/x',
        config: emptyDescriptor,
        layers: [],
        subject,
        annotations: new Map([['k', 'v']]),
      })
      const byConfig = encodeManifest({
        config: { ...emptyDescriptor, mediaType: 'application/y' },
        layers: [],
        subject,
      })
      const index = encodeIndex({ manifests: [], subject })
      for (const [bytes, type] of [
        [typed, mediaTypes.manifest],
        [byConfig, mediaTypes.manifest],
        [index, mediaTypes.index],
      ] as const) {
        const answer = await put(host, `/v2/a/manifests/${digestOf(bytes)}`, bytes, type)
        expect([answer.status, answer.headers['oci-subject']]).to.deep.equal([201, subject.digest])
      }
      const { manifests, answer } = await list()
      expect(answer.headers).not.to.have.property('oci-filters-applied')
      expect(manifests).to.have.length(3)
      expect(manifests).to.deep.include({
        ...describeBytes(typed, mediaTypes.manifest),
        artifactType: 'application/x',
        annotations: { k: 'v' },
      })
      expect(manifests).to.deep.include({
        ...describeBytes(byConfig, mediaTypes.manifest),
        artifactType: 'application/y',
      })
      expect(manifests).to.deep.include(describeBytes(index, mediaTypes.index))
      const filtered = await list('?artifactType=application%2Fx')
      expect(filtered.answer.headers['oci-filters-applied']).to.equal('artifactType')
      expect(filtered.manifests.map((entry) => entry['digest'])).to.deep.equal([digestOf(typed)])
      await ask(host, 'DELETE', `/v2/a/manifests/${digestOf(typed)}`)
      expect((await list()).manifests).to.have.length(2)
    }))
})

describe('registry: what a crash leaves', () => {
  it('is not to be seen: content without its mark, a referrer or a tag without its manifest, temp files', () =>
    inTemp(async (dir) => {
      const digest = digestOf(artifact)
      const subject = digestOf(text('s'))
      const repository = join(dir, 'repositories', 'a')
      const files: [string, string][] = [
        [join(dir, 'content', 'sha256', digest.slice(7, 9), digest.slice(7)), artifact.toString()],
        [join(repository, '_tags', 'v1'), digest],
        [join(repository, '_tags', 'v2'), ''],
        [join(repository, '_referrers', 'sha256', subject.slice(7), digest.replace(':', '-')), '{"half'],
        [join(dir, 'ingest', '1-x'), 'half'],
        [join(dir, 'uploads', 'x'), 'half'],
      ]
      for (const [path, content] of files) {
        await mkdir(join(path, '..'), { recursive: true })
        await writeFile(path, content)
      }
      const running = await serve(dir)
      for (const path of [
        `/v2/a/manifests/v1`,
        '/v2/a/manifests/v2',
        `/v2/a/manifests/${digest}`,
        `/v2/a/blobs/${digest}`,
      ]) {
        expect((await ask(running.host, 'GET', path)).status, path).to.equal(404)
      }
      const referrers = await ask(running.host, 'GET', `/v2/a/referrers/${subject}`)
      expect(referrers.body.toString()).to.contain('"manifests":[]')
      await running.stop()
    }))

  it('a folder that cannot be used is a 500 without a word about the inside', () =>
    inTemp(async (dir) => {
      await writeFile(join(dir, 'data'), 'a file')
      const running = await serve(join(dir, 'data'))
      const answer = await ask(running.host, 'GET', '/v2/')
      expect([answer.status, codeIn(answer)]).to.deep.equal([500, 'UNKNOWN'])
      expect(answer.body.toString()).not.to.contain(dir)
      expect(running.faults.length).to.be.greaterThan(0)
      await running.stop()
    }))
})

describe('registry: with our own client', () => {
  it('a graph goes from a layout to it and on to another, over a restart, digests equal', () =>
    inTemp(async (dir) => {
      const layout = await createLayout(join(dir, 'layout'))
      const layer = Buffer.alloc(3 * 1024 * 1024, 7)
      await layout.push(describeBytes(layer), layer)
      await layout.push(emptyDescriptor, emptyBytes)
      const image = encodeManifest({
        artifactType: 'application/x',
        config: emptyDescriptor,
        layers: [describeBytes(layer)],
      })
      await layout.push(describeBytes(image, mediaTypes.manifest), image)
      const index = encodeIndex({ manifests: [describeBytes(image, mediaTypes.manifest)] })
      const descriptor = describeBytes(index, mediaTypes.index)
      await layout.push(descriptor, index)

      const first = await serve(join(dir, 'one'))
      const one = new RegistryClient({ registry: first.host, repository: 'wabbit-networks/netmonitor' })
      await copyGraph(layout, one, descriptor)
      await one.tag('v1', descriptor)
      await first.stop()

      const again = await serve(join(dir, 'one'))
      const second = await serve(join(dir, 'two'))
      const source = new RegistryClient({ registry: again.host, repository: 'wabbit-networks/netmonitor' })
      const two = new RegistryClient({ registry: second.host, repository: 'acme/netmonitor' })
      expect(await source.resolve('v1')).to.deep.equal(descriptor)
      expect(await two.exists(descriptor)).to.equal(false)
      await copyGraph(source, two, descriptor)
      expect((await two.fetchManifest(descriptor.digest)).bytes).to.deep.equal(Buffer.from(index))
      const back = await createLayout(join(dir, 'back'))
      await copyGraph(two, back, descriptor)
      await back.tag('acme/netmonitor:v1', descriptor)
      expect(await back.exists(describeBytes(layer))).to.equal(true)
      await again.stop()
      await second.stop()
    }))
})
