import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { duration } from '../duration.js'
import {
  createService,
  parseTokens,
  Repository,
  type Service,
  type ServiceEvent,
  type ServiceOptions,
} from '@nv2/service'
import { readFile } from 'node:fs/promises'
import { FileStore, MemoryStore } from '@nv2/store'
import { usage } from '../errors.js'
import { hosted, type Hosted } from './hosted.js'
import { onlineSigners } from './online-signers.js'

/** Options of `serve` and `publish`. */
export interface PlaceOptions {
  readonly data: string
  readonly repo: readonly string[]
  readonly keys: string
  readonly snapshotLife: string
  readonly timestampLife: string
  readonly tokens?: string
}

export interface OpenOptions {
  readonly interval: ServiceOptions['interval']
  readonly content: ServiceOptions['content']
}

/** Reads roots, keys and stores and opens the service. What would stop it is found before anything is written. */
export async function openService(
  context: Context,
  place: PlaceOptions,
  options: OpenOptions,
): Promise<Service> {
  const lives = {
    snapshotLife: duration(place.snapshotLife, '--snapshot-life'),
    timestampLife: duration(place.timestampLife, '--timestamp-life'),
  }
  const tokens = place.tokens === undefined ? [] : parseTokens(await readTokens(place.tokens))
  const repositories = await hosted(place.repo)
  const signers = await onlineSigners(place.keys, repositories, context)
  // On paper first: a root that cannot be served leaves no folder behind.
  for (const one of repositories)
    if (!(await exists(folderOf(place, one))))
      await Repository.open({ ...one, store: new MemoryStore(), signers })
  const stored: { name: string; rootBytes: Uint8Array; store: FileStore }[] = []
  for (const one of repositories) stored.push({ ...one, store: await FileStore.open(folderOf(place, one)) })
  return createService({ ...options, ...lives, tokens, signers, repositories: stored, log: logTo(context) })
}

/** All metadata of one repository. */
function folderOf({ data }: PlaceOptions, { name }: Hosted): string {
  return join(data, 'tuf', name)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function readTokens(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw usage(`--tokens ${path} cannot be read: ${cause.message}`)
  })
}

/** One line for each publication; a failure is told when it begins or changes, not at every tick. */
function logTo({ out }: Context): (event: ServiceEvent) => void {
  const told = new Map<string, string>()
  return (event) => {
    if (event.event === 'failed') {
      const message = event.error instanceof Error ? event.error.message : String(event.error)
      if (told.get(event.repository) !== message) out.warn(`${event.repository}: ${message}`)
      told.set(event.repository, message)
      return
    }
    const { repository, report } = event
    told.delete(repository)
    for (const { state, reason, roles } of report.settled)
      if (state === 'rejected')
        out.warn(
          `${repository}: rejected ${roles.map(({ role }) => role).join(', ')}: ${reason ?? 'no reason given'}`,
        )
    if (report.timestamp !== null) out.line(`published ${repository} timestamp ${report.timestamp}`)
  }
}
