import { CliError } from './errors.js'

/** The part of a terminal that a prompt needs: process.stdin and process.stderr. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown }
  readonly output: NodeJS.WritableStream
}

/** Asks one line without echo. What is pasted beyond the line end is left for the next prompt. */
export async function readHidden({ input, output }: Terminal, question: string): Promise<string> {
  output.write(question)
  input.setRawMode?.(true)
  input.setEncoding('utf8')
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed: string[] = []
      const done = (finish: () => void): void => {
        input.off('data', onData)
        input.off('end', fail)
        input.pause()
        finish()
      }
      const fail = (): void => {
        done(() => {
          reject(interrupted())
        })
      }
      const onData = (chunk: string | Buffer): void => {
        const points = [...chunk.toString()]
        for (const [i, c] of points.entries()) {
          if (c === '\r' || c === '\n') {
            const rest = points.slice(i + 1).join('')
            done(() => {
              if (rest !== '') input.unshift(rest)
              resolve(typed.join(''))
            })
            return
          }
          if (c === '\x03' || c === '\x04') {
            fail()
            return
          }
          if (c === '\x7f' || c === '\b') typed.pop()
          else if (c === '\x15') typed = []
          else typed.push(c)
        }
      }
      input.on('data', onData)
      input.on('end', fail)
      input.resume()
    })
  } finally {
    input.setRawMode?.(false)
    output.write('\n')
  }
}

function interrupted(): CliError {
  return new CliError('INTERRUPTED', 'interrupted at the passphrase; nothing was written')
}
