import { expect } from 'chai'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { FileStore } from '../src/index.js'
import { removeTempFolders, tempFolder } from './temp.js'

const racer = fileURLToPath(new URL('racer.js', import.meta.url))

interface Racer {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: Interface
  readonly out: AsyncIterator<string>
}

async function start(folder: string, name: string): Promise<Racer> {
  const child = spawn(process.execPath, [racer, folder, name])
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })
  const out = lines[Symbol.asyncIterator]()
  expect((await out.next()).value).to.equal('ready')
  return { child, lines, out }
}

describe('file store: real processes', () => {
  after(removeTempFolders)

  it('has one winner of every create and every swap, and loses no commit', async () => {
    const folder = await tempFolder()
    const racers = await Promise.all(['a', 'b', 'c'].map((name) => start(folder, name)))
    for (const { child } of racers) child.stdin.write(`${JSON.stringify({ rounds: 25 })}\n`)
    const won = await Promise.all(
      racers.map(async ({ child, out }) => {
        for (;;) {
          const line = String((await out.next()).value)
          if (line.startsWith('won')) continue
          child.stdin.end()
          return JSON.parse(line) as string[]
        }
      }),
    )
    const all = won.flat()
    expect(new Set(all).size, 'a name was won twice').to.equal(all.length)
    expect(all.filter((name) => name.startsWith('role'))).to.have.length(25)
    const swaps = all.filter((name) => name.startsWith('time')).length
    expect(swaps).to.be.at.least(25)
    const store = await FileStore.open(folder)
    const last = Buffer.from((await store.read('timestamp.json'))?.bytes ?? []).toString()
    expect(last.split(' ')[0]).to.equal(String(swaps))
    expect(await readFile(join(folder, 'timestamp.json'), 'utf8')).to.equal(last)
  })

  it('keeps every swap that was answered when processes are killed at any moment', async () => {
    const folder = await tempFolder()
    let answered = 0
    for (let round = 0; round < 6; round++) {
      const { child, lines, out } = await start(folder, `k${round}`)
      child.stdin.write(`${JSON.stringify({ rounds: 100_000 })}\n`)
      for (let seen = 0; seen < 3 + round; seen++)
        answered = Number(String((await out.next()).value).split(' ')[2])
      const gone = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      lines.on('line', (line) => {
        answered = Math.max(answered, Number(line.split(' ')[2] ?? 0))
      })
      await gone
      const store = await FileStore.open(folder)
      const time = Buffer.from((await store.read('timestamp.json'))?.bytes ?? []).toString()
      expect(Number(time.split(' ')[0])).to.be.at.least(answered)
      expect(await readFile(join(folder, 'timestamp.json'), 'utf8')).to.equal(time)
    }
  })
})
