import { cp, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  DAY,
  FakeClock,
  fileList,
  removeDir,
  RepositorySimulator,
  serveSimulator,
  tempDir,
  testSigner,
  type TestServer,
} from '@nv2/testkit'
import { roleKeys, type Delegation } from '@nv2/tuf'
import { REPOSITORY } from './demo/stage.js'
import { nv2, type Ended } from './program.js'

/** The development keys' own, published in repo-keys/README.md. */
const PASS = { NV2_PASSPHRASE: 'not secret' }

/** A user's home, and a registry that says what the test wants. */
interface World {
  readonly home: string
  readonly simulator: RepositorySimulator
  readonly server: TestServer
}

const KEY = 'wabbit-networks-key'
const wabbit: Delegation = {
  name: 'wabbit',
  paths: { kind: 'paths', patterns: ['wabbit-networks/*'] },
  terminating: false,
  votes: [{ role: 'wabbit', keys: roleKeys([testSigner('wabbit').key], 1) }],
  minAgreement: 1,
  multi: false,
}

interface Row {
  readonly name: string
  readonly prepare?: (world: World) => Promise<unknown>
  readonly words: (world: World) => readonly string[]
  readonly env?: Record<string, string>
  readonly code: string
  readonly status: number
  readonly says: RegExp
  /** The top of the tree was good: what the user has seen of it is remembered. */
  readonly raisesFloors?: boolean
}

const download = (): readonly string[] => ['download', 'netmonitor']
const serve = (file: string, bytes: Uint8Array) => (world: World) => {
  world.simulator.files.set(file, bytes)
  return Promise.resolve()
}
const trust = async ({ home, simulator, server }: World): Promise<void> => {
  await writeFile(join(home, 'root.json'), simulator.files.get('1.root.json') ?? '')
  await good(home, [
    'registry',
    'add',
    'public',
    server.url,
    '--root',
    'root.json',
    '--namespace',
    'wabbit-networks',
  ])
}
const delegated = async ({ home }: World): Promise<void> => {
  await cp(join(REPOSITORY, 'repo-keys/wabbit'), join(home, 'nv2/keys'), { recursive: true })
  await good(home, ['delegate', 'wabbit', 'wabbit/n', '--key', KEY, '--path', 'wabbit-networks/netmonitor'])
}
const added = async (world: World, name: string): Promise<void> => {
  await writeFile(join(world.home, 'notes.txt'), 'notes')
  await good(world.home, ['add', name, '--file', 'notes.txt=text/plain'])
}

async function good(home: string, words: readonly string[]): Promise<Ended> {
  const ended = await nv2(home, words, PASS)
  expect(ended.status, `nv2 ${words.join(' ')}: ${ended.stderr}`).to.equal(0)
  return ended
}

const rows: readonly Row[] = [
  { name: 'no root configured', words: download, code: 'NO_ROOT', status: 1, says: /registry add/ },
  {
    name: 'a registry without a root of trust',
    words: ({ server }) => ['registry', 'add', 'public', server.url],
    code: 'NO_ROOT',
    status: 1,
    says: /--root/,
  },
  {
    name: 'a wrong passphrase',
    prepare: async (world) => {
      await delegated(world)
      await added(world, 'wabbit-networks/netmonitor')
    },
    words: () => ['sign', 'netmonitor', KEY],
    env: { NV2_PASSPHRASE: 'wrong' },
    code: 'WRONG_PASSPHRASE',
    status: 1,
    says: /wabbit-networks-key/,
  },
  {
    name: 'a key that is not delegated for that path',
    prepare: async (world) => {
      await delegated(world)
      await added(world, 'wabbit-networks/other')
    },
    words: () => ['sign', 'wabbit-networks/other', KEY],
    env: PASS,
    code: 'KEY_NOT_DELEGATED',
    status: 2,
    says: /wabbit-networks\/other/,
  },
  {
    name: 'a name that is not in the store',
    prepare: delegated,
    words: () => ['sign', 'netmonitor', KEY],
    env: PASS,
    code: 'NAME_NOT_FOUND',
    status: 3,
    says: /nv2 list/,
  },
  {
    name: 'a name that is two names',
    prepare: async (world) => {
      await delegated(world)
      await added(world, 'one/netmonitor')
      await added(world, 'two/netmonitor')
    },
    words: () => ['sign', 'netmonitor', KEY],
    env: PASS,
    code: 'NAME_AMBIGUOUS',
    status: 1,
    says: /one\/netmonitor:latest.*two\/netmonitor:latest/,
  },
  {
    name: 'a name that nobody has signed',
    raisesFloors: true,
    prepare: trust,
    words: download,
    code: 'TARGET_NOT_FOUND',
    status: 3,
    says: /wabbit-networks\/netmonitor:latest/,
  },
  {
    name: 'a registry that is switched off',
    prepare: async (world) => {
      await trust(world)
      await world.server.close()
    },
    words: download,
    code: 'UNREACHABLE',
    status: 5,
    says: /127\.0\.0\.1/,
  },
  {
    name: 'metadata larger than it may be',
    prepare: async (world) => {
      await trust(world)
      await serve('timestamp.json', Buffer.alloc(1_000_000, 0x20))(world)
    },
    words: download,
    code: 'METADATA_TOO_LARGE',
    status: 2,
    says: /16384/,
  },
  {
    name: 'metadata that is not JSON',
    prepare: async (world) => {
      await trust(world)
      await serve('timestamp.json', Buffer.from('<html>'))(world)
    },
    words: download,
    code: 'METADATA_NOT_JSON',
    status: 2,
    says: /timestamp/,
  },
  {
    name: 'metadata with a member twice',
    prepare: async (world) => {
      await trust(world)
      await serve('timestamp.json', Buffer.from('{"signed":{},"signed":{}}'))(world)
    },
    words: download,
    code: 'METADATA_DUPLICATE_MEMBER',
    status: 2,
    says: /"signed" twice/,
  },
  {
    name: 'a snapshot served as timestamp',
    prepare: async (world) => {
      await trust(world)
      await serve('timestamp.json', world.simulator.files.get('1.snapshot.json') ?? Buffer.alloc(0))(world)
    },
    words: download,
    code: 'METADATA_WRONG_TYPE',
    status: 2,
    says: /snapshot/,
  },
  {
    name: 'an expired role',
    raisesFloors: true,
    prepare: async (world) => {
      const { simulator } = world
      simulator.delegate('targets', wabbit)
      simulator.signers.set('wabbit', [testSigner('wabbit')])
      simulator.edit('wabbit', (tree) => tree, new Date(simulator.clock.now().getTime() - 2 * DAY))
      await simulator.publish()
      await trust(world)
    },
    words: download,
    code: 'EXPIRED',
    status: 2,
    says: /wabbit expired 2 days ago/,
  },
  {
    name: 'a role signed by another key',
    raisesFloors: true,
    prepare: async (world) => {
      const { simulator } = world
      simulator.delegate('targets', wabbit)
      simulator.signers.set('wabbit', [testSigner('somebody else')])
      simulator.edit('wabbit', (tree) => tree)
      await simulator.publish()
      await trust(world)
    },
    words: download,
    code: 'SIGNATURE_THRESHOLD',
    status: 2,
    says: /0 of 1/,
  },
  {
    name: 'a half-written local store',
    prepare: async (world) => {
      await added(world, 'wabbit-networks/netmonitor')
      await truncate(join(world.home, 'nv2/store/index.json'), 20)
    },
    words: () => ['list'],
    code: 'LAYOUT_INVALID',
    status: 6,
    says: /index\.json/,
  },
  {
    name: 'a half-written draft',
    prepare: async (world) => {
      await delegated(world)
      const draft = join(world.home, 'nv2/repos/_unbound/drafts/wabbit/1.json')
      await writeFile(draft, (await readFile(draft)).subarray(0, 40))
    },
    words: () => ['delegate', 'wabbit', 'wabbit/m', '--key', 'wabbit-targets', '--path', 'wabbit-networks/m'],
    env: PASS,
    code: 'HOME_BROKEN',
    status: 6,
    says: /1\.json/,
  },
  {
    name: 'R* as a pattern',
    prepare: delegated,
    words: () => [
      'delegate',
      'wabbit',
      'wabbit/m',
      '--key',
      'wabbit-targets',
      '--path',
      'wabbit-networks/m*',
    ],
    env: PASS,
    code: 'BAD_PATTERN',
    status: 1,
    says: /wabbit-networks\/m:\*/,
  },
  {
    name: 'one key for two roles',
    prepare: delegated,
    words: () => ['delegate', 'wabbit', 'wabbit/m', '--key', KEY, '--path', 'wabbit-networks/m'],
    env: PASS,
    code: 'KEY_SHARED',
    status: 1,
    says: /wabbit-networks-key/,
  },
  {
    name: 'a configuration that somebody broke',
    prepare: async ({ home }) => {
      await mkdir(join(home, 'nv2'), { recursive: true })
      await writeFile(join(home, 'nv2/config.json'), '{"version":1,"registries":[{"name":7}]}')
    },
    words: download,
    code: 'HOME_BROKEN',
    status: 6,
    says: /config\.json/,
  },
]

describe('bad input: a stable code, an exit status, nothing written', () => {
  for (const row of rows)
    it(row.name, async () => {
      const home = await tempDir('bad-input')
      const simulator = await RepositorySimulator.create({ clock: new FakeClock(new Date()) })
      const world = { home, simulator, server: await serveSimulator(simulator, 'public') }
      try {
        await row.prepare?.(world)
        const before = await fileList(home)
        const { status, stdout, stderr } = await nv2(home, row.words(world), row.env)
        expect(stderr).to.include(`(${row.code})`)
        expect(status, stderr).to.equal(row.status)
        expect(stderr).to.match(row.says)
        expect(stderr).not.to.match(/\n\s+at |TypeError/)
        expect(stdout).to.equal('')
        // Roots are kept as soon as they are verified, and the cache is not trusted.
        const may = row.raisesFloors ? /[/](?:cache|roots|floors)[/]/ : /[/](?:cache|roots)[/]/
        const kept = (files: Map<string, string>) => [...files].filter(([path]) => !may.test(`/${path}`))
        expect(kept(await fileList(home))).to.deep.equal(kept(before))
        const json = await nv2(home, [...row.words(world), '--json'], row.env)
        expect((JSON.parse(json.stdout) as { error: { code: string } }).error.code).to.equal(row.code)
      } finally {
        await world.server.close().catch(() => undefined)
        await removeDir(home)
      }
    }).timeout(30_000)
})
