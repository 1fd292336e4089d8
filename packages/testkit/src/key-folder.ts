import { createHash, createPublicKey } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromSeed } from '@nv2/keys'
import { testPrivateKey } from './signer.js'

/** What opens the key files that `putKeys` writes. */
export const TEST_PASSPHRASE = 'test passphrase, not secret'

/** Encrypting takes most of a test's time; the files may as well be the same ones all over. */
const sealed = new Map<string, Promise<string>>()

/** Key files of `testSigner(name)` in a folder, encrypted at the lowest cost. */
export async function putKeys(folder: string, ...names: readonly string[]): Promise<void> {
  await putPublicKeys(folder, ...names)
  for (const name of names) {
    const key = fromSeed(createHash('sha256').update(`nv2 test key: ${name}`).digest())
    const content = sealed.get(name) ?? key.encrypt(TEST_PASSPHRASE, { cost: 15 })
    sealed.set(name, content)
    await writeFile(join(folder, `${name}.key`), await content, { mode: 0o600 })
  }
}

/** The same without encryption: where a test opens many keys and passphrases are not what it is about. */
export async function putPlainKeys(folder: string, ...names: readonly string[]): Promise<void> {
  await putPublicKeys(folder, ...names)
  for (const name of names) {
    const pem = testPrivateKey(name).export({ type: 'pkcs8', format: 'pem' })
    await writeFile(join(folder, `${name}.key`), pem, { mode: 0o600 })
  }
}

/** The public halves alone. */
export async function putPublicKeys(folder: string, ...names: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of names) {
    const pem = createPublicKey(testPrivateKey(name)).export({ type: 'spki', format: 'pem' })
    await writeFile(join(folder, `${name}.pub`), pem, { mode: 0o600 })
  }
}
