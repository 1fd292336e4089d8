import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  addNetmonitor,
  buildNetmonitor,
  foundRegistry,
  handOver,
  startRegistry,
  type Registry,
} from './cast.js'
import { runImage } from './image.js'
import { playRefusals } from './refusals.js'
import { Mishap, type Actor, type Server, type Stage } from './stage.js'

/** Who is on stage once the story is told: what the refusals go on from. */
export interface Cast {
  readonly wabbit: Actor
  readonly acme: Actor
  readonly user: Actor
  readonly publicRegistry: Registry
  readonly privateRegistry: Registry
  readonly publicServer: Server
  readonly privateServer: Server
}

const ROLE = 'wabbit-networks/netmonitor'

/** The story of cli.md: Wabbit -> public registry -> ACME -> private registry -> a user who trusts only ACME. */
export async function playStory(stage: Stage): Promise<void> {
  const wabbit = await wabbitSigns(stage)

  stage.title('2. The registries: root and targets keys stay with the operators, online keys with the hosts')
  const publicRegistry = await foundRegistry(stage, 'public')
  const privateRegistry = await foundRegistry(stage, 'acme-rockets')

  stage.title('3. Two registries start; the public one delegates to Wabbit; Wabbit uploads')
  const publicServer = await startRegistry(stage, publicRegistry, '0')
  const privateServer = await startRegistry(stage, privateRegistry, '0')
  await openPublicRegistry(stage, publicRegistry, publicServer, wabbit)
  const trustPublic = ['registry', 'add', 'public', publicServer.url, '--root', publicRegistry.root]
  await stage.nv2(wabbit, ...trustPublic, '--namespace', 'wabbit-networks')
  await stage.nv2(wabbit, 'upload', 'netmonitor', '--wait')

  stage.title('4. ACME Rockets downloads, verifies, signs and uploads to its own registry')
  const acme = privateRegistry.operator
  await stage.nv2(acme, 'key', 'generate', 'acme-rockets-key')
  await stage.nv2(acme, ...trustPublic, '--namespace', 'wabbit-networks', '--default-download')
  await stage.nv2(
    acme,
    ...['registry', 'add', 'private', privateServer.url, '--root', privateRegistry.root],
    ...['--namespace', 'wabbit-networks', '--default-upload'],
  )
  await stage.nv2(acme, 'upload', '--repo', 'acme-rockets', '--wait')
  await stage.nv2(acme, 'download', 'netmonitor')
  await stage.nv2(acme, 'key', 'import', '--from', 'public', ROLE)
  await stage.nv2(
    acme,
    ...['delegate', 'targets', '--repo', 'acme-rockets'],
    ...['--all-of', `${ROLE}=${ROLE}`, '--all-of', 'acme-rockets/netmonitor=acme-rockets-key'],
    ...['--path', 'wabbit-networks/netmonitor'],
  )
  await stage.nv2(acme, 'sign', 'netmonitor', 'acme-rockets-key')
  await stage.nv2(acme, 'upload', 'netmonitor', '--wait')
  await sameRoleFile(stage, acme, publicServer, privateServer)

  stage.title('5. The public registry is switched off; a user who holds only ACME’s root downloads')
  await publicServer.stop()
  const user = await stage.actor('user')
  await stage.nv2(
    user,
    ...['registry', 'add', 'acme', privateServer.url, '--root', privateRegistry.root],
    ...['--namespace', 'wabbit-networks'],
  )
  await stage.nv2(user, 'download', 'netmonitor', '--output', join(user.folder, 'netmonitor'))
  stage.say(`    files: ${(await readdir(join(user.folder, 'netmonitor'))).sort().join(', ')}`)
  const image = join(user.folder, 'netmonitor', 'netmonitor')
  const parts = (await readdir(image)).sort().join()
  if (parts !== 'blobs,index.json,oci-layout') throw new Mishap(`the image layout holds ${parts}`)
  await runImage(stage, user, image)

  await playRefusals(stage, {
    wabbit,
    acme,
    user,
    publicRegistry,
    privateRegistry,
    publicServer,
    privateServer,
  })
}

async function wabbitSigns(stage: Stage): Promise<Actor> {
  stage.title('1. Wabbit Networks builds netmonitor and signs it: no registry is up yet')
  const wabbit = await stage.actor('wabbit')
  const out = await buildNetmonitor(stage, wabbit, '1.0.0')
  await stage.nv2(wabbit, 'key', 'generate', 'wabbit-targets')
  await stage.nv2(wabbit, 'key', 'generate', 'wabbit-networks-key')
  await stage.nv2(
    wabbit,
    ...['delegate', 'wabbit-networks', ROLE, '--key', 'wabbit-networks-key'],
    ...['--path', 'wabbit-networks/netmonitor'],
  )
  await addNetmonitor(stage, wabbit, 'netmonitor', out)
  await stage.nv2(wabbit, 'sign', 'netmonitor', 'wabbit-networks-key')
  return wabbit
}

async function openPublicRegistry(
  stage: Stage,
  registry: Registry,
  server: Server,
  wabbit: Actor,
): Promise<void> {
  const { operator } = registry
  await stage.nv2(operator, 'registry', 'add', 'public', server.url, '--root', registry.root)
  await stage.nv2(operator, 'upload', '--repo', 'public', '--wait')
  await handOver(stage, wabbit, operator, 'wabbit-targets')
  await stage.nv2(
    operator,
    ...['delegate', 'targets', 'wabbit-networks', '--key', 'wabbit-targets', '--path', 'wabbit-networks/*'],
  )
  await stage.nv2(operator, 'upload', '--repo', 'public', '--wait')
}

/** Wabbit’s role file is the same, byte for byte, in both registries; the role between it and the top is in one alone. */
async function sameRoleFile(stage: Stage, acme: Actor, from: Server, to: Server): Promise<void> {
  const file = async (server: Server, repository: string): Promise<string> => {
    const url = `${server.url}/tuf/${repository}/metadata/1.${encodeURIComponent(ROLE)}.json`
    const answer = await fetch(url)
    if (!answer.ok) throw new Mishap(`${url} answered ${answer.status}`)
    return answer.text()
  }
  const [origin, copy] = [await file(from, 'public'), await file(to, 'acme-rockets')]
  if (origin !== copy) throw new Mishap('Wabbit’s role file changed on its way')
  const between = await fetch(`${to.url}/tuf/acme-rockets/metadata/1.wabbit-networks.json`)
  if (between.status !== 404)
    throw new Mishap(`the private registry also has Wabbit’s upper role (${between.status})`)
  stage.say(`    ${acme.name}: ${ROLE} is the same ${origin.length} bytes in both registries`)
}
