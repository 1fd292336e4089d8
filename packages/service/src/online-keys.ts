import {
  countSignatures,
  sign,
  type JsonObject,
  type Root,
  type RoleKeys,
  type Signer,
  type SignedBytes,
} from '@nv2/tuf'
import { ServiceError } from './errors.js'

export type OnlineRole = 'snapshot' | 'timestamp'

/** The keys that this process may sign with: snapshot and timestamp, and nothing that speaks for content. */
export class OnlineKeys {
  private readonly byPrint = new Map<string, Signer>()

  constructor(signers: readonly Signer[]) {
    for (const signer of signers)
      if (signer.key.fingerprint !== null) this.byPrint.set(signer.key.fingerprint, signer)
  }

  /**
   * Why these keys cannot serve this root; null when they can. A service that held a root or targets key would turn a
   * break-in to a host on the network into the power to sign releases; without enough online keys it could publish nothing.
   */
  problem(root: Root): ServiceError | null {
    for (const role of ['root', 'targets'] as const)
      for (const key of root.roles[role].keys.values())
        if (key.fingerprint !== null && this.byPrint.has(key.fingerprint))
          return new ServiceError(
            'OFFLINE_KEY_PRESENT',
            `the key ${key.keyid.slice(0, 12)} signs ${role}: it must stay offline; take it out of the service's key folder`,
          )
    for (const role of ['snapshot', 'timestamp'] as const) {
      const { threshold } = root.roles[role]
      const held = this.for(root.roles[role]).length
      if (held < threshold)
        return new ServiceError(
          'ONLINE_KEY_MISSING',
          `${role} needs ${threshold} of ${root.roles[role].keyids.length} keys that root ${root.version} names, and the service has ${held}: ` +
            'put the private keys into its key folder',
        )
    }
    return null
  }

  /** Signs for each of these roots, whose key ids may name one key differently. Checked before it leaves. */
  async sign(role: OnlineRole, tree: JsonObject, roots: readonly Root[]): Promise<Uint8Array> {
    const signers = new Map<string, Signer>()
    for (const root of roots)
      for (const signer of this.for(root.roles[role])) signers.set(signer.key.keyid, signer)
    return sign(tree, [...signers.values()])
  }

  private for(keys: RoleKeys): Signer[] {
    const found = new Map<string, Signer>()
    for (const key of keys.keys.values()) {
      const signer = key.fingerprint === null ? undefined : this.byPrint.get(key.fingerprint)
      if (signer && key.fingerprint !== null && !found.has(key.fingerprint))
        found.set(key.fingerprint, { key, sign: (payload) => signer.sign(payload) })
    }
    return [...found.values()]
  }
}

export function verifiesUnder(root: Root, role: OnlineRole | 'targets', file: SignedBytes): boolean {
  return countSignatures(root.roles[role], file).ok
}
