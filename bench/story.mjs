// The steps of the story, each as one whole process: sign, upload and download beside starting Node; download also beside
// a bare tuf-js client of the same server. tuf-js fetches one target (the index); nv2 fetches index, image, SBoM and source.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  addNetmonitor,
  buildNetmonitor,
  foundRegistry,
  handOver,
  startRegistry,
} from '../test/dist/demo/cast.js'
import { Stage } from '../test/dist/demo/stage.js'
import { compare, emptyNode, wall } from './harness.mjs'

const nv2 = fileURLToPath(new URL('../packages/cli/bin/nv2.js', import.meta.url))
const tufJs = fileURLToPath(new URL('peers/tuf-js.mjs', import.meta.url))
const artifact = 'wabbit-networks/netmonitor'

export async function bench({ rounds }) {
  const stage = await Stage.open({ quiet: true })
  try {
    const scene = await set(stage)
    return [
      await compare('nv2 sign, one more tag', [signing(scene), emptyNode()], rounds),
      await compare('nv2 upload, one more tag', [uploading(scene), emptyNode()], rounds),
      await compare('nv2 download, cold', [cold(scene), coldPeer(scene), emptyNode()], rounds),
      await compare('nv2 download, warm', [warm(scene), warmPeer(scene), emptyNode()], rounds),
    ]
  } finally {
    await stage.close()
  }
}

/** Registry, publisher and one published artifact, as in the first three acts of the story. */
async function set(stage) {
  const registry = await foundRegistry(stage, 'public')
  const server = await startRegistry(stage, registry, '0')
  const wabbit = await stage.actor('wabbit')
  const out = await buildNetmonitor(stage, wabbit, '1.0.0')
  for (const key of ['wabbit-targets', 'wabbit-networks-key']) await stage.nv2(wabbit, 'key', 'generate', key)
  await handOver(stage, wabbit, registry.operator, 'wabbit-targets')
  const trust = ['registry', 'add', 'public', server.url, '--root', registry.root]
  await stage.nv2(registry.operator, ...trust)
  const to = ['wabbit-networks', '--key', 'wabbit-targets', '--path', 'wabbit-networks/*']
  await stage.nv2(registry.operator, 'delegate', 'targets', ...to)
  await stage.nv2(registry.operator, 'upload', '--repo', 'public', '--wait')
  await stage.nv2(wabbit, ...trust, '--namespace', 'wabbit-networks')
  const path = ['--key', 'wabbit-networks-key', '--path', artifact]
  await stage.nv2(wabbit, 'delegate', 'wabbit-networks', artifact, ...path)
  await addNetmonitor(stage, wabbit, 'netmonitor', out)
  await stage.nv2(wabbit, 'sign', 'netmonitor', 'wabbit-networks-key')
  await stage.nv2(wabbit, 'upload', 'netmonitor', '--wait')
  return { stage, server, registry, wabbit, out, trust: [...trust, '--namespace', 'wabbit-networks'] }
}

function signing({ stage, wabbit, out }) {
  const run = async (round) => {
    const name = `netmonitor:signed-${round + 1}`
    await addNetmonitor(stage, wabbit, name, out)
    return timed(wabbit, 'sign', name, 'wabbit-networks-key')
  }
  return { name: 'nv2 sign', run }
}

function uploading({ stage, wabbit, out }) {
  const run = async (round) => {
    const name = `netmonitor:uploaded-${round + 1}`
    await addNetmonitor(stage, wabbit, name, out)
    await stage.nv2(wabbit, 'sign', name, 'wabbit-networks-key')
    return timed(wabbit, 'upload', name)
  }
  return { name: 'nv2 upload', run }
}

/** A consumer who has only the root. */
function cold({ stage, trust }) {
  const run = async (round) => {
    const user = await stage.actor(`cold-${round + 1}`)
    await stage.nv2(user, ...trust)
    return timed(user, 'download', 'netmonitor', '--output', join(user.folder, 'out'))
  }
  return { name: 'nv2 download', run }
}

/** The same consumer again: nothing new to fetch but the timestamp. */
function warm({ stage, trust }) {
  let user
  const run = async (round) => {
    if (!user) {
      user = await stage.actor('warm')
      await stage.nv2(user, ...trust)
      await stage.nv2(user, 'download', 'netmonitor', '--output', join(user.folder, 'first'))
    }
    return timed(user, 'download', 'netmonitor', '--output', join(user.folder, `out-${round + 1}`))
  }
  return { name: 'nv2 download', run }
}

const peer = ({ server, registry }, folder) =>
  wall(process.execPath, [tufJs, `${server.url}/tuf/public`, registry.root, folder, `${artifact}:latest`])

function coldPeer(scene) {
  return {
    name: 'tuf-js',
    goal: 0.42,
    run: (round) => peer(scene, join(scene.stage.folder, `peer-${round + 1}`)),
  }
}

function warmPeer(scene) {
  return { name: 'tuf-js', goal: 0.4, run: () => peer(scene, join(scene.stage.folder, 'peer-warm')) }
}

function timed(actor, ...words) {
  const env = {
    PATH: process.env.PATH,
    NV2_HOME: actor.home,
    NV2_PASSPHRASE: `the passphrase of ${actor.name}`,
    NO_COLOR: '1',
  }
  return wall(process.execPath, [nv2, ...words], { env, cwd: actor.folder })
}
