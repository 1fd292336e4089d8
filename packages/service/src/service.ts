import type { Express } from 'express'
import type { MetadataStore } from '@nv2/store'
import type { Signer } from '@nv2/tuf'
import { systemClock, type Clock } from './clock.js'
import { ServiceError } from './errors.js'
import { httpApp } from './http.js'
import type { TokenRight } from './proof.js'
import type { Content } from './read-path.js'
import { Repository, type PublishReport } from './repository.js'
import { Timer } from './timer.js'

export interface ServiceOptions {
  readonly repositories: readonly {
    readonly name: string
    readonly rootBytes: Uint8Array
    readonly store: MetadataStore
  }[]
  /** Snapshot and timestamp keys only; matched to each repository's root by public key. */
  readonly signers: readonly Signer[]
  /** Milliseconds between publications; `off`: only `publish()` publishes. */
  readonly interval: number | 'off'
  readonly content: Content
  readonly clock?: Clock
  /** Milliseconds; 7 days by default. */
  readonly snapshotLife?: number
  /** Milliseconds; 1 day by default. */
  readonly timestampLife?: number
  readonly tokens?: readonly TokenRight[]
  readonly log?: (event: ServiceEvent) => void
}

export type ServiceEvent =
  | { readonly event: 'published'; readonly repository: string; readonly report: PublishReport }
  | { readonly event: 'failed'; readonly repository: string; readonly error: unknown }

export interface Service {
  readonly handler: Express
  start(): void
  stop(): Promise<void>
  /** Publishes one repository, or all, once. Throws what stopped the first that failed, after trying all. */
  publish(
    name?: string,
    options?: { readonly rotateNow?: boolean },
  ): Promise<ReadonlyMap<string, PublishReport>>
}

/** Opens every repository and refuses to start on one that it could not serve or must not hold the keys of. */
export async function createService(options: ServiceOptions): Promise<Service> {
  const clock = options.clock ?? systemClock
  const log = options.log ?? ((): void => undefined)
  const lifetimes = {
    ...(options.snapshotLife === undefined ? {} : { snapshotMs: options.snapshotLife }),
    ...(options.timestampLife === undefined ? {} : { timestampMs: options.timestampLife }),
  }
  const repositories: Repository[] = []
  for (const one of options.repositories)
    repositories.push(
      await Repository.open({ ...one, signers: options.signers, lifetimes, tokens: options.tokens ?? [] }),
    )
  const publish = async (repository: Repository, rotateNow: boolean): Promise<PublishReport> => {
    try {
      const report = await repository.publish(clock.now(), { rotateNow })
      if (report.timestamp !== null || report.settled.length > 0)
        log({ event: 'published', repository: repository.name, report })
      return report
    } catch (error) {
      log({ event: 'failed', repository: repository.name, error })
      throw error
    }
  }
  const { interval } = options
  // One timer each: a repository whose store hangs does not keep the others from renewal.
  const timers =
    interval === 'off'
      ? []
      : repositories.map((one) => new Timer(clock, interval, async () => void (await publish(one, false))))
  return {
    handler: httpApp({
      repositories,
      content: options.content,
      clock,
      onFailure: (repository, error) => log({ event: 'failed', repository, error }),
    }),
    start: () => timers.forEach((timer) => timer.start()),
    stop: async () => void (await Promise.all(timers.map((timer) => timer.stop()))),
    async publish(name, { rotateNow = false } = {}) {
      const chosen = repositories.filter((one) => name === undefined || one.name === name)
      if (chosen.length === 0)
        throw new ServiceError('NOT_FOUND', `there is no repository ${name ?? ''} here`)
      const results = await Promise.allSettled(chosen.map((one) => publish(one, rotateNow)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
      return new Map(
        results.flatMap((result, i) =>
          result.status === 'fulfilled' ? [[chosen[i]?.name ?? '', result.value] as const] : [],
        ),
      )
    },
  }
}
