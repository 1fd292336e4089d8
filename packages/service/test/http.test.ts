import { MemoryStore, StoreError, type MetadataStore } from '@nv2/store'
import { expect } from 'chai'
import { request as httpRequest } from 'node:http'
import { createService, STATUS, UPLOAD_LIMIT, type Service, type ServiceEvent } from '../src/index.js'
import { listen, type Listening } from './listen.js'
import {
  ALL_RIGHTS,
  contentOf,
  contents,
  key,
  NETMONITOR,
  NOW,
  proofFor,
  roleTree,
  rootTree,
  sha,
  signed,
  story,
  TOKEN,
  uploadBody,
} from './world.js'

const clock = { now: () => NOW, after: () => () => undefined }

type Body = NonNullable<RequestInit['body']>

describe('over HTTP', () => {
  let store: MetadataStore
  let service: Service
  let server: Listening
  let events: ServiceEvent[]

  const start = async (over: MetadataStore): Promise<void> => {
    events = []
    service = await createService({
      repositories: [{ name: 'public', rootBytes: await signed(rootTree(1), 'root'), store: over }],
      signers: [key('snapshot'), key('timestamp')],
      interval: 'off',
      clock,
      tokens: [ALL_RIGHTS],
      content: (sha256, path) =>
        path === 'damaged'
          ? Promise.resolve(Buffer.from('other bytes'))
          : Promise.resolve(sha(contentOf(path)) === sha256 ? contentOf(path) : null),
      log: (event) => void events.push(event),
    })
    server = await listen(service.handler)
  }
  beforeEach(async () => {
    store = new MemoryStore()
    await start(store)
  })
  afterEach(() => server.close())

  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}/tuf/${path}`, init)
  const post = (body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
    get('public/uploads', {
      method: 'POST',
      body: body as Body,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    })
  const published = async (): Promise<void> => {
    expect((await post(uploadBody(await story()))).status).to.equal(202)
    await service.publish('public')
  }
  /** The OCI error body, and nothing of our own inside. */
  const errorOf = async (response: Response): Promise<{ code: string; message: string; detail: unknown }> => {
    const text = await response.text()
    expect(text).not.to.match(/node:|\.js:|\.ts:|at Object/)
    expect(response.headers.get('cache-control')).to.equal('no-store')
    const { errors } = JSON.parse(text) as { errors: { code: string; message: string; detail: unknown }[] }
    expect(errors).to.have.length(1)
    expect(response.status).to.equal(STATUS[errors[0]!.code as keyof typeof STATUS])
    return errors[0]!
  }

  it('answers 202, then 200 for the same again, and tells how it ended', async () => {
    const body = uploadBody(await story())
    const first = await post(body)
    expect(first.status).to.equal(202)
    const answer = (await first.json()) as { id: string }
    expect(answer).to.deep.include({ state: 'staged', resign: [], warnings: [] })
    expect(answer).to.have.deep.property('roles', [
      { role: 'targets', version: 1 },
      { role: 'wabbit-networks', version: 1 },
      { role: NETMONITOR, version: 1 },
    ])
    expect((await post(body)).status).to.equal(200)
    const status = async (): Promise<object> =>
      (await (await get(`public/uploads/${answer.id}`)).json()) as object
    expect(await status()).to.include({ id: answer.id, state: 'staged' })
    await service.publish()
    expect(await status()).to.include({ id: answer.id, state: 'published' })
  })

  it('takes a request signature in a header', async () => {
    const body = uploadBody({ targets: (await story())['targets']! })
    const firstRoot = sha(await signed(rootTree(1), 'root'))
    const { signed: proof } = await proofFor({ firstRoot }, body, {}, { targets: 'targets' })
    const header = Buffer.from(JSON.stringify(proof)).toString('base64')
    const answer = await get('public/uploads', {
      method: 'POST',
      body: body as Body,
      headers: { 'nv2-signature': header },
    })
    expect(answer.status).to.equal(202)
  })

  it('serves published files for ever and the timestamp for a moment', async () => {
    await published()
    for (const file of [
      '1.root.json',
      '1.snapshot.json',
      '1.targets.json',
      '1.wabbit-networks%2Fnetmonitor.json',
    ]) {
      const answer = await get(`public/metadata/${file}`)
      expect(answer.status, file).to.equal(200)
      expect(answer.headers.get('cache-control')).to.contain('immutable')
      const etag = answer.headers.get('etag')!
      const bytes = new Uint8Array(await answer.arrayBuffer())
      expect(Buffer.compare(bytes, (await store.read(file))!.bytes)).to.equal(0)
      const again = await get(`public/metadata/${file}`, { headers: { 'if-none-match': `"other", ${etag}` } })
      expect(again.status).to.equal(304)
      expect(await again.text()).to.equal('')
    }
    const timestamp = await get('public/metadata/timestamp.json')
    expect(timestamp.headers.get('cache-control')).to.equal('public, max-age=1, must-revalidate')
    expect(timestamp.headers.get('etag')).to.match(/^"[0-9a-f]{64}"$/)
    const head = await get('public/metadata/timestamp.json', { method: 'HEAD' })
    expect(head.status).to.equal(200)
    expect(await head.text()).to.equal('')
  })

  it('is found by the hash of any of its roots', async () => {
    await published()
    const hash = sha(await signed(rootTree(1), 'root'))
    for (const name of [`sha256:${hash}`, `sha256%3A${hash}`])
      expect((await get(`${name}/metadata/timestamp.json`)).status).to.equal(200)
    expect((await get(`sha256:${'0'.repeat(64)}/metadata/timestamp.json`)).status).to.equal(404)
  })

  it('serves target content under its hash only', async () => {
    await published()
    const path = `${NETMONITOR}:latest`
    const hash = sha(contentOf(path))
    const answer = await get(`public/targets/wabbit-networks/${hash}.netmonitor:latest`)
    expect(answer.status).to.equal(200)
    expect(await answer.text()).to.equal(`content of ${path}`)
    for (const wrong of [
      path,
      `${hash}.damaged`,
      `wabbit-networks/${'0'.repeat(64)}.netmonitor:latest`,
      `${hash}.x`,
      '%zz',
    ])
      expect((await get(`public/targets/${wrong}`)).status, wrong).to.be.oneOf([404, 400])
  })

  for (const path of [
    'public/metadata/2.root.json',
    'public/metadata/staged/x',
    'public/metadata/..%2Fstaged',
    'public/metadata/1.timestamp.json',
    'public/metadata/0.root.json',
    'public/metadata/README',
    'public/metadata/',
    'public/metadata',
    'public/uploads/x',
    `public/uploads/${'0'.repeat(64)}`,
    'public/roles/',
    'public/nothing/x',
    'other/metadata/1.root.json',
    '%zz/metadata/1.root.json',
    '',
  ])
    it(`knows nothing of /tuf/${path}`, async () => {
      await published()
      const answer = await get(path)
      expect(answer.status).to.equal(404)
      expect((await errorOf(answer)).code).to.equal('NOT_FOUND')
    })

  it('does not show a staged root as a file', async () => {
    await published()
    const root = await signed(rootTree(2), 'root')
    const replaces = { root: { version: 1, sha256: sha(await signed(rootTree(1), 'root')) } }
    expect((await post(uploadBody({ root }, { replaces }))).status).to.equal(202)
    const answer = await get('public/metadata/2.root.json')
    expect(answer.status).to.equal(404)
    expect(answer.headers.get('cache-control')).to.equal('no-store')
    await service.publish()
    expect((await get('public/metadata/2.root.json')).status).to.equal(200)
    expect((await get(`sha256:${sha(root)}/metadata/1.root.json`)).status).to.equal(200)
  })

  it('tells the published version and the head of a role', async () => {
    await published()
    const sha256 = sha((await story())[NETMONITOR]!)
    const at = { version: 1, sha256 }
    expect(await (await get('public/roles/wabbit-networks%2Fnetmonitor')).json()).to.deep.equal({
      role: NETMONITOR,
      published: at,
      head: { ...at, state: 'published' },
    })
    expect(await (await get('public/roles/new')).json()).to.deep.equal({
      role: 'new',
      published: null,
      head: null,
    })
  })

  it('says the head in a 409', async () => {
    await published()
    const two = await signed(roleTree({ version: 2 }), 'dev')
    const error = await errorOf(await post(uploadBody({ [NETMONITOR]: two })))
    expect(error.code).to.equal('VERSION_CONFLICT')
    expect(error.detail).to.deep.equal({
      role: NETMONITOR,
      head: { version: 1, sha256: sha((await story())[NETMONITOR]!), state: 'published' },
    })
  })

  const rows: [string, Uint8Array, Record<string, string>, number][] = [
    ['no right', uploadBody({}), { authorization: '' }, 400],
    ['another kind of authorization', uploadBody({}), { authorization: 'Basic eDp5' }, 400],
    ['no JSON', Buffer.from('{'), {}, 400],
    [
      'broken base64 in the signature header',
      Buffer.from('{'),
      { authorization: 'Bearer x', 'nv2-signature': '%' },
      400,
    ],
    ['a gzip body', Buffer.from('x'), { 'content-encoding': 'gzip' }, 415],
    ['a role too deep', Buffer.from('['.repeat(100_000)), {}, 400],
  ]
  for (const [what, body, headers, status] of rows)
    it(`answers ${status} to ${what}`, async () => {
      const before = await contents(store)
      const answer = await post(body, headers)
      expect(answer.status).to.equal(status)
      await errorOf(answer)
      expect(await contents(store)).to.deep.equal(before)
      expect(events).to.deep.equal([])
    })

  it('asks for a right with 401', async () => {
    const answer = await get('public/uploads', {
      method: 'POST',
      body: uploadBody(await story()) as Body,
    })
    expect(answer.status).to.equal(401)
    expect(answer.headers.get('www-authenticate')).to.contain('Bearer')
    expect((await errorOf(answer)).code).to.equal('UNAUTHORIZED')
  })

  it('answers 405 with what is allowed', async () => {
    const answer = await get('public/uploads/x', { method: 'DELETE' })
    expect(answer.status).to.equal(405)
    expect(answer.headers.get('allow')).to.contain('POST')
    expect((await get('public/metadata/1.root.json', { method: 'PUT' })).status).to.equal(405)
  })

  it('stops reading a body at the limit, also one that does not say its length', async () => {
    const announced = await raw(server.url, { 'content-length': String(UPLOAD_LIMIT + 1) }, 1)
    expect(announced).to.equal(413)
    const chunked = await raw(server.url, { 'transfer-encoding': 'chunked' }, UPLOAD_LIMIT + 2)
    expect(chunked).to.equal(413)
    expect((await get('public/metadata/1.root.json')).status).to.equal(200)
  })

  it('hides what the storage says, and tells the log', async () => {
    await server.close()
    const broken = new Proxy(new MemoryStore(), {
      get(target, name) {
        if (name === 'create')
          return (at: string, bytes: Uint8Array) =>
            at.startsWith('staged/')
              ? Promise.reject(new StoreError('STORAGE_FULL', 'writing in /secret/place: the disk is full'))
              : target.create(at, bytes)
        const method: unknown = Reflect.get(target, name)
        return typeof method === 'function' ? (method.bind(target) as unknown) : method
      },
    })
    await start(broken)
    const answer = await post(uploadBody(await story()))
    expect(answer.status).to.equal(507)
    const error = await errorOf(answer)
    expect(error.code).to.equal('STORAGE_FULL')
    expect(error.message).not.to.contain('secret')
    expect(events.map(({ event }) => event)).to.deep.equal(['failed'])
  })
})

/** Sends `length` bytes with these headers; the status of the answer. */
function raw(url: string, headers: Record<string, string>, length: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${url}/tuf/public/uploads`,
      { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, ...headers } },
      (response) => {
        resolve(response.statusCode ?? 0)
        request.destroy()
      },
    )
    request.on('error', reject)
    const chunk = Buffer.alloc(1024 * 1024, 0x20)
    for (let sent = 0; sent < length; sent += chunk.length)
      request.write(chunk.subarray(0, Math.min(chunk.length, length - sent)))
    if (headers['transfer-encoding']) request.end()
  })
}
