import { KEY_TYPES } from '@nv2/keys'
import type { Run } from '../context.js'
import { usage } from '../errors.js'
import { keyJson, keysOf, keyText } from './key-store.js'

export const run: Run = async (context, [name = ''], options) => {
  const type = KEY_TYPES.find((each) => each === options['type'])
  if (!type) throw usage(`--type is one of ${KEY_TYPES.join(', ')}`)
  const key = await keysOf(context).generate(name, type, context.ask)
  context.out.result(keyJson(key), `${keyText(key)}\n  kept in      ${context.home.keys}`)
}
