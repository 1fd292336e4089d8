import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { readKeyFile } from '@nv2/keys'
import type { Context, Run } from '../context.js'
import { usage } from '../errors.js'
import { keyJson, keysOf, keyText } from './key-store.js'

export const run: Run = async (context, args, options) => {
  if (options['from'] === undefined) return importFile(context, args[0] ?? '', options['name'])
  // Only this form needs the client.
  const { run: importRole } = await import('./key-import-from.js')
  return importRole(context, args, options)
}

async function importFile(context: Context, path: string, name: unknown): Promise<void> {
  const content = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw usage(
      `the key file ${path} cannot be read: ${cause.code === 'ENOENT' ? 'it does not exist' : cause.message}`,
    )
  })
  const file = readKeyFile(content, path)
  for (const warning of file.warnings) context.out.warn(warning)
  const wanted = typeof name === 'string' ? name : basename(path).replace(/\.(?:key|pub|pem|json)$/i, '')
  const keys = await keysOf(context).import(wanted, file, context.ask, path)
  context.out.result({ keys: keys.map(keyJson) }, keys.map(keyText).join('\n'))
}
