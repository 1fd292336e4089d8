import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { expect } from 'chai'
import { RegistryClient, type RegistryOptions, digestOf, encodeIndex, mediaTypes } from '../src/index.js'
import { codeOf, codeOfAsync, describeBytes, drain, text } from './fixture.js'

/** A server that lies as told; the honest one is tested in packages/registry. */
async function against<T>(
  answer: RequestListener,
  work: (host: string, seen: IncomingMessage[]) => Promise<T>,
): Promise<T> {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await work(`127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const client = (host: string, more: Partial<RegistryOptions> = {}): RegistryClient =>
  new RegistryClient({ registry: host, repository: 'wabbit-networks/netmonitor', ...more })

const blob = text('the right bytes')
const d = describeBytes(blob)
const index = encodeIndex({ manifests: [] })
const indexDescriptor = describeBytes(index, mediaTypes.index)
const endless = (response: ServerResponse): void => {
  const more = (): void => {
    if (!response.destroyed) response.write(Buffer.alloc(65536, 0x20), () => setImmediate(more))
  }
  more()
}

describe('the registry client, against blobs that lie', () => {
  const rows: [string, (response: ServerResponse) => void, string][] = [
    ['other bytes', (r) => r.end('the wrong bytes'), 'DIGEST_MISMATCH'],
    ['too many bytes', (r) => r.end('the right bytes!'), 'SIZE_MISMATCH'],
    ['too few bytes', (r) => r.end('the right'), 'SIZE_MISMATCH'],
    ['no bytes', (r) => r.end(), 'SIZE_MISMATCH'],
    ['an endless body', endless, 'SIZE_MISMATCH'],
    [
      'a Content-Length that promises more than comes',
      (r) => {
        r.writeHead(200, { 'Content-Length': '15' })
        r.write('the')
        setTimeout(() => r.destroy(), 20)
      },
      'UNREACHABLE',
    ],
    [
      'an HTML page with 200',
      (r) => r.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>log in</html>'),
      'SIZE_MISMATCH',
    ],
    [
      '404',
      (r) => r.writeHead(404).end('{"errors":[{"code":"BLOB_UNKNOWN","message":"no"}]}'),
      'BLOB_UNKNOWN',
    ],
    ['401', (r) => r.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end(), 'UNAUTHORIZED'],
    ['403', (r) => r.writeHead(403).end(), 'DENIED'],
    ['429', (r) => r.writeHead(429).end(), 'TOO_MANY_REQUESTS'],
    [
      '500 with an endless error body',
      (r) => {
        r.writeHead(500)
        endless(r)
      },
      'REGISTRY_ERROR',
    ],
    ['204', (r) => r.writeHead(204).end(), 'REGISTRY_ERROR'],
    [
      'no HTTP',
      (r) => {
        r.socket?.end('hello\r\n\r\n')
      },
      'UNREACHABLE',
    ],
    [
      'a body that breaks off',
      (r) => {
        r.write('the')
        setTimeout(() => r.destroy(), 20)
      },
      'UNREACHABLE',
    ],
  ]
  for (const [name, answer, code] of rows) {
    it(`${name}: ${code}`, () =>
      against(
        (_, response) => answer(response),
        async (host) => {
          expect(await codeOfAsync(drain(client(host).open(d)))).to.equal(code)
        },
      ))
  }

  it('a server that falls silent: UNREACHABLE', () =>
    against(
      (_, response) => void response.write('the'),
      async (host) => {
        expect(await codeOfAsync(drain(client(host, { idleTimeout: 100 }).open(d)))).to.equal('UNREACHABLE')
      },
    ))

  it('a server that never answers: UNREACHABLE', () =>
    against(
      () => undefined,
      async (host) => {
        expect(await codeOfAsync(client(host, { idleTimeout: 100 }).exists(d))).to.equal('UNREACHABLE')
      },
    ))

  it('nobody there: UNREACHABLE with host and cause', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`
    server.close()
    await once(server, 'close')
    const error: unknown = await client(host)
      .exists(d)
      .catch((e: unknown) => e)
    expect(error).to.have.property('code', 'UNREACHABLE')
    expect(error).to.have.property('message').that.contains(host).and.contains('ECONNREFUSED')
    expect(error).to.have.nested.property('cause.code', 'ECONNREFUSED')
  })

  it('control characters of an error message do not reach the terminal', () =>
    against(
      (_, response) =>
        response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"\\u001b[31mred\\nline"}]}'),
      async (host) => {
        const error: unknown = await client(host)
          .exists(d)
          .catch((e: unknown) => e)
        const get: unknown = await drain(client(host).open(d)).catch((e: unknown) => e)
        expect(error).to.have.property('code', 'DENIED')
        expect(get).to.have.property('message').that.contains('?[31mred?line')
      },
    ))

  it('an abort ends the work with its own reason', () =>
    against(
      (_, response) => void response.write('the'),
      async (host) => {
        const stop = new AbortController()
        const reason = new Error('enough')
        setTimeout(() => stop.abort(reason), 50)
        expect(await drain(client(host).open(d, stop.signal)).catch((e: unknown) => e)).to.equal(reason)
        expect(
          await client(host)
            .exists(d, AbortSignal.abort(reason))
            .catch((e: unknown) => e),
        ).to.equal(reason)
      },
    ))
})

describe('the registry client, against manifests that lie', () => {
  const type = { 'Content-Type': mediaTypes.index }
  const other = digestOf(text('x'))
  const rows: [string, string, (response: ServerResponse) => void, string][] = [
    [
      'by digest, other bytes',
      indexDescriptor.digest,
      (r) => r.writeHead(200, type).end(new TextDecoder().decode(index) + ' '),
      'DIGEST_MISMATCH',
    ],
    [
      'by tag, a digest header that contradicts the bytes',
      'v1',
      (r) => r.writeHead(200, { ...type, 'Docker-Content-Digest': other }).end(index),
      'DIGEST_MISMATCH',
    ],
    [
      'by tag, a digest header that is no digest',
      'v1',
      (r) => r.writeHead(200, { ...type, 'Docker-Content-Digest': 'x' }).end(index),
      'DIGEST_MISMATCH',
    ],
    [
      'the type of a manifest for an index',
      'v1',
      (r) => r.writeHead(200, { 'Content-Type': mediaTypes.manifest }).end(index),
      'MEDIA_TYPE_MISMATCH',
    ],
    [
      'HTML with 200',
      'v1',
      (r) => r.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
      'MANIFEST_INVALID',
    ],
    ['no type', 'v1', (r) => r.writeHead(200).end(index), 'MANIFEST_INVALID'],
    [
      'an endless body',
      'v1',
      (r) => {
        r.writeHead(200, type)
        endless(r)
      },
      'TOO_LARGE',
    ],
    ['404', 'v1', (r) => r.writeHead(404).end(), 'MANIFEST_UNKNOWN'],
    [
      '404 of a whole repository',
      'v1',
      (r) => r.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN"}]}'),
      'NAME_UNKNOWN',
    ],
  ]
  for (const [name, reference, answer, code] of rows) {
    it(`${name}: ${code}`, () =>
      against(
        (_, response) => answer(response),
        async (host) => {
          expect(await codeOfAsync(client(host).fetchManifest(reference))).to.equal(code)
        },
      ))
  }

  it('opened by descriptor with another type: MEDIA_TYPE_MISMATCH', () =>
    against(
      (_, response) => response.writeHead(200, { 'Content-Type': mediaTypes.manifest }).end(index),
      async (host) => {
        expect(await codeOfAsync(drain(client(host).open(indexDescriptor)))).to.equal('MEDIA_TYPE_MISMATCH')
      },
    ))

  it('asks with every type that it knows, and takes parameters and a sha512 header', () =>
    against(
      (_, response) =>
        response
          .writeHead(200, {
            'Content-Type': `${mediaTypes.index}; charset=utf-8`,
            'Docker-Content-Digest': digestOf(index, 'sha512'),
          })
          .end(index),
      async (host, seen) => {
        expect((await client(host).fetchManifest('v1')).descriptor).to.deep.equal(indexDescriptor)
        for (const t of [
          mediaTypes.index,
          mediaTypes.manifest,
          mediaTypes.dockerList,
          mediaTypes.dockerManifest,
        ]) {
          expect(seen[0]?.headers.accept).to.contain(t)
        }
      },
    ))

  for (const bad of ['', '..', '../../x', 'a/b', 'a b', 'sha256:abc', 'a?x=1', 'x'.repeat(129)]) {
    it(`does not ask for ${JSON.stringify(bad.slice(0, 20))}`, async () => {
      expect(await codeOfAsync(client('127.0.0.1:1').fetchManifest(bad))).to.equal('REFERENCE_INVALID')
    })
  }

  it('does not speak to repositories with hostile names', () => {
    for (const repository of ['', '../x', 'a/../b', 'A', 'a?b', 'a#b', 'a b']) {
      expect(codeOf(() => client('127.0.0.1:1', { repository }))).to.equal('REFERENCE_INVALID')
    }
  })
})

describe('the registry client and where it is sent', () => {
  it('follows to another host without its credentials, and checks what comes', () =>
    against(
      (_, response) => response.end(blob),
      (other, atOther) =>
        against(
          (_, response) => response.writeHead(307, { Location: `http://${other}/elsewhere` }).end(),
          async (host, atOwn) => {
            const authorizer = { authorize: async () => 'Basic c2VjcmV0' }
            expect(await drain(client(host, { authorizer }).open(d))).to.equal(d.size)
            expect(atOwn[0]?.headers.authorization).to.equal('Basic c2VjcmV0')
            expect(atOther).to.have.length(1)
            expect(atOther[0]?.headers.authorization).to.equal(undefined)
          },
        ),
    ))

  it('does not give credentials to an upload place on another host', () =>
    against(
      (request, response) => request.resume().on('end', () => response.writeHead(201).end()),
      (other, atOther) =>
        against(
          (_, response) => response.writeHead(202, { Location: `http://${other}/up?state=a%2Fb` }).end(),
          async (host) => {
            await client(host, { authorizer: { authorize: async () => 'Basic c2VjcmV0' } }).push(d, blob)
            expect(atOther[0]?.url).to.equal(`/up?state=a%2Fb&digest=${encodeURIComponent(d.digest)}`)
            expect(atOther[0]?.headers.authorization).to.equal(undefined)
          },
        ),
    ))

  it('answers a challenge once', () =>
    against(
      (request, response) =>
        request.headers.authorization === 'Basic good'
          ? response.end(blob)
          : response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="r"' }).end(),
      async (host, seen) => {
        const asked: (string | undefined)[] = []
        const authorizer = (value: string): NonNullable<RegistryOptions['authorizer']> => ({
          authorize: async ({ challenge }) => {
            asked.push(challenge)
            return challenge === undefined ? undefined : value
          },
        })
        expect(await drain(client(host, { authorizer: authorizer('Basic good') }).open(d))).to.equal(d.size)
        expect(asked).to.deep.equal([undefined, 'Basic realm="r"'])
        expect(
          await codeOfAsync(drain(client(host, { authorizer: authorizer('Basic bad') }).open(d))),
        ).to.equal('UNAUTHORIZED')
        expect(seen).to.have.length(4)
      },
    ))

  const places: [string, string, string][] = [
    ['in a circle', '/v2/again', 'REGISTRY_ERROR'],
    ['to plain HTTP on another machine', 'http://registry.example.com/x', 'INSECURE_TRANSPORT'],
    ['to a file', 'file:///etc/passwd', 'INSECURE_TRANSPORT'],
    ['to an address with a login', 'http://u:p@127.0.0.1/', 'INSECURE_TRANSPORT'],
    ['to no address', 'http://[', 'REGISTRY_ERROR'],
  ]
  for (const [name, location, code] of places) {
    it(`is not led ${name}`, () =>
      against(
        (_, response) => response.writeHead(302, { Location: location }).end(),
        async (host, seen) => {
          expect(await codeOfAsync(drain(client(host).open(d)))).to.equal(code)
          expect(seen.length).to.be.lessThan(8)
        },
      ))
  }

  it('does not upload to where it would be unsafe', () =>
    against(
      (_, response) => response.writeHead(202, { Location: 'http://registry.example.com/up' }).end(),
      async (host, seen) => {
        expect(await codeOfAsync(client(host).push(d, blob))).to.equal('INSECURE_TRANSPORT')
        expect(seen).to.have.length(1)
      },
    ))
})

describe('the registry client, pushing', () => {
  const accept: RequestListener = (request, response) => {
    if (request.method === 'POST') response.writeHead(202, { Location: '/up' }).end()
    else request.resume().on('end', () => response.writeHead(201).end())
  }

  it('does not let an altered source look complete', () => {
    let bytes = 0
    let complete = false
    return against(
      (request, response) => {
        if (request.method === 'POST') return void response.writeHead(202, { Location: '/up' }).end()
        request
          .on('data', (chunk: Buffer) => (bytes += chunk.length))
          .on('end', () => (complete = true))
          .on('error', () => undefined)
      },
      async (host) => {
        const wrong = (async function* (): AsyncGenerator<Uint8Array> {
          yield text('the wrong ')
          yield text('bytes')
        })()
        expect(await codeOfAsync(client(host).push(d, wrong))).to.equal('DIGEST_MISMATCH')
        expect(complete).to.equal(false)
        expect(bytes).to.be.lessThan(d.size)
      },
    )
  })

  it('takes a refusal in the middle of a long body, and a yes only at its end', async () => {
    const long = Buffer.alloc(8 * 1024 * 1024, 1)
    async function* slow(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < long.length; at += 65536) yield long.subarray(at, at + 65536)
    }
    await against(
      (request, response) => {
        if (request.method === 'POST') response.writeHead(202, { Location: '/up' }).end()
        else request.once('data', () => response.writeHead(413).end())
      },
      async (host) => {
        expect(await codeOfAsync(client(host).push(describeBytes(long), slow()))).to.equal('TOO_LARGE')
      },
    )
    await against(
      (request, response) => {
        if (request.method === 'POST') return void response.writeHead(202, { Location: '/up' }).end()
        request.once('data', () => response.writeHead(201).end())
        request.resume()
      },
      async (host) => {
        const altered = (async function* (): AsyncGenerator<Uint8Array> {
          yield text('the wrong ')
          await new Promise((go) => setTimeout(go, 50))
          yield text('bytes')
        })()
        expect(await codeOfAsync(client(host).push(d, altered))).to.equal('DIGEST_MISMATCH')
      },
    )
  })

  it('refuses a registry that says it stored something else, or opens no place', async () => {
    await against(
      (request, response) => {
        if (request.method === 'POST') {
          accept(request, response)
          return
        }
        request
          .resume()
          .on('end', () => response.writeHead(201, { 'Docker-Content-Digest': digestOf(text('x')) }).end())
      },
      async (host) => {
        expect(await codeOfAsync(client(host).push(d, blob))).to.equal('DIGEST_MISMATCH')
        expect(await codeOfAsync(client(host).pushManifest(index, mediaTypes.index, 'v1'))).to.equal(
          'DIGEST_MISMATCH',
        )
      },
    )
    await against(
      (_, response) => response.writeHead(202).end(),
      async (host) => {
        expect(await codeOfAsync(client(host).push(d, blob))).to.equal('REGISTRY_ERROR')
      },
    )
  })

  it('does not send manifests that are wrong in themselves', async () => {
    const nowhere = client('127.0.0.1:1')
    expect(await codeOfAsync(nowhere.pushManifest(index, mediaTypes.manifest, 'v1'))).to.equal(
      'MEDIA_TYPE_MISMATCH',
    )
    expect(await codeOfAsync(nowhere.pushManifest(index, mediaTypes.index, digestOf(text('x'))))).to.equal(
      'DIGEST_MISMATCH',
    )
    expect(await codeOfAsync(nowhere.push({ ...indexDescriptor, size: 5_000_000 }, index))).to.equal(
      'TOO_LARGE',
    )
  })

  it('sends again over a fresh connection when the kept one was closed just now', async () => {
    const sockets = new Set<object>()
    await against(
      (request, response) => {
        sockets.add(request.socket)
        // The second request on a connection finds it closed.
        if ((request.socket as { used?: boolean }).used === true) return void request.socket.destroy()
        Object.assign(request.socket, { used: true })
        response.end(blob)
      },
      async (host) => {
        expect(await drain(client(host).open(d))).to.equal(d.size)
        expect(await drain(client(host).open(d))).to.equal(d.size)
        expect(sockets.size).to.equal(2)
      },
    )
  })
})
