import { chooseRegistry, placeOf, readChain, readConfig, readPin, resetClock } from '@nv2/client'
import type { Run } from '../context.js'

export const run: Run = async ({ home, out, clock }, [name]) => {
  const { folder } = placeOf(home, chooseRegistry(await readConfig(home), 'download', name ?? ''))
  const now = clock()
  await resetClock(folder, now, async () => {
    const pin = await readPin(folder)
    return pin ? readChain(folder, pin) : []
  })
  out.result(
    { registry: name, clock: now.toISOString() },
    `${name ?? ''}: forgot when it was last refreshed; it is ${now.toISOString().slice(0, 19)}Z. Versions seen are kept`,
  )
}
