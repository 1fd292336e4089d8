import { chooseRegistry, importRole, readConfig } from '@nv2/client'
import { keyObjectOf } from '@nv2/tuf'
import type { Run } from '../context.js'
import { usage } from '../errors.js'
import { keysOf } from './key-store.js'

/** `key import --from REGISTRY ROLE [--name NAME]`: pins a role's keys from its verified edge at the registry. */
export const run: Run = async (context, [role = ''], options) => {
  const from = options['from']
  const name = options['name']
  if (typeof from !== 'string' || role === '') throw usage('say `nv2 key import --from REGISTRY ROLE`')
  const registry = chooseRegistry(await readConfig(context.home), 'download', from)
  const imported = await importRole(context.home, registry, role, {
    now: context.clock(),
    signal: context.interrupted(),
  })
  const keys = [...imported.keys.keys.values()]
  for (const key of imported.gone)
    context.out.warn(
      `${registry.name} no longer names the key ${key.fingerprint ?? key.keyid} for ${role}: delegate to ${role} again here`,
    )
  const stored: string[] = []
  if (typeof name === 'string')
    for (const [i, key] of keys.entries()) {
      const object = keyObjectOf(key)
      if (!object) continue
      const each = keys.length === 1 ? name : `${name}-${i + 1}`
      const pem = object.export({ type: 'spki', format: 'pem' }).toString()
      await keysOf(context).addPublic(each, { key, pem })
      stored.push(each)
    }
  const { threshold } = imported.keys
  context.out.result(
    {
      role,
      registry: registry.name,
      firstRootSha256: imported.firstRootSha256,
      threshold,
      keys: keys.map((key) => ({ keyid: key.keyid, type: key.keytype, fingerprint: key.fingerprint })),
      stored,
    },
    [
      `${role} at ${registry.name} is signed by ${threshold} of ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}; compare with its publisher:`,
      ...keys.map((key) => `  fingerprint  ${key.fingerprint ?? 'none: this key cannot be used here'}`),
    ].join('\n'),
  )
}
