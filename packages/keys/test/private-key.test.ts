import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { verifySignature } from '@nv2/tuf'
import { expect } from 'chai'
import { fromSeed, generate, KEY_TYPES, PrivateKey, seedBytes } from '../src/index.js'
import { refusal, RFC8032 } from './files.js'

describe('keys: private keys', () => {
  for (const type of KEY_TYPES) {
    it(`signs with ${type} what tuf verifies, and nothing else`, async () => {
      const key = await generate(type)
      const payload = Buffer.from('{"signed":1}')
      const sig = Buffer.from(await key.sign(payload)).toString('hex')
      expect(verifySignature(key.key, payload, sig)).to.equal(true)
      expect(verifySignature(key.key, Buffer.from('{"signed":2}'), sig)).to.equal(false)
    })
  }

  it('makes the key of RFC 8032 out of its seed', async () => {
    const key = fromSeed(RFC8032.seed)
    expect((key.key.tree.get('keyval') as Map<string, string>).get('public')).to.equal(RFC8032.public)
    expect(Buffer.from(await key.sign(new Uint8Array())).toString('hex')).to.equal(RFC8032.emptySignature)
  })

  it('keeps seeds of other texts and labels apart', () => {
    const seeds = [seedBytes('a', 'b'), seedBytes('a', 'c'), seedBytes('ab', ''), seedBytes('', 'ab')]
    expect(new Set(seeds.map((seed) => Buffer.from(seed).toString('hex'))).size).to.equal(4)
    expect(seedBytes('a', 'b')).to.deep.equal(seeds[0])
  })

  it('shows no private number when it is printed, spread or made JSON', () => {
    const key = fromSeed(RFC8032.seed)
    const shown =
      inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key) + inspect({ ...key }, { depth: 9 })
    expect(shown).to.not.contain(RFC8032.seed.toString('hex'))
    expect(shown).to.not.contain(RFC8032.seed.toString('base64').slice(0, 20))
    expect(shown).to.not.match(/PRIVATE KEY/)
  })

  it('refuses keys that TUF metadata cannot name, and says which can sign', async () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    expect((await refusal('KEY_UNSUPPORTED', () => new PrivateKey(p384))).message).to.contain('secp384r1')
    expect((await refusal('KEY_UNSUPPORTED', () => new PrivateKey(short))).message).to.contain('2048')
  })
})
