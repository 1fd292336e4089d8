import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifySignature } from '@nv2/tuf'
import { expect } from 'chai'
import { generate, KEY_TYPES, readKeyFile, type PrivateKey } from '../src/index.js'
import { tempFolder } from './files.js'

// The forced suite: the real library on the other side. Elsewhere a machine without Go, or without a network to fetch
// the library, skips it by name; NV2_FORCE_REAL=1 makes that a failure.
const SOURCE = fileURLToPath(new URL('../../test/go/', import.meta.url))
const PASSPHRASE = 'pässphrase ✓'
const MESSAGE = 'what both sides sign'
const run = promisify(execFile)

interface Answer {
  readonly file?: string
  readonly public: string
  readonly signature: string
}

describe('keys: files and signatures of go-securesystemslib, as in cosign and go-tuf', function () {
  this.timeout(300_000)
  let temp: Awaited<ReturnType<typeof tempFolder>>
  let program: string

  before(async function () {
    temp = await tempFolder()
    program = join(temp.path, 'securesystemslib')
    try {
      await run('go', ['build', '-buildvcs=false', '-o', program, '.'], { cwd: SOURCE })
    } catch (error) {
      if (process.env['NV2_FORCE_REAL'] === '1') throw error
      this.skip()
    }
  })
  after(() => temp.remove())

  async function go(...args: readonly string[]): Promise<Answer> {
    const { stdout } = await run(program, args)
    return JSON.parse(stdout) as Answer
  }

  async function goVerifies(key: PrivateKey, message: string, signature: Uint8Array): Promise<boolean> {
    const args = ['verify', key.publicPem, message, Buffer.from(signature).toString('base64')]
    return run(program, args).then(
      () => true,
      () => false,
    )
  }

  function verifies(publicPem: string, signature: string): boolean {
    const file = readKeyFile(Buffer.from(publicPem), 'go')
    return verifySignature(
      file.kind === 'public' ? file.key : ([] as never),
      Buffer.from(MESSAGE),
      hex(signature),
    )
  }

  const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')

  for (const type of KEY_TYPES) {
    it(`Go opens our ${type} file, takes our public half for its own, and each verifies the other`, async () => {
      const key = await generate(type)
      const path = join(temp.path, `${type}.key`)
      await writeFile(path, await key.encrypt(PASSPHRASE))
      const answer = await go('open', path, PASSPHRASE, MESSAGE)
      expect(answer.public).to.equal(key.publicPem)
      expect(verifies(answer.public, answer.signature)).to.equal(true)
      const signature = await key.sign(Buffer.from(MESSAGE))
      expect(await goVerifies(key, MESSAGE, signature)).to.equal(true)
      expect(await goVerifies(key, 'something else', signature)).to.equal(false)
    })
  }

  it('Go opens each of the three scrypt costs, past a comment, and refuses a wrong passphrase', async () => {
    const key = await generate('ed25519')
    for (const cost of [15, 16, 17] as const) {
      const path = join(temp.path, `cost-${cost}.key`)
      await writeFile(path, `not secret\n${await key.encrypt(PASSPHRASE, { cost })}`)
      expect((await go('open', path, PASSPHRASE, MESSAGE)).public).to.equal(key.publicPem)
      const refused = await go('open', path, 'wrong', MESSAGE).catch(
        (error: { stderr: string }) => error.stderr,
      )
      expect(refused).to.contain('decryption failed')
    }
  })

  for (const [kind, format] of [
    ['ed25519', 'sigstore'],
    ['ecdsa-p256', 'sigstore'],
    ['rsa', 'sigstore'],
    ['cosign-legacy', 'cosign'],
    ['go-tuf', 'go-tuf'],
  ] as const) {
    it(`we open what Go writes: ${kind}`, async () => {
      const answer = await go('write', kind, PASSPHRASE, MESSAGE)
      const file = readKeyFile(Buffer.from(answer.file ?? ''), kind)
      expect(file).to.include({ kind: 'private', format, encrypted: true })
      const [key] = file.kind === 'private' ? await file.open(PASSPHRASE) : []
      expect(key?.publicPem).to.equal(answer.public)
      expect(verifies(answer.public, answer.signature)).to.equal(true)
    })
  }
})
