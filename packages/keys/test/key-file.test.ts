import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  fromSeed,
  generate,
  KEY_TYPES,
  readKeyFile,
  type KeyFile,
  type PrivateKeyFile,
} from '../src/index.js'
import { readPem, writePem } from '../src/pem.js'
import { readBox, seal, unseal } from '../src/secretbox.js'
import { pkcs8, refusal, RFC8032 } from './files.js'

const PASSPHRASE = 'correct horse battery staple'
const read = (text: string): KeyFile => readKeyFile(Buffer.from(text), 'x.key')

function privateFile(text: string): PrivateKeyFile {
  const file = read(text)
  if (file.kind !== 'private') throw new Error('not a private key')
  return file
}

describe('keys: key files', () => {
  const key = fromSeed(RFC8032.seed)
  let file: string
  before(async () => {
    file = await key.encrypt(PASSPHRASE, { cost: 15 })
  })

  for (const type of KEY_TYPES) {
    it(`opens what it wrote: ${type}`, async () => {
      const made = await generate(type)
      const opened = privateFile(await made.encrypt(PASSPHRASE, { cost: 15 }))
      expect(opened).to.include({ format: 'sigstore', encrypted: true })
      const [again] = await opened.open(PASSPHRASE)
      expect(again?.key.fingerprint).to.equal(made.key.fingerprint)
    })
  }

  it('is the PEM and JSON that Go writes: names, order, standard parameters', async () => {
    const block = readPem(await key.encrypt(PASSPHRASE), 'x')
    expect(block?.type).to.equal('ENCRYPTED SIGSTORE PRIVATE KEY')
    const text = Buffer.from(block?.bytes ?? []).toString()
    expect(text).to.match(
      /^\{"kdf":\{"name":"scrypt","params":\{"N":65536,"r":8,"p":1\},"salt":"[^"]{44}"\},"cipher":\{"name":"nacl\/secretbox","nonce":"[^"]{32}"\},"ciphertext":"[^"]+"\}$/,
    )
  })

  it('seals any bytes under any passphrase and opens them again', async () => {
    const input = [fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme', minLength: 1 })] as const
    await fc.assert(
      fc.asyncProperty(...input, async (plain, passphrase) => {
        const sealed = await seal(plain, passphrase, { cost: 15 })
        expect(Buffer.from(await unseal(sealed, passphrase, 'x'))).to.deep.equal(Buffer.from(plain))
      }),
      { numRuns: 5 },
    )
  })

  it('never writes the same file twice: salt and nonce are new', async () => {
    expect(await key.encrypt(PASSPHRASE, { cost: 15 })).to.not.equal(file)
  })

  it('refuses a wrong passphrase and tells neither of the two', async () => {
    const error = await refusal('WRONG_PASSPHRASE', () => privateFile(file).open('incorrect horse'))
    expect(error.message).to.contain('x.key').and.to.not.contain('horse')
    expect(error.cause).to.equal(undefined)
  })

  it('refuses every flip of a bit in salt, nonce and ciphertext', async () => {
    const json = Buffer.from(readPem(file, 'x')?.bytes ?? []).toString()
    const box = JSON.parse(json) as { kdf: { salt: string }; cipher: { nonce: string }; ciphertext: string }
    for (const value of [box.kdf.salt, box.cipher.nonce, box.ciphertext]) {
      const bytes = Buffer.from(value, 'base64')
      const at = bytes.length >> 1
      bytes[at] = (bytes[at] ?? 0) ^ 1
      const changed = Buffer.from(json.replace(value, bytes.toString('base64')))
      await refusal('WRONG_PASSPHRASE', () => unseal(changed, PASSPHRASE, 'x'))
    }
  })

  it('finds a file that is cut anywhere, names it and says what to do', async () => {
    for (const length of [0, 1, 40, 60, file.length >> 1, file.length - 30, file.length - 3]) {
      const error = await refusal('KEY_FILE_BROKEN', () => read(file.slice(0, length)))
      expect(error.message).to.contain('x.key').and.to.contain('backup')
    }
  })

  it('gives a coded error, and at once, for any damage of the encrypted part', () => {
    const json = Buffer.from(readPem(file, 'x')?.bytes ?? [])
    fc.assert(
      fc.property(fc.nat(json.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(json)
        changed[at] = value
        try {
          readBox(changed, 'x')
        } catch (error) {
          expect((error as { code: string }).code).to.be.oneOf(['KEY_FILE_BROKEN', 'KEY_FILE_REFUSED'])
        }
      }),
      { numRuns: 500 },
    )
  })

  for (const params of [
    '"N":1073741824,"r":8,"p":1',
    '"N":65536,"r":1048576,"p":1',
    '"N":65536,"r":8,"p":9999',
    '"N":16384,"r":8,"p":1',
    '"N":0,"r":0,"p":0',
  ]) {
    it(`refuses the scrypt parameters ${params} before it works`, async () => {
      const json = Buffer.from(readPem(file, 'x')?.bytes ?? []).toString()
      const hostile = json.replace('"N":32768,"r":8,"p":1', params)
      expect(hostile).to.not.equal(json)
      await refusal('KEY_FILE_REFUSED', () =>
        read(writePem('ENCRYPTED SIGSTORE PRIVATE KEY', Buffer.from(hostile))),
      )
      const goTuf = `{"encrypted":true,"data":${hostile}}`
      await refusal('KEY_FILE_REFUSED', () => read(goTuf))
    })
  }

  it('refuses other ciphers and key derivations', async () => {
    const json = Buffer.from(readPem(file, 'x')?.bytes ?? []).toString()
    for (const [from, to] of [
      ['scrypt', 'pbkdf2'],
      ['nacl/secretbox', 'aes'],
    ] as const)
      await refusal('KEY_FILE_REFUSED', () => readBox(Buffer.from(json.replace(from, to)), 'x'))
  })

  it('refuses a salt, nonce or ciphertext that is short or not base64', async () => {
    const json = Buffer.from(readPem(file, 'x')?.bytes ?? []).toString()
    for (const name of ['salt', 'nonce', 'ciphertext'])
      for (const value of ['"AAAA!"', '1', ...(name === 'ciphertext' ? [] : ['"AAAA"'])]) {
        const changed = json.replace(new RegExp(`"${name}":"[^"]*"`), `"${name}":${value}`)
        await refusal('KEY_FILE_BROKEN', () => readBox(Buffer.from(changed), 'x'))
      }
  })

  it('opens the older files of cosign', async () => {
    const old = privateFile(file.replaceAll('SIGSTORE', 'COSIGN'))
    expect(old).to.include({ format: 'cosign', encrypted: true })
    expect((await old.open(PASSPHRASE))[0]?.key.fingerprint).to.equal(key.key.fingerprint)
  })

  it('reads past a comment before the block, as Go and OpenSSL do', async () => {
    const opened = await privateFile(`not secret: a development key\n${file}`).open(PASSPHRASE)
    expect(opened[0]?.key.fingerprint).to.equal(key.key.fingerprint)
  })

  it('refuses a file of two keys: two readers could take two of them', async () => {
    await refusal('KEY_FILE_BROKEN', () => read(file + file))
    await refusal('KEY_FILE_BROKEN', () => read(key.publicPem + file))
    await refusal('KEY_FILE_BROKEN', () => read(key.publicPem + file.slice(0, -20)))
  })

  it('reads plain PEM of each form with a warning', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const forms = [
      pkcs8(RFC8032.seed).export({ type: 'pkcs8', format: 'pem' }),
      ec.export({ type: 'sec1', format: 'pem' }),
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${ec.export({ type: 'sec1', format: 'pem' }).toString()}`,
      rsa.export({ type: 'pkcs1', format: 'pem' }),
    ]
    for (const form of forms) {
      const plain = privateFile(form.toString())
      expect(plain).to.include({ format: 'pem', encrypted: false })
      expect(plain.warnings.join()).to.contain('not encrypted')
      expect(await plain.open('')).to.have.length(1)
    }
  })

  it('reads a public key, and keeps its encoding out of its identity', () => {
    const file = read(createPublicKey(pkcs8(RFC8032.seed)).export({ type: 'spki', format: 'pem' }).toString())
    expect(file.kind).to.equal('public')
    expect(file.kind === 'public' && file.key.fingerprint).to.equal(key.key.fingerprint)
  })

  it('refuses what it does not read, and names it', async () => {
    const encrypted = pkcs8(RFC8032.seed).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    })
    expect((await refusal('KEY_UNSUPPORTED', () => read(encrypted.toString()))).message).to.contain(
      'ENCRYPTED PRIVATE KEY',
    )
    const old = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const proc = old.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })
    await refusal('KEY_UNSUPPORTED', () => read(proc.toString()))
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    await refusal('KEY_UNSUPPORTED', () => read(p384.export({ type: 'pkcs8', format: 'pem' }).toString()))
    await refusal('KEY_FILE_BROKEN', () => read('hello'))
    await refusal('KEY_FILE_REFUSED', () => readKeyFile(Buffer.alloc((1 << 20) + 1, 0x20), 'x'))
  })

  it('takes linear time over a file of BEGIN lines', async () => {
    await refusal('KEY_FILE_BROKEN', () => read('-----BEGIN PRIVATE KEY-----\n'.repeat(30_000)))
  })
})
