import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { addNetmonitor, buildNetmonitor, portOf, startRegistry } from './cast.js'
import { Mishap, type Actor, type Stage } from './stage.js'
import type { Cast } from './story.js'

/** Four attacks on the private registry; before each, the same command succeeds. */
export async function playRefusals(stage: Stage, cast: Cast): Promise<void> {
  await alteredBlob(stage, cast)
  await signedByWabbitAlone(stage, cast)
  await revokedKey(stage, cast)
  await frozenRegistry(stage, cast)
}

/** A user with an empty store, so that every byte must come from the registry. */
async function freshUser(stage: Stage, cast: Cast, name: string): Promise<Actor> {
  const user = await stage.actor(name)
  const add = ['registry', 'add', 'acme', cast.privateServer.url, '--root', cast.privateRegistry.root]
  await stage.ask(user, ...add, '--namespace', 'wabbit-networks')
  return user
}

async function alteredBlob(stage: Stage, cast: Cast): Promise<void> {
  stage.title('6a. A blob is altered in the registry')
  const first = await freshUser(stage, cast, 'user-2')
  await stage.nv2(first, 'download', 'netmonitor')
  const file = await largestBlob(join(cast.privateRegistry.data, 'registry'))
  const bytes = await readFile(file)
  const altered = Buffer.from(bytes)
  altered[600] = (altered[600] ?? 0) ^ 1
  await writeFile(file, altered)
  stage.say('\n    (one bit of the largest blob is flipped on the registry’s disk)')
  const second = await freshUser(stage, cast, 'user-3')
  await stage.refused(second, ['download', 'netmonitor'], 'DIGEST_MISMATCH', 2)
  await writeFile(file, bytes)
}

async function largestBlob(folder: string): Promise<string> {
  let found = { path: '', size: 0 }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/^[0-9a-f]{64}/.test(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    const { length } = await readFile(path)
    if (length > found.size) found = { path, size: length }
  }
  if (found.size === 0) throw new Mishap(`no blob below ${folder}`)
  return found.path
}

async function signedByWabbitAlone(stage: Stage, cast: Cast): Promise<void> {
  const { acme, user, wabbit } = cast
  stage.title('6b. Wabbit releases again; ACME copies it without its own signature')
  await stage.nv2(user, 'download', 'netmonitor')
  const again = await startRegistry(stage, cast.publicRegistry, portOf(cast.publicServer))
  const out = await buildNetmonitor(stage, wabbit, '2.0.0')
  await addNetmonitor(stage, wabbit, 'netmonitor', out)
  await stage.nv2(wabbit, 'sign', 'netmonitor', 'wabbit-networks-key')
  await stage.nv2(wabbit, 'upload', 'netmonitor', '--wait')
  await stage.nv2(acme, 'download', 'netmonitor')
  await stage.nv2(acme, 'upload', 'netmonitor', '--wait')
  await stage.refused(user, ['download', 'netmonitor'], 'NO_CONSENSUS', 2)
  await stage.nv2(acme, 'sign', 'netmonitor', 'acme-rockets-key')
  await stage.nv2(acme, 'upload', 'netmonitor', '--wait')
  await again.stop()
}

async function revokedKey(stage: Stage, cast: Cast): Promise<void> {
  const { acme, user } = cast
  stage.title('6c. ACME revokes the key that signed')
  await stage.nv2(user, 'download', 'netmonitor')
  await stage.nv2(acme, 'key', 'generate', 'acme-rockets-key-2')
  await stage.nv2(
    acme,
    ...['revoke', 'targets', 'acme-rockets/netmonitor', '--repo', 'acme-rockets'],
    ...['--key', 'acme-rockets-key', '--replace', 'acme-rockets-key-2'],
  )
  await stage.nv2(acme, 'upload', '--repo', 'acme-rockets', '--wait')
  await stage.refused(user, ['download', 'netmonitor'], 'SIGNATURE_THRESHOLD', 2)
  await stage.nv2(acme, 'sign', 'netmonitor', 'acme-rockets-key-2')
  await stage.nv2(acme, 'upload', 'netmonitor', '--wait')
}

async function frozenRegistry(stage: Stage, cast: Cast): Promise<void> {
  const { user, privateRegistry: registry } = cast
  stage.title('6d. The registry is frozen: nobody renews the timestamp any more')
  await cast.privateServer.stop()
  const life = ['--timestamp-life', '15s']
  await stage.nv2(
    registry.host,
    ...['publish', '--data', registry.data, '--repo', `${registry.name}=${registry.root}`],
    ...['--keys', join(registry.host.home, 'keys'), ...life],
  )
  const frozen = await startRegistry(
    stage,
    registry,
    portOf(cast.privateServer),
    '--interval',
    'off',
    ...life,
  )
  await stage.nv2(user, 'download', 'netmonitor')
  stage.say('\n    (fifteen seconds pass)')
  await sleep(15_500)
  await stage.refused(user, ['download', 'netmonitor'], 'EXPIRED', 2)
  await frozen.stop()
}
