// A process of the race test: takes commands on stdin, one JSON line each, and answers with one line each.
import { createInterface } from 'node:readline'
import { FileStore } from '../src/index.js'

const [folder = '', me = ''] = process.argv.slice(2)
const store = await FileStore.open(folder)
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { rounds } = JSON.parse(line) as { rounds: number }
  const won: string[] = []
  for (let round = 0; round < rounds; round++) {
    if ((await store.create(`${round}.role.json`, Buffer.from(me))) === 'done') won.push(`role ${round}`)
    const before = await store.read('timestamp.json')
    const count = before ? Number(Buffer.from(before.bytes).toString().split(' ')[0]) : 0
    const next = Buffer.from(`${count + 1} ${me}`)
    if ((await store.replace('timestamp.json', next, before?.revision ?? null)) === 'done') {
      won.push(`time ${count + 1}`)
      process.stdout.write(`won time ${count + 1}\n`)
    }
  }
  process.stdout.write(`${JSON.stringify(won)}\n`)
}
