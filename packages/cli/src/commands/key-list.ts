import type { Run } from '../context.js'
import { keyJson, keysOf, keyText } from './key-store.js'

export const run: Run = async (context) => {
  const { keys, broken } = await keysOf(context).list()
  for (const { error } of broken) context.out.warn(error.message)
  const text =
    keys.length === 0 ? 'no keys here yet; `nv2 key generate NAME` makes one' : keys.map(keyText).join('\n')
  context.out.result(
    { keys: keys.map(keyJson), broken: broken.map(({ name, error }) => ({ name, message: error.message })) },
    text,
  )
}
