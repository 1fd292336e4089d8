import { createPrivateKey, type KeyObject } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { KeysError, type KeysCode } from '../src/index.js'

/** A folder for one test; mocha's `after` calls the second half. */
export async function tempFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'nv2-keys-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** The KeysError that the work ends in. Fails when it ends well, in another error or with another code. */
export async function refusal(code: KeysCode, work: () => unknown): Promise<KeysError> {
  let error: unknown
  try {
    await work()
  } catch (thrown) {
    error = thrown
  }
  expect(error, `expected ${code}`).to.be.instanceOf(KeysError)
  expect((error as KeysError).code).to.equal(code)
  return error as KeysError
}

/** RFC 8032, test 1: a key that everybody knows. */
export const RFC8032 = {
  seed: Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'),
  public: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  emptySignature:
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
}

export function pkcs8(seed: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}
