/** A process of layout.test.ts: names COUNT manifests in the layout DIR. */
import { createLayout } from '../src/index.js'
import { describeBytes, text } from './fixture.js'

const [dir = '', count = '0', who = ''] = process.argv.slice(2)
for (let i = 0; i < Number(count); i++) {
  const layout = await createLayout(dir)
  const bytes = text(`${who}${String(i)}`)
  const descriptor = describeBytes(bytes, 'application/x')
  await layout.push(descriptor, bytes)
  await layout.tag(`${who}:${String(i)}`, descriptor)
}
