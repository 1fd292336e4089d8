import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { REPOSITORY } from './demo/stage.js'

const NV2 = join(REPOSITORY, 'packages/cli/bin/nv2.js')

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real nv2 with a home of its own and nothing else of this process's environment but PATH. */
export function nv2(
  home: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [NV2, ...words], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', NV2_HOME: join(home, 'nv2'), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => {
      resolve({ status, stdout, stderr })
    })
  })
}
