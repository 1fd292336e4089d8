import type { Run } from '../context.js'
import { keyJson, keysOf, keyText } from './key-store.js'

export const run: Run = async (context, [name = '']) => {
  const key = await keysOf(context).get(name)
  context.out.result(
    { ...keyJson(key), public: key.publicPem },
    `${keyText(key)}\n${key.publicPem.trimEnd()}`,
  )
}
