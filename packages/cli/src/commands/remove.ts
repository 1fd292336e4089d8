import { removeStored } from '@nv2/client'
import type { Run } from '../context.js'
import { storedJson } from './stored-text.js'

export const run: Run = async (context, [name = '']) => {
  const removed = await removeStored(context.home, name)
  context.out.result(storedJson(removed), `${removed.name} is no longer in the local store`)
}
