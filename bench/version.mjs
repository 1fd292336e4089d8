// The cheapest command: what nv2 adds to starting Node.
import { fileURLToPath } from 'node:url'
import { compare, emptyNode, wall } from './harness.mjs'

const nv2 = fileURLToPath(new URL('../packages/cli/bin/nv2.js', import.meta.url))

export async function bench({ rounds }) {
  const ours = { name: 'nv2 --version', run: () => wall(process.execPath, [nv2, '--version']) }
  return [await compare('start-up', [ours, emptyNode(1.35)], rounds)]
}
