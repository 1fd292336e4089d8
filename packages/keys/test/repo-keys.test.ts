import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { KeyStore } from '../src/index.js'
import { tempFolder } from './files.js'

const FOLDER = fileURLToPath(new URL('../../../../repo-keys/', import.meta.url))

async function keyFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true })
  return entries.filter((name) => /\.(?:key|pub)$/.test(name)).sort()
}

describe('keys: the development keys', () => {
  it('come out of the published seed, byte for byte', async () => {
    const temp = await tempFolder()
    try {
      await promisify(execFile)(process.execPath, [join(FOLDER, 'generate.mjs'), temp.path])
      const made = await keyFiles(temp.path)
      expect(made).to.deep.equal(await keyFiles(FOLDER))
      for (const file of made)
        expect(await readFile(join(temp.path, file), 'latin1'), file).to.equal(
          await readFile(join(FOLDER, file), 'latin1'),
        )
    } finally {
      await temp.remove()
    }
  })

  it('are marked "not secret" and stand in the README, with a passphrase that opens them', async () => {
    const readme = await readFile(join(FOLDER, 'README.md'), 'utf8')
    const files = await keyFiles(FOLDER)
    expect(files).to.have.length.greaterThan(20)
    for (const file of files) {
      expect(await readFile(join(FOLDER, file), 'latin1'), file).to.match(/^not secret/)
      expect(readme).to.contain(`\`${file.replace(/^.*[/\\]|\.\w+$/g, '')}\``)
    }
    expect(readme).to.contain('`not secret`')
    const signer = await new KeyStore(join(FOLDER, 'wabbit')).signer(
      'wabbit-networks-key',
      async () => 'not secret',
    )
    expect(signer.key.fingerprint).to.be.a('string')
  })

  it('are different keys, and no online folder holds a root or targets key', async () => {
    const folders = new Set((await keyFiles(FOLDER)).map((file) => dirname(file)))
    const prints: (string | null)[] = []
    for (const folder of folders) {
      const { keys, broken } = await new KeyStore(join(FOLDER, folder)).list()
      expect(broken).to.deep.equal([])
      prints.push(...keys.map(({ key }) => key.fingerprint))
      if (folder.endsWith('online')) expect(keys.map(({ name }) => name).join()).to.not.match(/root|targets/)
    }
    expect(new Set(prints).size).to.equal(prints.length)
  })
})
