import { EXIT } from './exit.js'

type Signals = Pick<NodeJS.Process, 'on' | 'off' | 'exit'>

/** A function that turns Ctrl-C and SIGTERM into an abort from its first call on. Commands that never call it just end. */
export function interruption(host: Signals): () => AbortSignal {
  let controller: AbortController | undefined
  return () => {
    if (controller) return controller.signal
    const made = new AbortController()
    controller = made
    const onSignal = (): void => {
      // Who asks twice does not want to wait for the orderly end.
      if (made.signal.aborted) host.exit(EXIT.interrupted)
      made.abort()
    }
    host.on('SIGINT', onSignal)
    host.on('SIGTERM', onSignal)
    return made.signal
  }
}
