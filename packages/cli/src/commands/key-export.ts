import type { Run } from '../context.js'
import { keyJson, keysOf } from './key-store.js'

export const run: Run = async (context, [name = '']) => {
  const key = await keysOf(context).get(name)
  if (context.out.json) context.out.result({ ...keyJson(key), public: key.publicPem })
  else context.out.content(key.publicPem)
}
