import { KeysError, type AskPassphrase, type KeyStore, type StoredKey } from '@nv2/keys'
import type { PublicKey, RoleKeys, Signer } from '@nv2/tuf'

/** The keys of one command: each file is opened once at most, so a passphrase is asked for once at most. */
export class Keyring {
  private readonly store: KeyStore
  private readonly ask: AskPassphrase
  private readonly opened = new Map<string, Signer>()
  private listed: Promise<readonly StoredKey[]> | undefined

  constructor(store: KeyStore, ask: AskPassphrase) {
    this.store = store
    this.ask = ask
  }

  /** Throws KEY_NOT_FOUND with what to do. */
  async get(name: string): Promise<StoredKey> {
    return this.store.get(name)
  }

  async find(name: string): Promise<StoredKey | null> {
    try {
      return await this.store.get(name)
    } catch (error) {
      if (error instanceof KeysError && ['KEY_NOT_FOUND', 'KEY_NAME_BAD'].includes(error.code)) return null
      throw error
    }
  }

  async all(): Promise<readonly StoredKey[]> {
    this.listed ??= this.store.list().then(({ keys }) => keys)
    return this.listed
  }

  /** The keys of an edge whose private half is here, as the edge names them; each public key once. */
  async privateOf(keys: RoleKeys): Promise<{ name: string; key: PublicKey }[]> {
    const found = new Map<string, { name: string; key: PublicKey }>()
    const here = await this.all()
    for (const keyid of keys.keyids) {
      const key = keys.keys.get(keyid)
      if (key?.fingerprint == null || found.has(key.fingerprint)) continue
      const stored = here.find((one) => one.isPrivate && one.key.fingerprint === key.fingerprint)
      if (stored) found.set(key.fingerprint, { name: stored.name, key })
    }
    return [...found.values()]
  }

  /** Opens a private key. Its signatures carry the key id that the edge gives it: key ids are labels (TAP 12). */
  async signer(name: string, as?: PublicKey): Promise<Signer> {
    let signer = this.opened.get(name)
    if (!signer) {
      signer = await this.store.signer(name, this.ask)
      this.opened.set(name, signer)
    }
    const held = signer
    return as ? { key: as, sign: (payload) => held.sign(payload) } : held
  }

  async signersFor(keys: RoleKeys): Promise<Signer[]> {
    const signers: Signer[] = []
    for (const { name, key } of await this.privateOf(keys)) signers.push(await this.signer(name, key))
    return signers
  }

  /** What to call a key in a message: its name here, else the beginning of its id. */
  async label(keyid: string, key: PublicKey | undefined): Promise<string> {
    const fingerprint = key?.fingerprint
    const stored =
      fingerprint == null ? undefined : (await this.all()).find((one) => one.key.fingerprint === fingerprint)
    return stored?.name ?? `the key ${keyid.slice(0, 12)}`
  }
}

/** The key of an edge that is this public key, whatever id the edge gives it. */
export function keyOf(keys: RoleKeys, key: PublicKey): PublicKey | undefined {
  if (key.fingerprint === null) return undefined
  return keys.keyids
    .flatMap((keyid) => keys.keys.get(keyid) ?? [])
    .find((one) => one.fingerprint === key.fingerprint)
}
