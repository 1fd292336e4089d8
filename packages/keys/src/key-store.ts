import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublicKey, Signer } from '@nv2/tuf'
import { codeOf, createFiles, reason } from './create-only.js'
import { KeysError } from './errors.js'
import { readKeyFile, type KeyFile, type PrivateKeyFile } from './key-file.js'
import { generate, type KeyType, type PrivateKey } from './private-key.js'
import { broken, type Passphrase } from './secretbox.js'

/** Asks for the passphrase of a file, only when it is needed. `create` asks for a new one, so a prompt may ask twice. */
export type AskPassphrase = (request: {
  readonly purpose: 'open' | 'create'
  readonly what: string
}) => Promise<Passphrase>

export interface StoredKey {
  readonly name: string
  readonly key: PublicKey
  readonly publicPem: string
  /** False when only the public half is here. */
  readonly isPrivate: boolean
}

export interface KeyList {
  readonly keys: readonly StoredKey[]
  /** Files that are no usable key, with the reason; one of them hides no other key. */
  readonly broken: readonly { readonly name: string; readonly error: KeysError }[]
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** A folder of keys: NAME.key encrypted, NAME.pub beside it, readable by their owner only. Files are never overwritten. */
export class KeyStore {
  readonly folder: string
  private readonly warn: (message: string) => void

  /** `warn` is told of a file that is not as it should be and is used all the same. */
  constructor(folder: string, warn: (message: string) => void = () => undefined) {
    this.folder = folder
    this.warn = warn
  }

  /** Makes a key and keeps it. The passphrase is asked for only once the name is known to be free. */
  async generate(name: string, type: KeyType, ask: AskPassphrase): Promise<StoredKey> {
    await this.requireFree(name)
    const passphrase = await ask({ purpose: 'create', what: `new key ${name}` })
    return this.add(name, await generate(type), passphrase)
  }

  /** Keeps a private key, encrypted. */
  async add(name: string, key: PrivateKey, passphrase: Passphrase): Promise<StoredKey> {
    checkName(name)
    if (passphrase.length === 0)
      throw new KeysError('PASSPHRASE_NEEDED', `an empty passphrase protects nothing; give one for ${name}`)
    await this.requireFree(name)
    const content = await key.encrypt(passphrase)
    // The private half first: a crash between the two leaves a file that `list` reports, never a public key whose private half is lost.
    const files = [
      { name: `${name}.key`, content },
      { name: `${name}.pub`, content: key.publicPem },
    ]
    await createFiles(this.folder, files, taken(name, this.folder))
    return { name, key: key.key, publicPem: key.publicPem, isPrivate: true }
  }

  /** Keeps a public key. */
  async addPublic(name: string, file: { readonly key: PublicKey; readonly pem: string }): Promise<StoredKey> {
    await this.requireFree(name)
    await createFiles(this.folder, [{ name: `${name}.pub`, content: file.pem }], taken(name, this.folder))
    return { name, key: file.key, publicPem: file.pem, isPrivate: false }
  }

  /**
   * Keeps the key of a file: opened with its own passphrase and encrypted again with it; a file without encryption gets
   * a new one. A go-tuf file with several keys becomes NAME-1, NAME-2 and so on.
   */
  async import(name: string, file: KeyFile, ask: AskPassphrase, what: string): Promise<StoredKey[]> {
    await this.requireFree(name)
    if (file.kind === 'public') return [await this.addPublic(name, file)]
    const given = file.encrypted ? await ask({ purpose: 'open', what }) : ''
    const keys = await file.open(given)
    const names = keys.length === 1 ? [name] : keys.map((_, i) => `${name}-${i + 1}`)
    for (const each of names) await this.requireFree(each)
    const passphrase =
      file.encrypted && given.length > 0
        ? given
        : await ask({ purpose: 'create', what: `imported key ${name}` })
    const stored: StoredKey[] = []
    for (const [i, key] of keys.entries()) stored.push(await this.add(names[i] ?? name, key, passphrase))
    return stored
  }

  /** All keys, by name. A folder that does not exist holds none. */
  async list(): Promise<KeyList> {
    const names = new Set((await this.files()).map((file) => /^(.+)\.(?:key|pub)$/.exec(file)?.[1] ?? ''))
    const keys: StoredKey[] = []
    const bad: { name: string; error: KeysError }[] = []
    for (const name of [...names].filter((each) => NAME.test(each)).sort()) {
      try {
        keys.push(await this.get(name))
      } catch (error) {
        if (!(error instanceof KeysError)) throw error
        bad.push({ name, error })
      }
    }
    return { keys, broken: bad }
  }

  /** The key of this name. Throws KEY_NOT_FOUND, KEY_FILE_BROKEN. */
  async get(name: string): Promise<StoredKey> {
    checkName(name)
    const [pub, files] = [await this.read(`${name}.pub`), await this.files()]
    const isPrivate = files.includes(`${name}.key`)
    if (!pub) {
      if (!isPrivate)
        throw new KeysError(
          'KEY_NOT_FOUND',
          `there is no key ${name} in ${this.folder}; \`nv2 key list\` shows those that are`,
        )
      throw new KeysError(
        'KEY_FILE_BROKEN',
        `${name}.key has no ${name}.pub in ${this.folder}: making it was interrupted; move ${name}.key away, then import it or make a new key`,
      )
    }
    const file = readKeyFile(pub, this.path(`${name}.pub`))
    if (file.kind !== 'public') throw broken(this.path(`${name}.pub`), 'it holds no public key')
    return { name, key: file.key, publicPem: file.pem, isPrivate }
  }

  /** The keys with this fingerprint: one key may be kept under several names. */
  async find(fingerprint: string): Promise<StoredKey[]> {
    return (await this.list()).keys.filter(({ key }) => key.fingerprint === fingerprint)
  }

  /** The signer of a key. The passphrase is asked for at once; the private key stays inside what is returned. */
  async signer(name: string, ask: AskPassphrase): Promise<Signer> {
    const stored = await this.get(name)
    const { what, file } = await this.privateFile(name)
    for (const warning of file.warnings) this.warn(warning)
    const passphrase = file.encrypted ? await ask({ purpose: 'open', what: `key ${name}` }) : ''
    const [key] = await file.open(passphrase)
    // Another public half beside the key would make its owner delegate to somebody else.
    if (key?.key.fingerprint !== stored.key.fingerprint)
      throw broken(this.path(`${name}.pub`), `it is not the public half of ${what}`)
    return { key: key.key, sign: (payload) => key.sign(payload) }
  }

  private async privateFile(name: string): Promise<{ what: string; file: PrivateKeyFile }> {
    const what = this.path(`${name}.key`)
    const content = await this.read(`${name}.key`)
    if (!content)
      throw new KeysError(
        'KEY_NOT_PRIVATE',
        `only the public half of ${name} is in ${this.folder}; sign where its private key is kept`,
      )
    const file = readKeyFile(content, what)
    if (file.kind === 'private') return { what, file }
    throw broken(what, 'it holds a public key')
  }

  private async requireFree(name: string): Promise<void> {
    checkName(name)
    const files = await this.files()
    if (files.includes(`${name}.key`) || files.includes(`${name}.pub`))
      throw new KeysError('KEY_EXISTS', taken(name, this.folder))
  }

  private path(file: string): string {
    return join(this.folder, file)
  }

  private async files(): Promise<string[]> {
    try {
      return await readdir(this.folder)
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return []
      throw this.failed(cause)
    }
  }

  private async read(file: string): Promise<Uint8Array | null> {
    try {
      return await readFile(this.path(file))
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return null
      throw this.failed(cause)
    }
  }

  private failed(cause: unknown): KeysError {
    return new KeysError(
      'KEY_STORE_FAILED',
      `the keys in ${this.folder} cannot be read: ${reason(cause)}`,
      cause,
    )
  }
}

function taken(name: string, folder: string): string {
  return `there is a key ${name} in ${folder} already, and keys are never overwritten; choose another name`
}

/** Throws KEY_NAME_BAD for what cannot be a key's name. */
export function checkName(name: string): void {
  if (NAME.test(name) && !/\.(?:key|pub)$/i.test(name)) return
  throw new KeysError(
    'KEY_NAME_BAD',
    `${JSON.stringify(name.slice(0, 120))} is no name for a key: letters, digits, dots, dashes and underscores, first a letter or digit, without .key or .pub at the end`,
  )
}
