import { setTimeout as sleep } from 'node:timers/promises'
import { encodeRole, isArray, isObject, parseJson, type Json, type JsonObject, type RoleName } from '@nv2/tuf'
import { ClientError } from '../errors.js'
import type { VersionRef } from './drafts.js'

export type UploadState = 'staged' | 'published' | 'superseded' | 'rejected'

export interface UploadAnswer {
  readonly id: string
  readonly state: UploadState
  /** Published roles that the set leaves without enough signatures. */
  readonly resign: readonly string[]
  readonly warnings: readonly string[]
  readonly reason: string | null
}

export interface Head extends VersionRef {
  readonly state: string
}

const LIMIT = 1024 * 1024
const PATIENCE = 60_000

/** The upload side of one TUF repository at a service. What it answers is believed for messages only. */
export class ServiceClient {
  private readonly base: string
  private readonly signal: AbortSignal | undefined

  /** `base`: as `tufUrl` makes it. */
  constructor(base: string, signal?: AbortSignal) {
    this.base = base
    this.signal = signal
  }

  async upload(body: Uint8Array, right: Readonly<Record<string, string>>): Promise<UploadAnswer> {
    const headers = { 'content-type': 'application/json', ...right }
    return answerOf(await this.send('uploads', { method: 'POST', headers, body }))
  }

  async status(id: string): Promise<UploadAnswer> {
    return answerOf(await this.send(`uploads/${encodeURIComponent(id)}`, {}))
  }

  /** The highest version that the service has seen of a role, whatever became of it. */
  async head(role: RoleName): Promise<Head | null> {
    return headOf((await this.send(`roles/${encodeRole(role)}`, {})).get('head'))
  }

  /** Until it is no longer staged. Throws SERVICE_REFUSED when it was rejected, UNREACHABLE after `patience` milliseconds. */
  async wait(answer: UploadAnswer, patience: number): Promise<UploadAnswer> {
    const until = Date.now() + patience
    let now = answer
    for (let pause = 50; now.state === 'staged'; pause = Math.min(pause * 2, 1000)) {
      if (Date.now() > until)
        throw new ClientError(
          'UNREACHABLE',
          `the upload was accepted and is not published after ${patience / 1000} seconds; the service's timer may be off. Nothing needs to be sent again`,
          { detail: { id: answer.id } },
        )
      await sleep(pause, undefined, this.signal ? { signal: this.signal } : {})
      now = await this.status(answer.id)
    }
    if (now.state !== 'rejected') return now
    throw new ClientError(
      'SERVICE_REFUSED',
      `the upload was accepted and could not be published: ${now.reason ?? 'no reason was given'}`,
      { detail: { id: answer.id } },
    )
  }

  private async send(path: string, init: RequestInit): Promise<JsonObject> {
    const address = `${this.base}/${path}`
    const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE), ...(this.signal ? [this.signal] : [])])
    let status: number
    let bytes: Uint8Array
    try {
      const response = await fetch(address, { ...init, signal, redirect: 'error' })
      status = response.status
      bytes = await bounded(response)
    } catch (cause) {
      this.signal?.throwIfAborted()
      if (cause instanceof ClientError) throw cause
      throw new ClientError('UNREACHABLE', `cannot reach ${address}: ${reasonOf(cause)}`, { cause })
    }
    const tree = attempt(bytes)
    if (status === 200 || status === 202) {
      if (tree) return tree
      throw new ClientError(
        'SERVICE_REFUSED',
        `${address} answered ${status} with something that is no answer of a TUF service`,
      )
    }
    throw refusal(address, status, tree)
  }
}

function refusal(address: string, status: number, tree: JsonObject | null): ClientError {
  const errors = tree?.get('errors')
  const first = errors !== undefined && isArray(errors) ? errors[0] : undefined
  const word = (name: string): string => {
    const value = isObject(first) ? first.get(name) : undefined
    return typeof value === 'string' ? printable(value) : ''
  }
  const [code, message] = [word('code'), word('message') || `${address} answered ${status}`]
  const told = isObject(first) ? first.get('detail') : undefined
  const head = isObject(told) ? headOf(told.get('head')) : null
  const role = isObject(told) ? told.get('role') : undefined
  const detail = { status, code, ...(typeof role === 'string' ? { role } : {}), ...(head ? { head } : {}) }
  if (status === 409) {
    const where = head
      ? ` (there: version ${head.version}, ${head.state}, sha256 ${head.sha256.slice(0, 12)}…)`
      : ''
    return new ClientError(
      'CONFLICT',
      `${message}${where}. Nothing was changed there; sign again on top of what is there`,
      { detail },
    )
  }
  if (status >= 500) return new ClientError('UNREACHABLE', `the service failed: ${message}`, { detail })
  return new ClientError('SERVICE_REFUSED', `the service refused: ${message}${code && ` [${code}]`}`, {
    detail,
  })
}

function answerOf(tree: JsonObject): UploadAnswer {
  const [id, state, reason] = [tree.get('id'), tree.get('state'), tree.get('reason')]
  const states: readonly Json[] = ['staged', 'published', 'superseded', 'rejected']
  if (typeof id !== 'string' || state === undefined || !states.includes(state))
    throw new ClientError('SERVICE_REFUSED', 'the service answered without the state of the upload')
  const texts = (value: Json | undefined): string[] =>
    value !== undefined && isArray(value) ? value.filter((one) => typeof one === 'string').map(printable) : []
  return {
    id,
    state: state as UploadState,
    resign: texts(tree.get('resign')),
    warnings: texts(tree.get('warnings')),
    reason: typeof reason === 'string' ? printable(reason) : null,
  }
}

function headOf(value: Json | undefined): Head | null {
  if (!isObject(value)) return null
  const [version, sha256, state] = [value.get('version'), value.get('sha256'), value.get('state')]
  if (typeof version !== 'number' || typeof sha256 !== 'string' || typeof state !== 'string') return null
  return { version, sha256, state: printable(state) }
}

async function bounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > LIMIT) throw new ClientError('SERVICE_REFUSED', 'the service answered with more than 1 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function attempt(bytes: Uint8Array): JsonObject | null {
  try {
    const tree = parseJson(bytes, 'the answer', { bytes: LIMIT, depth: 16 })
    return isObject(tree) ? tree : null
  } catch {
    return null
  }
}

/** Text of a server goes to a terminal: no control characters, not endless. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 1000)
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  if (error instanceof Error) return error.cause === undefined ? error.message : reasonOf(error.cause)
  return String(error)
}
