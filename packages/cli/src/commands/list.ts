import { listStored } from '@nv2/client'
import type { Run } from '../context.js'
import { storedJson, storedText } from './stored-text.js'

export const run: Run = async (context, [name]) => {
  const all = await listStored(context.home)
  const chosen = name === undefined ? all : all.filter((one) => matches(one.name, name))
  context.out.result({ artifacts: chosen.map(storedJson) }, chosen.map(storedText).join('\n'))
}

/** `netmonitor` lists every tag of every repository of that name. */
function matches(full: string, name: string): boolean {
  const repository = full.replace(/[:@].*$/, '')
  return [full, repository].some((one) => one === name || one.endsWith(`/${name}`))
}
