import { expect } from 'chai'
import { readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { RegistryClient, digestOf, readAll } from '@nv2/oci'
import { ask, codeIn, describeBytes, inTemp, open, putBlob, serve, text, withRegistry } from './fixture.js'

const octets = { 'Content-Type': 'application/octet-stream' }
const blob = Buffer.from(Array.from({ length: 3000 }, (_, i) => i % 251))
const digest = digestOf(blob)

describe('registry: pushing blobs', () => {
  it('by POST alone, sha256 and sha512', () =>
    withRegistry(async ({ host }) => {
      for (const d of [digest, digestOf(blob, 'sha512')]) {
        const put = await ask(host, 'POST', `/v2/a/b/blobs/uploads/?digest=${d}`, {
          body: blob,
          headers: octets,
        })
        expect(put.status).to.equal(201)
        expect(put.headers['docker-content-digest']).to.equal(d)
        const got = await ask(host, 'GET', put.headers.location ?? '')
        expect(got.body).to.deep.equal(blob)
        expect(got.headers['docker-content-digest']).to.equal(d)
      }
    }))

  it('by POST and PUT, also nothing at all', () =>
    withRegistry(async ({ host }) => {
      for (const bytes of [blob, Buffer.alloc(0), text('{}')]) {
        const place = await open(host, 'a')
        const put = await ask(host, 'PUT', `${place}?digest=${digestOf(bytes)}`, {
          body: bytes,
          headers: octets,
        })
        expect(put.status).to.equal(201)
        const head = await ask(host, 'HEAD', `/v2/a/blobs/${digestOf(bytes)}`)
        expect([head.status, head.headers['content-length']]).to.deep.equal([200, String(bytes.length)])
        expect((await ask(host, 'GET', `/v2/a/blobs/${digestOf(bytes)}`)).body).to.deep.equal(bytes)
      }
    }))

  it('in chunks, the last one in the PUT; out of order is 416 and harms nothing', () =>
    withRegistry(async ({ host }) => {
      const place = await open(host, 'a')
      const chunk = (range: string, bytes: Uint8Array): ReturnType<typeof ask> =>
        ask(host, 'PATCH', place, { body: bytes, headers: { ...octets, 'Content-Range': range } })
      const early = await chunk('1000-1999', blob.subarray(1000, 2000))
      expect([early.status, codeIn(early)]).to.deep.equal([416, 'RANGE_INVALID'])
      const first = await chunk('0-999', blob.subarray(0, 1000))
      expect([first.status, first.headers.range]).to.deep.equal([202, '0-999'])
      expect((await chunk('0-999', blob.subarray(0, 1000))).status).to.equal(416)
      for (const [range, length] of [
        ['1000-1999', 10],
        ['1000-999', 0],
        ['x', 5],
        ['1000-', 5],
        ['bytes 1000-1004', 5],
      ] as const) {
        expect((await chunk(range, Buffer.alloc(length))).status, range).to.equal(416)
      }
      const status = await ask(host, 'GET', place)
      expect([status.status, status.headers.range, status.headers.location]).to.deep.equal([
        204,
        '0-999',
        place,
      ])
      expect((await chunk('1000-1999', blob.subarray(1000, 2000))).status).to.equal(202)
      const done = await ask(host, 'PUT', `${place}?digest=${digest}`, {
        body: blob.subarray(2000),
        headers: { ...octets, 'Content-Range': '2000-2999' },
      })
      expect(done.status).to.equal(201)
      expect((await ask(host, 'GET', place)).status).to.equal(404)
      expect((await ask(host, 'GET', `/v2/a/blobs/${digest}`)).body).to.deep.equal(blob)
    }))

  it('as a stream, then a PUT without a body', () =>
    withRegistry(async ({ host }) => {
      const place = await open(host, 'a')
      expect((await ask(host, 'PATCH', place, { body: blob, headers: octets })).headers.range).to.equal(
        '0-2999',
      )
      expect((await ask(host, 'PUT', `${place}?digest=${digest}`, { body: '' })).status).to.equal(201)
    }))

  it('over a restart in the middle', () =>
    inTemp(async (dir) => {
      const first = await serve(dir)
      const place = await open(first.host, 'a')
      await ask(first.host, 'PATCH', place, { body: blob.subarray(0, 1500), headers: octets })
      await first.stop()
      const second = await serve(dir)
      expect((await ask(second.host, 'GET', place)).headers.range).to.equal('0-1499')
      const put = await ask(second.host, 'PUT', `${place}?digest=${digest}`, { body: blob.subarray(1500) })
      expect(put.status).to.equal(201)
      await second.stop()
      const third = await serve(dir)
      expect((await ask(third.host, 'GET', `/v2/a/blobs/${digest}`)).body).to.deep.equal(blob)
      await third.stop()
    }))

  it('by mount from another repository, never from a guess', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a', blob)
      const mounted = await ask(host, 'POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`, { body: '' })
      expect([mounted.status, mounted.headers.location]).to.deep.equal([201, `/v2/b/blobs/${digest}`])
      expect((await ask(host, 'GET', `/v2/b/blobs/${digest}`)).body).to.deep.equal(blob)
      for (const query of [
        `mount=${digestOf(text('x'))}&from=a`,
        `mount=${digest}&from=c`,
        `mount=${digest}`,
        `mount=${digest}&from=../a`,
        'mount=x&from=a',
      ]) {
        const answer = await ask(host, 'POST', `/v2/d/blobs/uploads/?${query}`, { body: '' })
        expect(answer.status, query).to.equal(202)
        expect(answer.headers.location).to.match(/^\/v2\/d\/blobs\/uploads\//)
      }
    }))

  it('refuses other bytes than the digest says, and keeps nothing', () =>
    withRegistry(async ({ host, dir }) => {
      const wrong = text('wrong')
      const post = await ask(host, 'POST', `/v2/a/blobs/uploads/?digest=${digest}`, { body: wrong })
      const place = await open(host, 'a')
      const put = await ask(host, 'PUT', `${place}?digest=${digest}`, { body: wrong })
      for (const answer of [post, put])
        expect([answer.status, codeIn(answer)]).to.deep.equal([400, 'DIGEST_INVALID'])
      expect((await ask(host, 'HEAD', `/v2/a/blobs/${digest}`)).status).to.equal(404)
      expect(await readdir(join(dir, 'content'))).to.deep.equal([])
      expect(await readdir(join(dir, 'uploads'))).to.deep.equal([])
    }))

  it('cancels, and does not know sessions of other repositories', () =>
    withRegistry(async ({ host }) => {
      const place = await open(host, 'a')
      for (const path of [
        place.replace('/a/', '/b/'),
        '/v2/a/blobs/uploads/x',
        '/v2/a/blobs/uploads/..%2f..%2fx',
      ]) {
        for (const method of ['GET', 'PATCH', 'DELETE']) {
          const answer = await ask(host, method, path, { body: '' })
          expect([answer.status, codeIn(answer)]).to.deep.equal([404, 'BLOB_UPLOAD_UNKNOWN'])
        }
      }
      expect((await ask(host, 'DELETE', place)).status).to.equal(204)
      expect((await ask(host, 'DELETE', place)).status).to.equal(404)
    }))

  it('a connection that breaks in a chunk leaves what was before it', () =>
    withRegistry(async ({ host }) => {
      const place = await open(host, 'a')
      await ask(host, 'PATCH', place, { body: blob.subarray(0, 10), headers: { 'Content-Range': '0-9' } })
      const socket = connect(Number(host.split(':')[1]), '127.0.0.1')
      socket.write(
        `PATCH ${place} HTTP/1.1\r\nHost: x\r\nContent-Range: 10-1009\r\nContent-Length: 1000\r\n\r\nhalf`,
      )
      await new Promise((go) => setTimeout(go, 50))
      socket.destroy()
      await once(socket, 'close')
      for (let tries = 0; tries < 100; tries++) {
        const put = await ask(host, 'PATCH', place, {
          body: blob.subarray(10, 20),
          headers: { 'Content-Range': '10-19' },
        })
        if (put.status === 202) break
        await new Promise((go) => setTimeout(go, 20))
      }
      expect(
        (await ask(host, 'PUT', `${place}?digest=${digest}`, { body: blob.subarray(20) })).status,
      ).to.equal(201)
    }))

  it('bounds blobs and open sessions', () =>
    withRegistry(
      async ({ host, dir }) => {
        const answer = await ask(host, 'POST', `/v2/a/blobs/uploads/?digest=${digest}`, { body: blob })
        expect([answer.status, codeIn(answer)]).to.deep.equal([413, 'SIZE_INVALID'])
        expect(await readdir(join(dir, 'uploads'))).to.deep.equal([])
        await open(host, 'a')
        await open(host, 'a')
        const more = await ask(host, 'POST', '/v2/a/blobs/uploads/', { body: '' })
        expect([more.status, codeIn(more)]).to.deep.equal([429, 'TOOMANYREQUESTS'])
        expect(more.headers['retry-after']).to.equal('60')
      },
      { maxBlobBytes: 1000, maxSessions: 2 },
    ))
})

describe('registry: pulling blobs', () => {
  it('in ranges', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a', blob)
      const rows: [string, number, string | undefined, Buffer | undefined][] = [
        ['bytes=500-1499', 206, 'bytes 500-1499/3000', blob.subarray(500, 1500)],
        ['bytes=500-', 206, 'bytes 500-2999/3000', blob.subarray(500)],
        ['bytes=-500', 206, 'bytes 2500-2999/3000', blob.subarray(2500)],
        ['bytes=-5000', 206, 'bytes 0-2999/3000', blob],
        ['bytes=2000-5000', 206, 'bytes 2000-2999/3000', blob.subarray(2000)],
        ['bytes=0-0', 206, 'bytes 0-0/3000', blob.subarray(0, 1)],
        ['bytes=500-0', 416, 'bytes */3000', undefined],
        ['bytes=5000-10000', 416, 'bytes */3000', undefined],
        ['bytes=-0', 416, 'bytes */3000', undefined],
        ['bytes=0-1,5-6', 200, undefined, blob],
        ['bytes=-', 200, undefined, blob],
        ['lines=1-2', 200, undefined, blob],
      ]
      for (const [range, status, contentRange, bytes] of rows) {
        const got = await ask(host, 'GET', `/v2/a/blobs/${digest}`, { headers: { Range: range } })
        expect([got.status, got.headers['content-range']], range).to.deep.equal([status, contentRange])
        if (bytes !== undefined) expect(got.body, range).to.deep.equal(bytes)
      }
    }))

  it('not again when nothing changed, and not after deletion', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a', blob)
      const { headers } = await ask(host, 'GET', `/v2/a/blobs/${digest}`)
      const again = await ask(host, 'GET', `/v2/a/blobs/${digest}`, {
        headers: { 'If-None-Match': headers.etag ?? '' },
      })
      expect([again.status, again.body.length]).to.deep.equal([304, 0])
      expect((await ask(host, 'DELETE', `/v2/a/blobs/${digest}`)).status).to.equal(202)
      expect((await ask(host, 'DELETE', `/v2/a/blobs/${digest}`)).status).to.equal(404)
      const gone = await ask(host, 'GET', `/v2/a/blobs/${digest}`)
      expect([gone.status, codeIn(gone)]).to.deep.equal([404, 'BLOB_UNKNOWN'])
    }))

  it('not from other repositories', () =>
    withRegistry(async ({ host }) => {
      await putBlob(host, 'a', blob)
      expect((await ask(host, 'GET', `/v2/b/blobs/${digest}`)).status).to.equal(404)
    }))

  it('an altered file is served as it is: the client notices, and a new push repairs it', () =>
    withRegistry(async ({ host, dir, readByDigest }) => {
      await putBlob(host, 'a', blob)
      const hex = digest.slice(7)
      const path = join(dir, 'content', 'sha256', hex.slice(0, 2), hex)
      await writeFile(path, Buffer.alloc(blob.length, 1))
      const client = new RegistryClient({ registry: host, repository: 'a' })
      const read = (): Promise<unknown> =>
        readAll(client, describeBytes(blob), 10_000).catch((error: unknown) => error)
      expect(await read()).to.have.property('code', 'DIGEST_MISMATCH')
      expect(await readByDigest(digest)).to.deep.equal(Buffer.alloc(blob.length, 1))
      await putBlob(host, 'a', blob)
      expect(await read()).to.deep.equal(blob)
    }))

  it('by digest alone for the targets route, within a limit', () =>
    withRegistry(
      async ({ host, readByDigest }) => {
        await putBlob(host, 'a', text('small'))
        await putBlob(host, 'a', blob)
        expect(await readByDigest(digestOf(text('small')))).to.deep.equal(text('small'))
        for (const d of [digest, digestOf(text('absent')), 'sha256:../../x', ''])
          expect(await readByDigest(d)).to.equal(null)
      },
      { maxReadBytes: 100 },
    ))
})
