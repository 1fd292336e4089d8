// Paired runs: every round runs each contestant once (A B, then B A, ...), so that a busy moment of the machine hits both.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { quartiles } from './statistics.mjs'

const leastRounds = 11
const tolerance = 1.1 // a ratio within 10 % of its goal counts as met

/** @returns {{rounds: number, names: string[]}} */
export function options(argv = process.argv.slice(2)) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { rounds: { type: 'string', default: String(leastRounds) } },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < leastRounds) throw new Error(`--rounds: at least ${leastRounds}`)
  return { rounds, names: positionals }
}

/**
 * Runs contestants side by side and prints the first one's time as a ratio of each other's.
 * @param {string} title
 * @param {{name: string, run: (round: number) => Promise<number | void>, goal?: number}[]} contestants the first is ours, the others are the peers
 *   and carry the goal of the ratio ours / theirs. `run` may return its own measurement in ms.
 */
export async function compare(title, contestants, rounds) {
  const times = new Map(contestants.map(({ name }) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed()
    for (const { name, run } of order) {
      const start = performance.now()
      const measured = await run(round)
      if (round >= 0) times.get(name).push(measured ?? performance.now() - start) // round -1 warms the disk's cache
    }
  }
  const [ours, ...peers] = contestants
  const rows = contestants.map(({ name }) => ({ name, ...quartiles(times.get(name)) }))
  const ratios = peers.map(({ name, goal }) => {
    const theirs = times.get(name)
    const ratio = quartiles(times.get(ours.name).map((time, index) => time / theirs[index]))
    return {
      peer: name,
      ...ratio,
      ...(goal === undefined ? {} : { goal, met: ratio.median <= goal * tolerance }),
    }
  })
  return { title, rounds, rows, ratios }
}

export function print({ title, rounds, rows, ratios }) {
  console.log(`\n${title} (${rounds} rounds; median, middle half)`)
  for (const { name, median, low, high } of rows) {
    console.log(`  ${name.padEnd(34)} ${ms(median)}   ${ms(low)} ..${ms(high)}`)
  }
  for (const { peer, median, low, high, goal, met } of ratios) {
    const verdict = goal === undefined ? '' : `   goal <= ${goal}: ${met ? 'met' : 'MISSED'}`
    console.log(`  ratio to ${peer.padEnd(25)} ${times(median)}   ${times(low)} ..${times(high)}${verdict}`)
  }
}

export function machine() {
  const [cpu] = cpus()
  const load = loadavg().map((value) => value.toFixed(1))
  return {
    cpu: `${cpus().length} x ${cpu?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    load: load.join(' '),
    date: new Date().toISOString(),
  }
}

export function printMachine({ cpu, memory, node, load }) {
  console.log(`machine: ${cpu}, ${memory}, Node ${node}, load ${load}`)
}

/** Leaves the numbers in bench/out/NAME.json. */
export function save(name, results) {
  const folder = new URL('out/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`,
  )
}

/** Wall time in ms of a whole process, from spawn to exit. Fails when the process does. */
export function wall(command, args, { env = process.env, cwd, input } = {}) {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(command, args, { env, cwd, stdio: [input ? 'pipe' : 'ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk) => (complaint += chunk))
    child.stdin?.end(input)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(performance.now() - start)
      else reject(new Error(`${[command, ...args].join(' ')}: exit ${code}\n${complaint}`))
    })
  })
}

/** The floor of every command: starting Node and doing nothing. */
export function emptyNode(goal) {
  return { name: "node -e ''", run: () => wall(process.execPath, ['-e', '']), goal }
}

function ms(value) {
  return `${value.toFixed(1).padStart(8)} ms`
}

function times(value) {
  return `${value.toFixed(3).padStart(8)} x `
}
