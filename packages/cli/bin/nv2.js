#!/usr/bin/env node
import { readFileSync } from 'node:fs'

const [, , first, ...rest] = process.argv
if (rest.length === 0 && (first === '--version' || first === '-V')) {
  // Answered before anything is loaded: what is asked most often costs what starting Node costs.
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${version}\n`)
} else {
  const { main } = await import('../dist/src/main.js')
  process.exitCode = await main(process)
}
