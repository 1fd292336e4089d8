import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifySignature } from '@nv2/tuf'
import { expect } from 'chai'
import { fromSeed, KeyStore, readKeyFile, seedBytes, type AskPassphrase } from '../src/index.js'
import { pkcs8, refusal, RFC8032, tempFolder } from './files.js'

const say =
  (passphrase: string): AskPassphrase =>
  async () =>
    passphrase
const never: AskPassphrase = async () => {
  throw new Error('asked for a passphrase')
}
const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

describe('keys: the key store', () => {
  let folder: string
  let store: KeyStore
  let remove: () => Promise<void>

  beforeEach(async () => {
    const temp = await tempFolder()
    remove = temp.remove
    folder = join(temp.path, 'home', 'keys')
    store = new KeyStore(folder)
  })
  afterEach(() => remove())

  it('keeps a new key readable by its owner only, whatever the umask', async () => {
    await mkdir(join(folder, '..'))
    for (const mask of [0, 0o777]) {
      const before = process.umask(mask)
      try {
        await store.generate('release', 'ed25519', say('secret'))
      } finally {
        process.umask(before)
      }
      expect(await mode(folder)).to.equal(0o700)
      expect(await readdir(folder)).to.have.members(['release.key', 'release.pub'])
      for (const file of ['release.key', 'release.pub'])
        expect(await mode(join(folder, file))).to.equal(0o600)
      if (mask === 0) await rm(folder, { recursive: true })
    }
    expect(await readFile(join(folder, 'release.key'), 'latin1')).to.match(
      /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----/,
    )
  })

  it('signs with a key that it keeps, and its signer gives nothing but signatures', async () => {
    const { key } = await store.generate('release', 'ecdsa-p256', say('secret'))
    const signer = await store.signer('release', say('secret'))
    const sig = Buffer.from(await signer.sign(Buffer.from('x'))).toString('hex')
    expect(verifySignature(key, Buffer.from('x'), sig)).to.equal(true)
    expect(Object.keys(signer)).to.have.members(['key', 'sign'])
    await refusal('WRONG_PASSPHRASE', () => store.signer('release', say('wrong')))
  })

  it('never overwrites: the same name again is refused, before a passphrase is asked for, and changes nothing', async () => {
    await store.generate('release', 'ed25519', say('secret'))
    const before = await readFile(join(folder, 'release.key'))
    await refusal('KEY_EXISTS', () => store.generate('release', 'ed25519', never))
    await refusal('KEY_EXISTS', () =>
      store.addPublic('release', { key: fromSeed(RFC8032.seed).key, pem: '' }),
    )
    expect(await readFile(join(folder, 'release.key'))).to.deep.equal(before)
  })

  it('lets one of many win who make the same name at once', async () => {
    const keys = [1, 2, 3, 4].map((n) => fromSeed(seedBytes('race', String(n))))
    const results = await Promise.allSettled(keys.map((key) => store.add('release', key, 'secret')))
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    const won = keys[results.findIndex(({ status }) => status === 'fulfilled')]
    expect((await store.signer('release', say('secret'))).key.fingerprint).to.equal(won?.key.fingerprint)
    expect(await readdir(folder)).to.have.members(['release.key', 'release.pub'])
  })

  it('refuses an empty passphrase', async () => {
    await refusal('PASSPHRASE_NEEDED', () => store.generate('release', 'ed25519', say('')))
    expect((await store.list()).keys).to.deep.equal([])
  })

  for (const name of [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '-a',
    '.a',
    'a b',
    'a\n',
    'a.key',
    'a.pub',
    'a.PUB',
    'ä',
    'x'.repeat(101),
  ])
    it(`refuses the name ${JSON.stringify(name.slice(0, 10))}`, async () => {
      await refusal('KEY_NAME_BAD', () => store.generate(name, 'ed25519', never))
      await refusal('KEY_NAME_BAD', () => store.signer(name, never))
    })

  it('lists what is there without a passphrase, and names what is not whole', async () => {
    expect(await store.list()).to.deep.equal({ keys: [], broken: [] })
    await store.add('b', fromSeed(RFC8032.seed), 'secret')
    await store.addPublic('a', { key: fromSeed(RFC8032.seed).key, pem: fromSeed(RFC8032.seed).publicPem })
    await writeFile(join(folder, 'half.key'), await readFile(join(folder, 'b.key')))
    await writeFile(join(folder, 'cut.pub'), '-----BEGIN PUBLIC KEY-----\nMC')
    const { keys, broken } = await store.list()
    expect(keys.map(({ name, isPrivate }) => [name, isPrivate])).to.deep.equal([
      ['a', false],
      ['b', true],
    ])
    expect(broken.map(({ name, error }) => [name, error.code])).to.deep.equal([
      ['cut', 'KEY_FILE_BROKEN'],
      ['half', 'KEY_FILE_BROKEN'],
    ])
    expect(
      (await store.find(fromSeed(RFC8032.seed).key.fingerprint ?? '')).map(({ name }) => name),
    ).to.deep.equal(['a', 'b'])
    await refusal('KEY_NOT_PRIVATE', () => store.signer('a', never))
    await refusal('KEY_NOT_FOUND', () => store.get('c'))
  })

  it('uses a key that is not encrypted, without a passphrase and with a warning', async () => {
    await store.addPublic('plain', { key: fromSeed(RFC8032.seed).key, pem: fromSeed(RFC8032.seed).publicPem })
    const pem = pkcs8(RFC8032.seed).export({ type: 'pkcs8', format: 'pem' })
    await writeFile(join(folder, 'plain.key'), pem)
    const warnings: string[] = []
    const signer = await new KeyStore(folder, (text) => warnings.push(text)).signer('plain', never)
    expect(signer.key.fingerprint).to.equal(fromSeed(RFC8032.seed).key.fingerprint)
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.contain('plain.key').and.to.contain('not encrypted')
  })

  it('refuses a public half that was put in place of its own', async () => {
    await store.add('b', fromSeed(RFC8032.seed), 'secret')
    await writeFile(join(folder, 'b.pub'), fromSeed(seedBytes('x', 'y')).publicPem)
    const error = await refusal('KEY_FILE_BROKEN', () => store.signer('b', say('secret')))
    expect(error.message).to.contain('b.pub')
  })

  it('imports an encrypted file under its passphrase, a plain one under a new one, a public one as it is', async () => {
    const key = fromSeed(RFC8032.seed)
    const encrypted = readKeyFile(Buffer.from(await key.encrypt('theirs', { cost: 15 })), 'their.key')
    await store.import('a', encrypted, say('theirs'), 'their.key')
    expect((await store.signer('a', say('theirs'))).key.fingerprint).to.equal(key.key.fingerprint)

    const asked: string[] = []
    const ask: AskPassphrase = async ({ purpose }) => (asked.push(purpose), 'mine')
    const seed = RFC8032.seed.toString('hex') + RFC8032.public
    const two = {
      encrypted: false,
      data: [1, 2].map(() => ({ keytype: 'ed25519', keyval: { private: seed } })),
    }
    const stored = await store.import('b', readKeyFile(Buffer.from(JSON.stringify(two)), 'x'), ask, 'x')
    expect(stored.map(({ name }) => name)).to.deep.equal(['b-1', 'b-2'])
    expect(asked).to.deep.equal(['create'])

    const [pub] = await store.import('c', readKeyFile(Buffer.from(key.publicPem), 'x'), never, 'x')
    expect(pub).to.include({ name: 'c', isPrivate: false })
  })

  it('says which folder would not be written', async function () {
    if (process.getuid?.() === 0) {
      // Root may write anywhere; a file in the way stops root too.
      await mkdir(join(folder, '..'), { recursive: true })
      await writeFile(folder, '')
    } else {
      await mkdir(folder, { recursive: true })
      await chmod(folder, 0o500)
    }
    const error = await refusal('KEY_STORE_FAILED', () => store.generate('a', 'ed25519', say('secret')))
    expect(error.message).to.contain(folder).and.to.not.contain('secret')
  })
})
