import { readFile } from 'node:fs/promises'
import { repoInit, type Keyring, type NamedKey } from '@nv2/client'
import { readKeyFile } from '@nv2/keys'
import type { Run } from '../context.js'
import { duration } from '../duration.js'
import { usage } from '../errors.js'
import { count, workbench } from './publishing.js'

export const run: Run<{
  readonly rootKey?: readonly string[]
  readonly rootThreshold?: string
  readonly targetsKey?: readonly string[]
  readonly targetsThreshold?: string
  readonly snapshotKey?: readonly string[]
  readonly timestampKey?: readonly string[]
  readonly allowSharedKey?: boolean
  readonly expires?: string
}> = async (context, [name = ''], options) => {
  const { keyring } = await workbench(context)
  const made = await repoInit(context.home, keyring, {
    name,
    root: {
      keys: await keys(keyring, options.rootKey),
      threshold: count(options.rootThreshold ?? '1', '--root-threshold'),
    },
    targets: {
      keys: await keys(keyring, options.targetsKey),
      threshold: count(options.targetsThreshold ?? '1', '--targets-threshold'),
    },
    snapshot: await keys(keyring, options.snapshotKey),
    timestamp: await keys(keyring, options.timestampKey),
    allowSharedKey: options.allowSharedKey ?? false,
    now: context.clock(),
    ...(options.expires !== undefined && { rootLife: duration(options.expires, '--expires') }),
  })
  if (!made.targetsSigned)
    context.out.warn(
      'targets version 1 lacks signatures: whoever holds the other keys signs with `nv2 sign --role targets KEY`',
    )
  context.out.result(
    { repo: made.name, root: made.rootPath, sha256: made.rootSha256, targetsSigned: made.targetsSigned },
    [
      `${made.name}: root version 1 is signed; this file is what consumers pin, give it to them in a way they can trust`,
      `  root    ${made.rootPath}`,
      `  sha256  ${made.rootSha256}`,
    ].join('\n'),
  )
}

/** A key by its name here; with a slash it is a file with a public key. */
async function keys(keyring: Keyring, names: readonly string[] = []): Promise<NamedKey[]> {
  return Promise.all(
    names.map(async (name) => {
      if (!name.includes('/')) return { name, key: (await keyring.get(name)).key }
      const bytes = await readFile(name).catch((cause: NodeJS.ErrnoException) => {
        throw usage(
          `the key file ${name} cannot be read: ${cause.code === 'ENOENT' ? 'it does not exist' : cause.message}`,
        )
      })
      const file = readKeyFile(bytes, name)
      if (file.kind !== 'public')
        throw usage(`${name} is a private key; keep it with \`nv2 key import\` and give its name`)
      return { name, key: file.key }
    }),
  )
}
