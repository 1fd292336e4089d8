// node total.mjs REPORTS RUNS: adds up what the runs of mocha reported and closes with "N passed, N failed".
import { existsSync, readFileSync } from 'node:fs'

const [file, expected] = process.argv.slice(2)
const runs = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : []
const sum = (name) => runs.reduce((total, run) => total + run[name], 0)

console.log('')
if (runs.length !== Number(expected))
  console.log(`${runs.length} of ${expected} runs of the tests came to their end`)
// A skipped test counts against the forced runs: there every real part must be present.
const skipped = runs.slice(1).reduce((total, { pending }) => total + pending, 0)
if (skipped > 0) console.log(`the forced runs skipped ${skipped} tests`)
console.log(`${sum('passes')} passed, ${sum('failures')} failed`)
const good = runs.length === Number(expected) && skipped === 0 && sum('failures') === 0 && sum('passes') > 0
process.exit(good ? 0 : 1)
