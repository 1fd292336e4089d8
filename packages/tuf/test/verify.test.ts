import { expect } from 'chai'
import { generateKeyPairSync, sign as cryptoSign, constants } from 'node:crypto'
import {
  countSignatures,
  jsonObject,
  parse,
  publicKey,
  publicKeyOf,
  requireThreshold,
  roleKeys,
  sign,
  type PublicKey,
  type RoleKeys,
  type Signer,
} from '../src/index.js'
import { refused } from './expect.js'
import { ecdsaSigner, signer, signerOf } from './keyring.js'
import { roleTree } from './repository.js'

const [a, b] = [signer('a'), signer('b')]
const tree = roleTree({ signers: [] })
const signedBy = async (...signers: Signer[]) => parse('targets', await sign(tree, signers))
const under = (key: PublicKey, keyid: string): PublicKey =>
  publicKey(
    keyid,
    key.keytype,
    key.scheme,
    String((key.tree.get('keyval') as ReadonlyMap<string, string>).get('public')),
    key.tree,
  )

describe('the threshold counter', () => {
  it('counts each key that signed, and names who has not', async () => {
    const verdict = countSignatures(roleKeys([a.key, b.key], 2), await signedBy(a))
    expect(verdict.ok).to.equal(false)
    expect(verdict.signed).to.deep.equal([a.key])
    expect(verdict.missing).to.deep.equal([b.key.keyid])
    expect(countSignatures(roleKeys([a.key, b.key], 2), await signedBy(a, b)).ok).to.equal(true)
  })

  it('counts one public key under two key ids once', async () => {
    const twin: Signer = { key: under(a.key, 'twin'), sign: (payload) => a.sign(payload) }
    const verdict = countSignatures(roleKeys([a.key, twin.key], 2), await signedBy(a, twin))
    expect(verdict.signed).to.have.length(1)
    expect(verdict.ok).to.equal(false)
  })

  it('counts one EC key once, whether its point is compressed or not', async () => {
    const { privateKey, publicKey: point } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const whole = publicKeyOf(point)
    const { x = '', y = '' } = point.export({ format: 'jwk' })
    const prefix = (Buffer.from(y, 'base64url').at(-1) ?? 0) % 2 === 0 ? '02' : '03'
    const der = Buffer.concat([
      Buffer.from(`3039301306072a8648ce3d020106082a8648ce3d030107032200${prefix}`, 'hex'),
      Buffer.from(x, 'base64url'),
    ])
    const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`
    const short = publicKey('short', 'ecdsa', 'ecdsa-sha2-nistp256', pem, jsonObject([]))
    expect(short.fingerprint).to.equal(whole.fingerprint)
    const holder = signerOf(privateKey, 'sha256')
    const file = await signedBy(holder, { key: short, sign: (payload) => holder.sign(payload) })
    expect(countSignatures(roleKeys([whole, short], 2), file).ok).to.equal(false)
  })

  it('does not count a signature by a key outside the role, a broken one, or an empty one', async () => {
    const file = await signedBy(a)
    expect(countSignatures(roleKeys([b.key], 1), file).ok).to.equal(false)
    for (const sig of ['', 'zz', 'abc', '00'.repeat(64)])
      expect(
        countSignatures(roleKeys([a.key], 1), { ...file, signatures: [{ keyid: a.key.keyid, sig }] }).ok,
      ).to.equal(false)
  })

  it('does not count a signature over other bytes', async () => {
    const file = await signedBy(a)
    const payload = Buffer.from(file.payload)
    payload[20] = (payload[20] ?? 0) ^ 1
    expect(countSignatures(roleKeys([a.key], 1), { ...file, payload }).ok).to.equal(false)
  })

  it('takes the algorithm from the trusted key: a P-384 key under the P-256 scheme, or small RSA, is unusable', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey.export({
      type: 'spki',
      format: 'pem',
    })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
      type: 'spki',
      format: 'pem',
    })
    expect(publicKey('x', 'ecdsa', 'ecdsa-sha2-nistp256', String(p384), jsonObject([])).fingerprint).to.equal(
      null,
    )
    expect(publicKey('x', 'rsa', 'rsassa-pss-sha256', String(rsa), jsonObject([])).fingerprint).to.equal(null)
    expect(publicKey('x', 'rsa', 'ed25519', String(rsa), jsonObject([])).fingerprint).to.equal(null)
    expect(publicKey('x', 'ed25519', 'ed25519', 'ab', jsonObject([])).fingerprint).to.equal(null)
  })

  it('verifies ECDSA P-256 and RSA-PSS as well', async () => {
    const ec = ecdsaSigner()
    const { privateKey, publicKey: rsaPublic } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsa: Signer = {
      key: publicKeyOf(rsaPublic),
      sign: (payload) =>
        Promise.resolve(
          cryptoSign('sha256', payload, {
            key: privateKey,
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
          }),
        ),
    }
    expect(countSignatures(roleKeys([ec.key, rsa.key], 2), await signedBy(ec, rsa)).ok).to.equal(true)
  })

  it('never meets a threshold above the number of keys', async () => {
    const keys: RoleKeys = roleKeys([a.key, b.key], 3)
    const file = await signedBy(a, b)
    const error = refused('SIGNATURE_THRESHOLD', () => requireThreshold(keys, file, 'w/dev', 'w'))
    expect(error.message).to.include('2 of 3').and.include('too few keys')
  })
})
