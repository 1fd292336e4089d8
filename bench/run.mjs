// node bench/run.mjs [NAME...] [--rounds N]      names: the files beside this one; all without a name
import { machine, options, print, printMachine, save } from './harness.mjs'

const benches = ['version', 'story']

const { rounds, names } = options()
const unknown = names.filter((name) => !benches.includes(name))
if (unknown.length > 0) throw new Error(`no bench ${unknown.join(', ')}; there are ${benches.join(', ')}`)
printMachine(machine())
for (const name of names.length > 0 ? names : benches) {
  const { bench } = await import(`./${name}.mjs`)
  const results = await bench({ rounds })
  for (const result of results) print(result)
  save(name, results)
}
