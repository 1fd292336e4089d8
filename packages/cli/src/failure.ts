import { exitOf, EXIT, type Exit } from './exit.js'

export interface Failure {
  readonly code: string
  readonly message: string
  readonly detail: unknown
  readonly exit: Exit
}

/** What to tell the user of anything that was thrown. Never a stack trace; `--json` gets the detail that the error carries. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error))
    return { code: 'INTERNAL', message: 'an unknown failure', detail: undefined, exit: EXIT.bug }
  const { code, detail, role, missing } = error as Error & {
    code?: unknown
    detail?: unknown
    role?: unknown
    missing?: unknown
  }
  const { message } = error
  const exit = typeof code === 'string' ? exitOf(code) : undefined
  if (typeof code === 'string' && exit !== undefined) {
    const some = Array.isArray(missing) && missing.length > 0 ? missing : undefined
    const told = detail ?? (role === undefined && !some ? undefined : { role, missing: some })
    return { code, message, detail: told, exit }
  }
  // A disk or folder that would not: Node's own errors name the call and the path.
  if (typeof code === 'string' && 'syscall' in error)
    return {
      code: 'SYSTEM',
      message: `the system refused: ${message}`,
      detail: { errno: code },
      exit: EXIT.storage,
    }
  return {
    code: 'INTERNAL',
    message: `this is a defect of nv2, please report it: ${message}`,
    detail: undefined,
    exit: EXIT.bug,
  }
}
