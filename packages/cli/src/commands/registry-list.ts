import { readConfig } from '@nv2/client'
import type { Run } from '../context.js'
import { registryJson, registryText } from './registry-text.js'

export const run: Run = async ({ home, out }) => {
  const { registries } = await readConfig(home)
  out.result(
    { registries: registries.map(registryJson) },
    registries.length === 0
      ? 'no registries here yet; `nv2 registry add NAME URL --root FILE` adds one'
      : registries.map(registryText).join('\n'),
  )
}
