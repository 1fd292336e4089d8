import { fork } from 'node:child_process'
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { readFloors } from '../src/index.js'
import { NO_FLOORS } from '../src/floors.js'
import { raiseFloors } from '../src/floor-files.js'
import { codeOf, Consumer } from './consumer.js'

describe('trust on disk', () => {
  let consumer: Consumer
  beforeEach(async () => {
    consumer = await Consumer.open()
    await consumer.simulator.nextRoot()
    await consumer.session().refresh()
  })
  afterEach(() => consumer.close())

  const raise = (n: number): Promise<unknown> =>
    raiseFloors(consumer.trust, { ...NO_FLOORS, roles: new Map([['targets', n]]) }, () => Promise.resolve([]))

  it('is for this user alone', async () => {
    const folder = await stat(consumer.trust)
    expect(folder.mode & 0o777).to.equal(0o700)
    for (const file of Object.keys(await consumer.trusted()))
      expect((await stat(join(consumer.trust, file))).mode & 0o777, file).to.equal(0o600)
    expect((await stat(consumer.home.config)).mode & 0o777).to.equal(0o600)
  })

  for (const file of ['floors/1.json', 'pinned.json'])
    it(`cut short: ${file} is refused, not taken for an empty one`, async () => {
      await truncate(join(consumer.trust, file), 20)
      const before = await consumer.trusted()
      expect(await codeOf(() => consumer.session().refresh())).to.equal('HOME_BROKEN')
      expect(await consumer.trusted()).to.deep.equal(before)
    })

  for (const file of ['roots/1.root.json', 'roots/2.root.json'])
    it(`cut short: ${file} is fetched and verified again`, async () => {
      const before = await consumer.trusted()
      await truncate(join(consumer.trust, file), 20)
      await consumer.session().refresh()
      expect(await consumer.trusted()).to.deep.equal(before)
    })

  it('the leavings of a killed process count for nothing', async () => {
    await writeFile(join(consumer.trust, 'floors', '.2.json.0123456789abcdef'), '{"version":1,"ro')
    await writeFile(join(consumer.trust, 'roots', '.3.root.json.0123456789abcdef'), '{')
    await consumer.session().refresh()
  })

  it('newer roots lost here do not let the server forget them', async () => {
    await rm(join(consumer.trust, 'roots', '2.root.json'))
    consumer.simulator.files.delete('2.root.json')
    expect(await codeOf(() => consumer.session().refresh())).to.equal('ROLLBACK')
  })

  it('another root planted under the next number is not believed', async () => {
    const stranger = await Consumer.open({ name: 'stranger' })
    try {
      await stranger.simulator.nextRoot()
      const planted = await stranger.simulator.nextRoot()
      await writeFile(join(consumer.trust, 'roots', '3.root.json'), planted)
      const { root } = (await consumer.session().refresh()).snapshot.timestamp.current
      expect(root.version).to.equal(2)
    } finally {
      await stranger.close()
    }
  })

  it('floors never fall and old files are cleared away', async () => {
    for (const n of [5, 3, 9, 1, 12, 13, 14, 15, 16, 17, 18, 19, 20, 2]) await raise(n)
    expect((await readFloors(consumer.trust)).roles.get('targets')).to.equal(20)
    expect(await readdir(join(consumer.trust, 'floors'))).to.have.length(8)
  })

  it('a writer that slept through a pruning does not lower the floors', async () => {
    for (let n = 2; n <= 12; n++) await raise(n)
    const names = (await readdir(join(consumer.trust, 'floors')))
      .map((name) => parseInt(name))
      .sort((a, b) => a - b)
    // It had read number 1 and now creates number 2, which was pruned: a file below the highest counts for nothing.
    const low = Buffer.from(await readFile(join(consumer.trust, 'floors', `${names[0] ?? 0}.json`)))
    await writeFile(
      join(consumer.trust, 'floors', '2.json'),
      low.toString().replace(/"targets":\d+/, '"targets":1'),
    )
    await raise(1)
    expect((await readFloors(consumer.trust)).roles.get('targets')).to.equal(12)
  })

  it('two processes at once: the highest of both holds', async function () {
    this.timeout(60_000)
    const child = fileURLToPath(new URL('./floor-writer.js', import.meta.url))
    const run = (from: number): Promise<number | null> =>
      new Promise((resolve) => {
        fork(child, [consumer.trust, String(from), '40']).on('exit', resolve)
      })
    expect(await Promise.all([run(1000), run(2000), run(3000)])).to.deep.equal([0, 0, 0])
    const { roles } = await readFloors(consumer.trust)
    expect([1000, 2000, 3000].map((from) => roles.get(`role-${from}`))).to.deep.equal([1039, 2039, 3039])
    expect(roles.get('shared')).to.equal(3039)
  })
})
