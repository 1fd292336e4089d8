import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
const NV2 = join(REPOSITORY, 'packages/cli/bin/nv2.js')

/** What a command printed and how it ended. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A story that did not go as it must. */
export class Mishap extends Error {
  override readonly name = 'Mishap'
}

/** One person, or one host, with a home, a folder to work in, and a passphrase of their own. */
export interface Actor {
  readonly name: string
  readonly home: string
  readonly folder: string
}

/**
 * Runs a story with real processes on loopback: prints every command as typed and what it answered, and leaves no process
 * and no folder behind, however it ends.
 */
export class Stage {
  readonly folder: string
  steps = 0
  private readonly children = new Set<ChildProcess>()
  private readonly quiet: boolean
  private over = false

  private constructor(folder: string, quiet: boolean) {
    this.folder = folder
    this.quiet = quiet
  }

  static async open(options: { quiet?: boolean } = {}): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'nv2-demo-')), options.quiet ?? false)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        stage.abandon()
        process.exit(signal === 'SIGINT' ? 130 : 143)
      })
    process.once('exit', () => {
      stage.abandon()
    })
    return stage
  }

  /** Ends every process that was started and removes every file. */
  async close(): Promise<void> {
    this.over = true
    await Promise.all([...this.children].map((child) => this.stop(child)))
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The same at once, for an exit that cannot wait. */
  private abandon(): void {
    this.over = true
    for (const child of this.children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }

  async actor(name: string): Promise<Actor> {
    const folder = join(this.folder, name)
    const home = join(folder, 'nv2')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'passphrase'), `the passphrase of ${name}\n`, { mode: 0o600 })
    return { name, home, folder }
  }

  title(text: string): void {
    this.print(`\n== ${text}\n`)
  }

  say(text: string): void {
    this.print(`${text}\n`)
  }

  /** `nv2 WORDS`, which must succeed. */
  async nv2(actor: Actor, ...words: string[]): Promise<Answer> {
    const answer = await this.run(actor, words)
    if (answer.code !== 0)
      throw new Mishap(`${actor.name}: nv2 ${words.join(' ')} ended with ${answer.code}; 0 was due`)
    this.steps++
    return answer
  }

  /** `nv2 WORDS > FILE`. */
  async nv2Into(actor: Actor, file: string, ...words: string[]): Promise<void> {
    this.print(`\n${actor.name}$ nv2 ${words.join(' ')} > ${relative(actor.folder, file)}\n`)
    const answer = await this.execute(actor, words)
    if (answer.code !== 0) throw new Mishap(`${actor.name}: nv2 ${words.join(' ')} failed: ${answer.stderr}`)
    await writeFile(file, answer.stdout)
    this.steps++
  }

  /** `nv2 WORDS --json` without showing it: for what the story itself needs to know. */
  async ask<T>(actor: Actor, ...words: string[]): Promise<T> {
    const answer = await this.execute(actor, [...words, '--json'])
    if (answer.code !== 0) throw new Mishap(`${actor.name}: nv2 ${words.join(' ')} failed: ${answer.stderr}`)
    return JSON.parse(answer.stdout) as T
  }

  /** `nv2 WORDS`, which must be refused with this code and exit status. */
  async refused(actor: Actor, words: readonly string[], code: string, exit: number): Promise<Answer> {
    const answer = await this.run(actor, words)
    if (answer.code !== exit || !answer.stderr.includes(code))
      throw new Mishap(
        `${actor.name}: nv2 ${words.join(' ')} ended with ${answer.code}; ${exit} and ${code} were due`,
      )
    this.steps++
    return answer
  }

  private async run(actor: Actor, words: readonly string[]): Promise<Answer> {
    this.print(`\n${actor.name}$ nv2 ${words.map((word) => this.shown(word, actor)).join(' ')}\n`)
    const answer = await this.execute(actor, words)
    for (const line of `${answer.stdout}${answer.stderr}`.split('\n').filter((text) => text !== ''))
      this.print(`    ${line.replaceAll(this.folder, '…')}\n`)
    if (answer.code !== 0) this.print(`    [exit status ${answer.code}]\n`)
    return answer
  }

  private execute(actor: Actor, words: readonly string[]): Promise<Answer> {
    const child = this.launch(actor, [NV2, ...words])
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        resolve({ code: code ?? (signal ? 128 : 1), stdout, stderr })
      })
    })
  }

  /** A Node script that is not nv2; must succeed. */
  async node(actor: Actor, shown: string, ...words: string[]): Promise<void> {
    this.print(`\n${actor.name}$ ${shown}\n`)
    const child = this.launch(actor, words)
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    for (const line of text.split('\n').filter((one) => one !== ''))
      this.print(`    ${line.replaceAll(this.folder, '…')}\n`)
    if (code !== 0) throw new Mishap(`${shown} ended with ${String(code)}`)
    this.steps++
  }

  /** A server that runs until it is stopped: resolves with its URL once it listens. */
  async serve(actor: Actor, ...words: string[]): Promise<Server> {
    this.print(`\n${actor.name}$ nv2 ${words.map((word) => this.shown(word, actor)).join(' ')} &\n`)
    const child = this.launch(actor, [NV2, ...words])
    let stdout = ''
    let stderr = ''
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.stdout?.on('data', (chunk: Buffer) => {
        stdout += chunk.toString()
        const listening = /listening (\S+)/.exec(stdout)
        if (listening?.[1]) resolve(listening[1])
      })
      child.once('close', (code) => {
        reject(new Mishap(`nv2 serve ended with ${String(code)} before it listened: ${stderr}`))
      })
    })
    this.print(`    listening ${url}\n`)
    return { url, stop: () => this.stop(child) }
  }

  private launch(actor: Actor, words: readonly string[]): ChildProcess {
    if (this.over) throw new Mishap('the story is over')
    const child = spawn(process.execPath, words, {
      cwd: actor.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        NV2_HOME: actor.home,
        NV2_PASSPHRASE: `the passphrase of ${actor.name}`,
        NO_COLOR: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.children.add(child)
    child.once('close', () => this.children.delete(child))
    return child
  }

  private async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    const impatient = setTimeout(() => child.kill('SIGKILL'), 5000)
    await closed
    clearTimeout(impatient)
  }

  private shown(word: string, actor: Actor): string {
    const at = word.indexOf(this.folder)
    const text = at < 0 ? word : word.slice(0, at) + relative(actor.folder, word.slice(at))
    return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text}'`
  }

  private print(text: string): void {
    if (!this.quiet) process.stdout.write(text)
  }
}

export interface Server {
  readonly url: string
  stop(): Promise<void>
}
