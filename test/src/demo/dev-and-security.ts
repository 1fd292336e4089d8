import { addNetmonitor, buildNetmonitor, foundRegistry, handOver, startRegistry } from './cast.js'
import type { Actor, Stage } from './stage.js'

const DEV = 'wabbit-networks/netmonitor-dev'
const SECURITY = 'wabbit-networks/security'

/** The last paragraph of seed 000: Wabbit’s dev and security teams must agree, in a TAP 3 delegation below the top level. */
export async function playDevAndSecurity(stage: Stage): Promise<void> {
  stage.title('1. A public registry that delegates to Wabbit')
  const registry = await foundRegistry(stage, 'public')
  const server = await startRegistry(stage, registry, '0')
  const { operator } = registry
  const trust = ['registry', 'add', 'public', server.url, '--root', registry.root]
  await stage.nv2(operator, ...trust)
  await stage.nv2(operator, 'upload', '--repo', 'public', '--wait')
  const wabbit = await stage.actor('wabbit')
  await stage.nv2(wabbit, 'key', 'generate', 'wabbit-targets')
  await handOver(stage, wabbit, operator, 'wabbit-targets')
  await stage.nv2(
    operator,
    ...['delegate', 'targets', 'wabbit-networks', '--key', 'wabbit-targets', '--path', 'wabbit-networks/*'],
  )
  await stage.nv2(operator, 'upload', '--repo', 'public', '--wait')

  stage.title('2. Wabbit’s release manager: dev and security must both sign netmonitor')
  const dev = await team(stage, 'dev', trust)
  const security = await team(stage, 'security', trust)
  await handOver(stage, dev, wabbit, 'dev-key')
  await handOver(stage, security, wabbit, 'security-key')
  await stage.nv2(wabbit, ...trust, '--namespace', 'wabbit-networks')
  await stage.nv2(
    wabbit,
    ...['delegate', 'wabbit-networks', '--all-of', `${DEV}=dev-key`, '--all-of', `${SECURITY}=security-key`],
    ...['--path', 'wabbit-networks/netmonitor'],
  )
  await stage.nv2(wabbit, 'upload', '--repo', 'public', '--wait')

  stage.title('3. Dev alone: refused')
  const user = await stage.actor('user')
  await stage.nv2(user, ...trust, '--namespace', 'wabbit-networks')
  await releaseBy(stage, dev, 'dev-key', '1.0.0')
  await stage.refused(user, ['download', 'netmonitor'], 'ROLE_UNAVAILABLE', 2)

  stage.title('4. Security builds the same source, finds the same digests and signs: both together pass')
  await releaseBy(stage, security, 'security-key', '1.0.0')
  await stage.nv2(user, 'download', 'netmonitor')

  stage.title('5. Dev signs another build under the same tag: they disagree, refused')
  await releaseBy(stage, dev, 'dev-key', '2.0.0')
  await stage.refused(user, ['download', 'netmonitor'], 'NO_CONSENSUS', 2)

  stage.title('6. Security signs that build too: both together pass again')
  await releaseBy(stage, security, 'security-key', '2.0.0')
  await stage.nv2(user, 'download', 'netmonitor')
}

async function team(stage: Stage, name: string, trust: readonly string[]): Promise<Actor> {
  const actor = await stage.actor(name)
  await stage.nv2(actor, 'key', 'generate', `${name}-key`)
  await stage.nv2(actor, ...trust, '--namespace', 'wabbit-networks')
  return actor
}

async function releaseBy(stage: Stage, actor: Actor, key: string, version: string): Promise<void> {
  await addNetmonitor(stage, actor, 'netmonitor', await buildNetmonitor(stage, actor, version))
  await stage.nv2(actor, 'sign', 'netmonitor', key)
  await stage.nv2(actor, 'upload', 'netmonitor', '--wait')
}
