import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A real part that not every machine has: without it the tests are skipped, in the forced suite they fail. */
export async function needs(context: Mocha.Context, command: string, ...args: string[]): Promise<void> {
  try {
    await run(command, args)
  } catch (error) {
    if (process.env['NV2_FORCE_REAL'] === '1') throw error
    context.skip()
  }
}

/** What a real part answers; rejects with its complaint when it refuses. */
export async function ask(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(command, args, { timeout: 60_000 })
  return stdout
}

/** Resolves with the complaint of a command that must refuse. */
export async function refusal(command: string, ...args: string[]): Promise<string> {
  const answer = await run(command, args, { timeout: 60_000 }).catch((error: unknown) => error)
  if (answer instanceof Error && 'stderr' in answer) return String(answer.stderr)
  throw new Error(`${command} ${args.join(' ')} was not refused`)
}
