import { rm, writeFile, readdir, mkdir, symlink } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { DAY, MINUTE, testSigner } from '@nv2/testkit'
import {
  fileName,
  metaFileOf,
  newSnapshot,
  newTimestamp,
  sign,
  type MetaFile,
  type RoleName,
  type Signer,
} from '@nv2/tuf'
import { expect } from 'chai'
import { codeOf, Consumer } from './consumer.js'

interface Attack {
  readonly attack: string
  /** What the attacker, in control of the network, serves after the user's first good refresh. */
  readonly serve: (c: Consumer) => unknown
  readonly code: string
  /** The files that the client asks for; the same file twice is the one retry of protocol P11. */
  readonly asked: string
}

const file = (c: Consumer, name: string): Uint8Array => c.simulator.files.get(name) ?? new Uint8Array()
const put = (c: Consumer, name: string, bytes: Uint8Array | string): unknown =>
  c.simulator.files.set(name, Buffer.from(bytes))

/** A snapshot with these entries and a timestamp for it, signed with the repository's own keys. */
async function republish(c: Consumer, version: number, meta: Iterable<[RoleName, MetaFile]>): Promise<void> {
  const { simulator } = c
  const tree = newSnapshot({ version, expires: simulator.in(7), meta: new Map(meta) })
  put(c, fileName('snapshot', version), await sign(tree, simulator.signersOf('snapshot')))
  simulator.snapshotVersion = version
  await simulator.nextTimestamp()
}

async function timestampOf(c: Consumer, version: number, signers: readonly Signer[]): Promise<Uint8Array> {
  const { simulator } = c
  const snapshot = metaFileOf(
    file(c, fileName('snapshot', simulator.snapshotVersion)),
    simulator.snapshotVersion,
  )
  return sign(newTimestamp({ version, expires: simulator.in(1), snapshot }), signers)
}

const endless = (response: ServerResponse): void => {
  const more = (): void => {
    while (!response.destroyed && response.write('x'.repeat(65536)));
    if (!response.destroyed) response.once('drain', more)
  }
  response.writeHead(200)
  more()
}

const TS = 'timestamp.json'
const ATTACKS: readonly Attack[] = [
  {
    attack: 'rollback of the timestamp',
    serve: async (c) => put(c, TS, await timestampOf(c, 1, c.simulator.signersOf('timestamp'))),
    code: 'ROLLBACK',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'rollback of the snapshot behind a newer timestamp',
    serve: (c) => {
      c.simulator.snapshotVersion = 1
      return c.simulator.nextTimestamp()
    },
    code: 'ROLLBACK',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'rollback of a role behind newer snapshot and timestamp',
    serve: (c) => republish(c, 3, [['targets', metaFileOf(file(c, '1.targets.json'), 1)]]),
    code: 'ROLLBACK',
    asked: `2.root.json ${TS} 3.snapshot.json`,
  },
  {
    attack: 'a role dropped from the snapshot',
    serve: (c) => republish(c, 3, []),
    code: 'ROLLBACK',
    asked: `2.root.json ${TS} 3.snapshot.json`,
  },
  {
    attack: 'freeze: the old timestamp for ever',
    serve: (c) => {
      c.simulator.clock.move(2 * DAY)
    },
    code: 'EXPIRED',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'freeze: fresh timestamp, old snapshot',
    serve: (c) => {
      c.simulator.clock.move(8 * DAY)
      return c.simulator.nextTimestamp()
    },
    code: 'EXPIRED',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'freeze: fresh snapshot, old targets',
    serve: async (c) => {
      c.simulator.clock.move(91 * DAY)
      await c.simulator.nextSnapshot()
      await c.simulator.nextTimestamp()
    },
    code: 'EXPIRED',
    asked: `2.root.json ${TS} 3.snapshot.json`,
  },
  {
    attack: 'freeze: everything fresh but the root',
    serve: (c) => {
      c.simulator.clock.move(366 * DAY)
    },
    code: 'EXPIRED',
    asked: '2.root.json',
  },
  {
    attack: 'mix and match: a signed snapshot that the timestamp does not name',
    serve: async (c) => {
      await c.simulator.nextSnapshot()
      await c.simulator.nextTimestamp()
      const other = newSnapshot({
        version: 3,
        expires: c.simulator.in(6),
        meta: new Map([['targets', metaFileOf(file(c, '2.targets.json'), 2)]]),
      })
      put(c, '3.snapshot.json', await sign(other, c.simulator.signersOf('snapshot')))
    },
    code: 'HASH_MISMATCH',
    asked: `2.root.json ${TS} 3.snapshot.json ${TS} 3.snapshot.json`,
  },
  {
    attack: 'altered bytes of a role',
    serve: async (c) => {
      c.simulator.edit('targets', (tree) => tree)
      await c.simulator.publish()
      put(c, '3.targets.json', Buffer.from(file(c, '3.targets.json')).toString().replace('2030', '2031'))
    },
    code: 'HASH_MISMATCH',
    asked: `2.root.json ${TS} 3.snapshot.json 3.targets.json ${TS} 3.targets.json`,
  },
  {
    attack: 'a role file withheld',
    serve: async (c) => {
      c.simulator.edit('targets', (tree) => tree)
      await c.simulator.publish()
      c.simulator.files.delete('3.targets.json')
    },
    code: 'ROLE_UNAVAILABLE',
    asked: `2.root.json ${TS} 3.snapshot.json 3.targets.json ${TS} 3.targets.json`,
  },
  {
    attack: 'the timestamp withheld',
    serve: (c) => c.simulator.files.delete(TS),
    code: 'ROLE_UNAVAILABLE',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'endless root',
    serve: (c) => c.instead.set('2.root.json', endless),
    code: 'METADATA_TOO_LARGE',
    asked: '2.root.json',
  },
  {
    attack: 'endless timestamp',
    serve: (c) => c.instead.set(TS, endless),
    code: 'METADATA_TOO_LARGE',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'endless snapshot',
    serve: async (c) => {
      await c.simulator.nextSnapshot()
      await c.simulator.nextTimestamp()
      c.instead.set('3.snapshot.json', endless)
    },
    code: 'METADATA_TOO_LARGE',
    asked: `2.root.json ${TS} 3.snapshot.json ${TS} 3.snapshot.json`,
  },
  {
    attack: 'wrong type: a snapshot as timestamp',
    serve: (c) => put(c, TS, file(c, '2.snapshot.json')),
    code: 'METADATA_WRONG_TYPE',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'wrong type: a login page',
    serve: (c) => put(c, TS, '<!doctype html><title>Sign in</title>'),
    code: 'METADATA_NOT_JSON',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'a member twice',
    serve: (c) => put(c, TS, Buffer.from(file(c, TS)).toString().replace('{', '{"signatures":[],')),
    code: 'METADATA_DUPLICATE_MEMBER',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'unsigned timestamp',
    serve: async (c) => put(c, TS, await timestampOf(c, 3, [])),
    code: 'SIGNATURE_THRESHOLD',
    asked: `2.root.json ${TS} 2.root.json ${TS}`,
  },
  {
    attack: "timestamp signed by somebody else's key",
    serve: async (c) => put(c, TS, await timestampOf(c, 3, [testSigner('mallory')])),
    code: 'SIGNATURE_THRESHOLD',
    asked: `2.root.json ${TS} 2.root.json ${TS}`,
  },
  {
    attack: 'fewer signatures than the threshold',
    serve: async (c) => {
      const [one] = c.simulator.signersOf('targets')
      c.simulator.signers.set('targets', one ? [one] : [])
      c.simulator.edit('targets', (tree) => tree)
      await c.simulator.publish()
    },
    code: 'SIGNATURE_THRESHOLD',
    asked: `2.root.json ${TS} 3.snapshot.json 3.targets.json 2.root.json ${TS}`,
  },
  {
    attack: 'a root that only the new keys signed',
    serve: (c) => {
      c.simulator.signers.set('root', [testSigner('mallory')])
      return c.simulator.nextRoot()
    },
    code: 'SIGNATURE_THRESHOLD',
    asked: '2.root.json',
  },
  {
    attack: 'root skipping: root 3 where root 2 was asked for',
    serve: async (c) => {
      await c.simulator.nextRoot()
      put(c, '2.root.json', await c.simulator.nextRoot())
    },
    code: 'VERSION_MISMATCH',
    asked: '2.root.json',
  },
  {
    attack: 'equivocation: another timestamp of the same version, validly signed',
    serve: async (c) => {
      c.simulator.clock.move(MINUTE)
      put(c, TS, await timestampOf(c, c.simulator.timestampVersion, c.simulator.signersOf('timestamp')))
    },
    code: 'EQUIVOCATION',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'a broken server',
    serve: (c) => c.instead.set(TS, (response) => response.writeHead(500).end()),
    code: 'UNREACHABLE',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'a redirect to another place',
    serve: (c) =>
      c.instead.set(TS, (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()),
    code: 'UNREACHABLE',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'an answer cut off',
    serve: (c) =>
      c.instead.set(TS, (response) => {
        response.writeHead(200, { 'content-length': 500 })
        response.write('{', () => response.destroy())
      }),
    code: 'UNREACHABLE',
    asked: `2.root.json ${TS}`,
  },
  {
    attack: 'slow retrieval: a byte now and then',
    serve: (c) =>
      c.instead.set(TS, (response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      }),
    code: 'UNREACHABLE',
    asked: `2.root.json ${TS}`,
  },
]

describe('attacks on a refresh', () => {
  let consumer: Consumer
  beforeEach(async () => {
    // Publication 2 is what the user has seen; publication 1 is what an attacker may still hold.
    consumer = await Consumer.open({
      keys: { targets: { count: 2, threshold: 2 } },
      prepare: async (simulator) => {
        simulator.edit('targets', (tree) => tree)
        await simulator.publish()
      },
    })
    await consumer.session().refresh()
  })
  afterEach(() => consumer.close())

  for (const { attack, serve, code, asked } of ATTACKS)
    it(`${attack}: ${code}, and nothing is trusted that was not`, async () => {
      await serve(consumer)
      const before = await consumer.trusted()
      const files = await consumer.asked(async () => {
        expect(await codeOf(() => consumer.session({ totalMs: 300 }).refresh())).to.equal(code)
      })
      expect(files.join(' ')).to.equal(asked)
      expect(await consumer.trusted()).to.deep.equal(before)
    })

  it('a revoked timestamp key: the old key no longer speaks', async () => {
    const old = consumer.simulator.signersOf('timestamp')
    consumer.simulator.signers.set('timestamp', [testSigner('new timestamp')])
    await consumer.simulator.nextRoot()
    put(consumer, TS, await timestampOf(consumer, 9, old))
    expect(await codeOf(() => consumer.session().refresh())).to.equal('SIGNATURE_THRESHOLD')
    // The new root was verified, so it stays; the floors do not move.
    expect(await readdir(join(consumer.trust, 'roots'))).to.have.members(['1.root.json', '2.root.json'])
    expect(await readdir(join(consumer.trust, 'floors'))).to.deep.equal(['1.json'])
  })

  it('a rollback after the cache was deleted: the floors hold', async () => {
    const old = await timestampOf(consumer, 1, consumer.simulator.signersOf('timestamp'))
    await rm(consumer.home.cache, { recursive: true })
    put(consumer, TS, old)
    expect(await codeOf(() => consumer.session().refresh())).to.equal('ROLLBACK')
  })

  it('a hostile cache: what has another hash is thrown away and fetched again', async () => {
    const names = await readdir(consumer.cache)
    expect(names).to.have.length(2)
    const [first = '', second = ''] = names
    await writeFile(join(consumer.cache, first), 'junk')
    await rm(join(consumer.cache, second))
    await mkdir(join(consumer.cache, second, 'folder'), { recursive: true })
    await consumer.session().refresh()
    await rm(join(consumer.cache, first))
    await symlink('/etc/passwd', join(consumer.cache, first))
    await consumer.session().refresh()
    expect(await consumer.asked(() => consumer.session().refresh())).to.deep.equal(['2.root.json', TS])
  })

  it('a cache that cannot be written costs nothing but time', async () => {
    await rm(consumer.home.cache, { recursive: true })
    await writeFile(consumer.home.cache, 'a file where the folder should be')
    await consumer.session().refresh()
  })
})
