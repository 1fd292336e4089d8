import { readFile } from 'node:fs/promises'
import { upload, type Uploaded } from '@nv2/client'
import type { Run } from '../context.js'
import { usage } from '../errors.js'
import { warnings, workbench } from './publishing.js'

/** A timer that publishes more rarely than this is a reason to look, not to wait. */
const PATIENCE = 5 * 60_000

export const run: Run<{
  readonly role?: string
  readonly repo?: string
  readonly registry?: string
  readonly wait?: boolean
  readonly tokenFile?: string
}> = async (context, [name], { role, repo, registry, wait, tokenFile }) => {
  const bench = await workbench(context)
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile)
  let bytes = 0
  const uploaded = await upload(bench, {
    ...(name !== undefined && { name }),
    ...(role !== undefined && { role }),
    ...(repo !== undefined && { repo }),
    ...(registry !== undefined && { registry }),
    ...(token !== undefined && { token }),
    ...(wait === true && { wait: PATIENCE }),
    onProgress: (event) => {
      if (event.kind !== 'bytes') return
      bytes += event.bytes
      context.out.progress(`${name ?? ''}: ${(bytes / 1e6).toFixed(1)} MB`)
    },
  })
  warnings(context, bench, uploaded.warnings)
  if (uploaded.resign.length > 0)
    context.out.warn(`to be signed again, because their keys were revoked: ${uploaded.resign.join(', ')}`)
  context.out.result(uploaded, text(uploaded))
}

function text({ registry, artifact, roles, id, state }: Uploaded): string {
  const lines = roles.map(
    ({ role, version, imported }) =>
      `  role    ${role} version ${version}${imported ? ', unchanged from its origin' : ''}`,
  )
  return [
    id === null ? `${registry} has every role already` : `${state} at ${registry}`,
    ...(artifact ? [`  name    ${artifact.name}`, `  digest  ${artifact.digest}`] : []),
    ...lines,
  ].join('\n')
}

/** Never in argv: others can read that. */
async function readToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw usage(
      `--token-file ${path} cannot be read: ${cause.code === 'ENOENT' ? 'it does not exist' : cause.message}`,
    )
  })
  const token = text.trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw usage(`--token-file ${path} does not hold one token`)
  return token
}
