import { join } from 'node:path'
import { Mishap, REPOSITORY, type Actor, type Server, type Stage } from './stage.js'

/** A registry: who runs it, on which host, and the root that consumers pin. */
export interface Registry {
  readonly name: string
  readonly operator: Actor
  /** The machine that holds the online keys, and never the others. */
  readonly host: Actor
  readonly root: string
  readonly data: string
}

/** Root and targets keys with the operator, snapshot and timestamp keys on the host that serves. */
export async function foundRegistry(stage: Stage, name: string): Promise<Registry> {
  const operator = await stage.actor(`${name}-operator`)
  const host = await stage.actor(`${name}-host`)
  for (const key of [`${name}-root`, `${name}-targets`]) await stage.nv2(operator, 'key', 'generate', key)
  for (const role of ['snapshot', 'timestamp']) {
    const key = `${name}-${role}`
    await stage.nv2(host, 'key', 'generate', key)
    await handOver(stage, host, operator, key)
  }
  const { stdout } = await stage.nv2(
    operator,
    ...['repo', 'init', name],
    ...['--root-key', `${name}-root`, '--root-threshold', '1'],
    ...['--targets-key', `${name}-targets`, '--targets-threshold', '1'],
    ...['--snapshot-key', `${name}-snapshot`, '--timestamp-key', `${name}-timestamp`],
  )
  const root = /(\S+1\.root\.json)/.exec(stdout)?.[1]
  if (root === undefined) throw new Mishap('repo init did not say where the root file is')
  return { name, operator, host, root, data: join(host.folder, 'data') }
}

/** The public half of a key goes from one to the other as a file. */
export async function handOver(stage: Stage, from: Actor, to: Actor, key: string): Promise<void> {
  const file = join(to.folder, `${key}.pub`)
  await stage.nv2Into(from, file, 'key', 'export', key, '--public')
  await stage.nv2(to, 'key', 'import', file)
}

export async function startRegistry(
  stage: Stage,
  registry: Registry,
  port: string,
  ...more: string[]
): Promise<Server> {
  const { name, host, root, data } = registry
  const server = await stage.serve(
    host,
    ...['serve', '--data', data, '--port', port, '--repo', `${name}=${root}`],
    ...['--keys', join(host.home, 'keys')],
    ...(more.length > 0 ? more : ['--interval', '1s']),
  )
  return server
}

/** The port of a server that was stopped, so that it comes back where its users look for it. */
export function portOf(server: Server): string {
  return new URL(server.url).port
}

/** Builds the sample application as its publisher would: image, SBoM and source. */
export async function buildNetmonitor(stage: Stage, actor: Actor, version: string): Promise<string> {
  const out = join(actor.folder, `netmonitor-${version}`)
  await stage.node(
    actor,
    `node fixtures/netmonitor/build.mjs netmonitor-${version} --version ${version}`,
    ...[join(REPOSITORY, 'fixtures/netmonitor/build.mjs'), out, '--version', version],
  )
  return out
}

export async function addNetmonitor(stage: Stage, actor: Actor, name: string, out: string): Promise<void> {
  await stage.nv2(
    actor,
    ...['add', name, '--image', join(out, 'image')],
    ...['--sbom', join(out, 'netmonitor.spdx.json'), '--source', join(out, 'netmonitor-src.tar')],
  )
}
