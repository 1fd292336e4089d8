import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { newRoot, newTargets, sign, type TopLevelRole } from '@nv2/tuf'
import { putKeys, putPlainKeys, putPublicKeys, TEST_PASSPHRASE, testSigner } from '@nv2/testkit'
import { EXIT } from '../src/index.js'
import { BIN, nv2, tempHome, type Ended } from './program.js'

/** A root whose roles are held by the keys of these names. */
function root(holders: Record<TopLevelRole, string>): Promise<Uint8Array> {
  const role = (name: TopLevelRole) => ({ keys: [testSigner(holders[name]).key], threshold: 1 })
  const roles = {
    root: role('root'),
    targets: role('targets'),
    snapshot: role('snapshot'),
    timestamp: role('timestamp'),
  }
  const expires = new Date(Date.now() + 30 * 86_400_000)
  return sign(newRoot({ version: 1, expires, roles }), [testSigner(holders.root)])
}

describe('cli: serve and publish', () => {
  let home: Awaited<ReturnType<typeof tempHome>>
  let at: (...parts: string[]) => string
  let running: ChildProcess[]

  beforeEach(async () => {
    home = await tempHome()
    at = (...parts) => join(home.path, ...parts)
    running = []
    await putKeys(at('online'), 'snapshot', 'timestamp')
    await writeFile(
      at('1.root.json'),
      await root({ root: 'root', targets: 'targets', snapshot: 'snapshot', timestamp: 'timestamp' }),
    )
  })
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL')
    await home.remove()
  })

  const place = (more: readonly string[] = []): string[] => [
    ...['--data', at('data'), '--repo', `public=${at('1.root.json')}`, '--keys', at('online')],
    ...more,
  ]
  const env = (): Record<string, string> => ({ NV2_HOME: at('home'), NV2_PASSPHRASE: TEST_PASSPHRASE })

  /** Starts the service, and returns once it says where it listens. */
  async function serve(
    more: readonly string[] = [],
  ): Promise<{ url: string; stop: (signal: NodeJS.Signals) => Promise<Ended> }> {
    const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', ...place(more)], {
      env: { PATH: process.env['PATH'], ...env() },
    })
    running.push(child)
    let [stdout, stderr] = ['', '']
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (status) => {
        resolve({ status, stdout, stderr })
      })
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        const found = /^listening (\S+)$/m.exec(stdout)?.[1]
        if (found !== undefined) resolve(found)
      })
      void ended.then(() => {
        reject(new Error(stderr))
      })
    })
    return { url, stop: (signal) => (child.kill(signal), ended) }
  }

  it('serves the registry and the metadata of its repositories on one port, and stops when told', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { url, stop } = await serve()
      expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect((await fetch(`${url}/v2/`)).status).to.equal(200)
      const file = await fetch(`${url}/tuf/public/metadata/1.root.json`)
      expect(file.status).to.equal(200)
      expect(((await file.json()) as { signed: { version: number } }).signed.version).to.equal(1)
      for (const path of [
        '/',
        '/v2x',
        '/tuf/other/metadata/1.root.json',
        '/tufx/',
        '/tuf/public/metadata/timestamp.json',
      ])
        expect((await fetch(url + path)).status, path).to.equal(404)
      expect(await stop(signal)).to.deep.equal({ status: 0, stdout: `listening ${url}\n`, stderr: '' })
    }
  })

  it('accepts a first targets by token, publishes it on the timer, and `publish` finds nothing left to do', async () => {
    const token = 'a token of this test'.replaceAll(' ', '-')
    const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('hex')
    await writeFile(
      at('tokens.json'),
      JSON.stringify({ tokens: [{ sha256, repository: 'public', roles: ['*'] }] }),
    )
    const { url, stop } = await serve(['--interval', '50ms', '--tokens', at('tokens.json')])
    const expires = new Date(Date.now() + 86_400_000)
    const targets = await sign(newTargets({ version: 1, expires }), [testSigner('targets')])
    const upload = {
      version: 1,
      revocation: false,
      roles: [{ role: 'targets', replaces: null, metadata: Buffer.from(targets).toString('base64') }],
    }
    const answer = await fetch(`${url}/tuf/public/uploads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(upload),
    })
    expect(answer.status, await answer.clone().text()).to.equal(202)
    while ((await fetch(`${url}/tuf/public/metadata/timestamp.json`)).status !== 200)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const { status, stdout, stderr } = await stop('SIGTERM')
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).to.contain('published public timestamp 1')
    const again = await nv2(['publish', ...place()], env())
    expect(again).to.deep.equal({
      status: 0,
      stdout: 'public: nothing to publish, nothing to renew\n',
      stderr: '',
    })
  })

  it('warns of a key that is not encrypted', async () => {
    await putPlainKeys(at('online'), 'snapshot')
    const { stderr, status } = await nv2(['publish', ...place()], env())
    expect(stderr).to.match(/^nv2: warning: .*snapshot\.key.* not encrypted.*\n$/)
    expect(status).to.equal(EXIT.ok)
  })

  it('tells where it listens as JSON too', async () => {
    const child = spawn(process.execPath, [BIN, 'serve', '--json', '--port', '0', ...place()], {
      env: { PATH: process.env['PATH'], ...env() },
    })
    running.push(child)
    const [first] = (await child.stdout.setEncoding('utf8').take(1).toArray()) as string[]
    expect((JSON.parse(first ?? '') as { listening: string }).listening).to.match(/^http:/)
  })

  describe('refuses to start, and writes nothing', () => {
    const refused = async (
      args: readonly string[],
      code: string,
      exit: number,
      ...says: string[]
    ): Promise<void> => {
      for (const words of [['serve', '--port', '0'], ['publish']]) {
        const ended = await nv2([...words, ...args], env())
        expect(ended.stderr).to.contain(`(${code})`)
        for (const word of says) expect(ended.stderr).to.contain(word)
        expect(ended.status).to.equal(exit)
        expect(ended.stdout).to.equal('')
      }
      expect(existsSync(at('data'))).to.equal(false)
    }

    it('without its keys: no folder, an empty one, one half of them, public halves only', async () => {
      await refused(
        [...place(), '--keys', at('none')],
        'ONLINE_KEY_MISSING',
        EXIT.notFound,
        at('none'),
        'public',
      )
      await putKeys(at('half'), 'snapshot')
      await refused([...place(), '--keys', at('half')], 'ONLINE_KEY_MISSING', EXIT.notFound, 'timestamp')
      await putPublicKeys(at('pub'), 'snapshot', 'timestamp')
      await refused([...place(), '--keys', at('pub')], 'ONLINE_KEY_MISSING', EXIT.notFound)
    })

    for (const role of ['root', 'targets'])
      it(`with a ${role} key among its keys`, async () => {
        await putKeys(at('online'), role)
        await refused(place(), 'OFFLINE_KEY_PRESENT', EXIT.refused, `${role}.key`, 'offline')
      })

    it('with a key file that it cannot look into: it could be a root key', async () => {
      await writeFile(at('online', 'other.key'), 'x')
      await refused(place(), 'KEY_FILE_BROKEN', EXIT.storage, 'other.key')
    })

    it('with a wrong passphrase', async () => {
      await writeFile(at('passphrase'), 'wrong')
      await refused(place(['--passphrase-file', at('passphrase')]), 'WRONG_PASSPHRASE', EXIT.usage)
    })

    const wrong: readonly (readonly [string, (path: string) => string[], string])[] = [
      ['a repository without a root', () => ['--repo', 'public'], 'NAME=FILE'],
      ['a name that is a path', (path) => ['--repo', `../x=${path}`], 'letters'],
      ['a repository named twice', (path) => ['--repo', `Public=${path}`], 'twice'],
      ['a root that is not there', (path) => ['--repo', `x=${path}.none`], 'cannot be read'],
      ['a life that is none', () => ['--snapshot-life', '7'], '--snapshot-life'],
      ['tokens that are not there', (path) => ['--tokens', `${path}.none`], '--tokens'],
    ]
    for (const [name, args, says] of wrong)
      it(`with ${name}`, async () => {
        const all = place(args(at('1.root.json')))
        // `publish` takes no uploads, so it has no tokens.
        const { status, stderr } = await nv2(['serve', '--port', '0', ...all], env())
        expect(stderr).to.contain(says).and.to.contain('(USAGE)')
        expect(status).to.equal(EXIT.usage)
        expect(existsSync(at('data'))).to.equal(false)
      })

    it('with a root that is no root', async () => {
      await writeFile(at('1.root.json'), '{"signed":')
      await refused(place(), 'METADATA_NOT_JSON', EXIT.refused)
    })

    it('with a port or interval that is none', async () => {
      for (const more of [
        ['--port', '70000'],
        ['--port', 'x'],
        ['--interval', 'never'],
      ])
        expect((await nv2(['serve', ...place(more)], env())).status, more.join(' ')).to.equal(EXIT.usage)
      expect(existsSync(at('data'))).to.equal(false)
    })
  })

  it('says so when the port is taken, and leaves no process', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const ended = await nv2(['serve', ...place(['--port', String(port)])], env())
    other.close()
    expect(ended.stderr).to.contain('choose another --port')
    expect(ended.status).to.equal(EXIT.storage)
  })

  it('refuses another root for the repository that it holds', async () => {
    await (await serve()).stop('SIGTERM')
    const before = await readdir(at('data'), { recursive: true })
    await putKeys(at('online'), 'other')
    await writeFile(
      at('1.root.json'),
      await root({ root: 'r2', targets: 't2', snapshot: 'other', timestamp: 'other' }),
    )
    const { status, stderr } = await nv2(['serve', '--port', '0', ...place()], env())
    expect(stderr).to.contain('(ROOT_MISMATCH)')
    expect(status).to.equal(EXIT.refused)
    expect(await readdir(at('data'), { recursive: true })).to.deep.equal(before)
  })
})
