import { KeyStore, type AskPassphrase, type Passphrase } from '@nv2/keys'
import type { Context } from '../context.js'
import { ServiceError } from '@nv2/service'
import type { Signer } from '@nv2/tuf'
import type { Hosted } from './hosted.js'

/**
 * Opens the private keys of a service's key folder. A key that signs root or targets of a hosted repository is refused
 * before any file is opened: a break-in to a host on the network must not be able to sign releases.
 */
export async function onlineSigners(
  folder: string,
  repositories: readonly Hosted[],
  context: Context,
): Promise<Signer[]> {
  const store = new KeyStore(folder, (message) => {
    context.out.warn(message)
  })
  const { keys, broken } = await store.list()
  // What cannot be read could be such a key.
  for (const { error } of broken) throw error
  const here = keys.filter(({ isPrivate }) => isPrivate)
  for (const { name, root } of repositories)
    for (const role of ['root', 'targets'] as const)
      for (const key of root.roles[role].keys.values()) {
        const held = here.find((one) => key.fingerprint !== null && one.key.fingerprint === key.fingerprint)
        if (held)
          throw new ServiceError(
            'OFFLINE_KEY_PRESENT',
            `${held.name}.key in ${folder} signs ${role} of ${name} and must stay offline; take it out of that folder`,
          )
      }
  if (here.length === 0)
    throw new ServiceError(
      'ONLINE_KEY_MISSING',
      `there is no private key in ${folder}; put the snapshot and timestamp keys of ${repositories.map(({ name }) => name).join(', ')} there (NAME.key and NAME.pub)`,
    )
  const once = askOnce(context.ask)
  const signers: Signer[] = []
  for (const { name } of here) signers.push(await store.signer(name, once))
  return signers
}

/** The files of one folder share a passphrase: a person at the prompt types it once. */
function askOnce(ask: AskPassphrase): AskPassphrase {
  let given: Promise<Passphrase> | undefined
  return (request) => (given ??= ask(request))
}
