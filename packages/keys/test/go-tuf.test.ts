import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { fromSeed, readKeyFile, type PrivateKeyFile } from '../src/index.js'
import { seal } from '../src/secretbox.js'
import { refusal, RFC8032 } from './files.js'

const seed = RFC8032.seed.toString('hex')
const ed25519 = {
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: { public: RFC8032.public, private: seed + RFC8032.public },
}
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ecdsa = {
  keytype: 'ecdsa',
  scheme: 'ecdsa-sha2-nistp256',
  keyval: {
    private: pair.privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    public: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  },
}

function read(json: unknown): PrivateKeyFile {
  const file = readKeyFile(Buffer.from(JSON.stringify(json, null, '\t')), 'targets.json')
  if (file.kind !== 'private') throw new Error('not a private key')
  return file
}

describe("keys: go-tuf's key files", () => {
  it('reads the plain form with a warning, with several keys of several kinds', async () => {
    const file = read({ encrypted: false, data: [ed25519, ecdsa] })
    expect(file).to.include({ format: 'go-tuf', encrypted: false })
    expect(file.warnings.join()).to.contain('targets.json')
    const keys = await file.open('')
    expect(keys.map(({ key }) => key.keytype)).to.deep.equal(['ed25519', 'ecdsa'])
    expect(keys[0]?.key.fingerprint).to.equal(fromSeed(RFC8032.seed).key.fingerprint)
  })

  it('reads the encrypted form', async () => {
    const sealed = await seal(Buffer.from(JSON.stringify([ed25519])), 'secret', { cost: 15 })
    const file = read({ encrypted: true, data: JSON.parse(Buffer.from(sealed).toString()) as unknown })
    expect(file).to.include({ format: 'go-tuf', encrypted: true })
    expect(file.warnings).to.deep.equal([])
    expect((await file.open('secret'))[0]?.key.fingerprint).to.equal(fromSeed(RFC8032.seed).key.fingerprint)
    await refusal('WRONG_PASSPHRASE', () => file.open('other'))
  })

  it('refuses halves that do not belong together, and does not quote them', async () => {
    const other = 'ab'.repeat(32)
    for (const keyval of [
      { public: other, private: seed + RFC8032.public },
      { public: RFC8032.public, private: seed + other },
      { public: RFC8032.public, private: seed },
    ]) {
      const error = await refusal('KEY_FILE_BROKEN', () =>
        read({ encrypted: false, data: [{ ...ed25519, keyval }] }).open(''),
      )
      expect(error.message).to.not.contain(seed)
    }
  })

  it('refuses other kinds, no keys, and what is cut', async () => {
    await refusal('KEY_UNSUPPORTED', () =>
      read({ encrypted: false, data: [{ ...ed25519, keytype: 'dilithium' }] }).open(''),
    )
    await refusal('KEY_FILE_BROKEN', () => read({ encrypted: false, data: [] }).open(''))
    await refusal('KEY_FILE_BROKEN', () => readKeyFile(Buffer.from('{"encrypted": true, "da'), 'x'))
    await refusal('KEY_FILE_BROKEN', () => readKeyFile(Buffer.from('{"keys": []}'), 'x'))
    const sealed = await seal(Buffer.from('not a list'), 'secret', { cost: 15 })
    const file = read({ encrypted: true, data: JSON.parse(Buffer.from(sealed).toString()) as unknown })
    const error = await refusal('KEY_FILE_BROKEN', () => file.open('secret'))
    expect(error.cause).to.equal(undefined)
  })
})
