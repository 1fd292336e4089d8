import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromSeed, type PrivateKey } from '@nv2/keys'

/** What opens the key files that `putKeys` writes. */
export const TEST_PASSPHRASE = 'test passphrase, not secret'

/** Encrypting takes most of a test's time; the files may as well be the same ones all over. */
const sealed = new Map<string, Promise<string>>()

/** Key files of `testSigner(name)` in a folder, encrypted at the lowest cost. */
export async function putKeys(folder: string, ...names: readonly string[]): Promise<void> {
  await putPublicKeys(folder, ...names)
  for (const name of names) {
    const content = sealed.get(name) ?? keyOf(name).encrypt(TEST_PASSPHRASE, { cost: 15 })
    sealed.set(name, content)
    await writeFile(join(folder, `${name}.key`), await content, { mode: 0o600 })
  }
}

/** The public halves alone. */
export async function putPublicKeys(folder: string, ...names: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of names)
    await writeFile(join(folder, `${name}.pub`), keyOf(name).publicPem, { mode: 0o600 })
}

function keyOf(name: string): PrivateKey {
  return fromSeed(createHash('sha256').update(`nv2 test key: ${name}`).digest())
}
