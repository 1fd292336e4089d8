import type { Writable } from 'node:stream'
import { printable } from './printable.js'

/** The streams and switches that output depends on. */
export interface OutputOptions {
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'
const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, green: 32, red: 31, yellow: 33 }

/** Everything that a command says. One result per command; progress only for a person who watches. */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #color: boolean
  readonly #stdout: OutputOptions['stdout']
  readonly #stderr: OutputOptions['stderr']
  #progress = false

  constructor(options: OutputOptions) {
    this.json = options.json
    this.quiet = options.quiet
    this.#color = options.color && options.stdout.isTTY === true
    this.#stdout = options.stdout
    this.#stderr = options.stderr
  }

  /** What the command found or did: the value with --json, else the text if there is any, unless --quiet. */
  result(value: unknown, text = ''): void {
    if (this.json) this.content(`${JSON.stringify(value)}\n`)
    else this.line(text)
  }

  /** A line for people as it happens, such as `listening URL`; not with --json or --quiet. */
  line(text: string): void {
    if (text !== '' && !this.json && !this.quiet) this.content(`${printable(text)}\n`)
  }

  /** What was asked for itself, such as a PEM file: always, unchanged. */
  content(text: string): void {
    this.clearProgress()
    this.#stdout.write(text)
  }

  /** What the user should know and that does not stop the command. Also with --quiet: it may be about safety. */
  warn(text: string): void {
    this.clearProgress()
    this.#stderr.write(`nv2: warning: ${printable(text)}\n`)
  }

  /** One line on stderr that the next one replaces; only on a terminal. */
  progress(text: string): void {
    if (this.quiet || this.json || this.#stderr.isTTY !== true) return
    this.#progress = true
    this.#stderr.write(`\r\x1b[K${printable(text)}`)
  }

  /** The end of a command that failed. */
  failure(error: { readonly code: string; readonly message: string; readonly detail?: unknown }): void {
    const { code, message, detail } = error
    this.clearProgress()
    this.#stderr.write(`nv2: ${printable(message)} (${code})\n`)
    if (this.json) this.content(`${JSON.stringify({ error: { code, message, detail } })}\n`)
  }

  /** Marks text for a terminal; elsewhere returns it as it is. */
  style(style: Style, text: string): string {
    return this.#color ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text
  }

  private clearProgress(): void {
    if (!this.#progress) return
    this.#progress = false
    this.#stderr.write('\r\x1b[K')
  }
}
