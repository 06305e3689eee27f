export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export const exitCodeOfSignal: Record<StopSignal, number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

/** Who hears the signals that ask to stop. Only the newest listener does. */
export interface Signals {
  /** Returns what takes the listener away again. */
  listen(listener: (signal: StopSignal) => void): () => void
}

/** The process's own. Without a listener a signal ends it at once, with the exit code of that signal. */
export function openSignals(
  source: Pick<NodeJS.EventEmitter, 'on'> = process,
  exit: (code: number) => void = process.exit,
): Signals {
  const listeners: ((signal: StopSignal) => void)[] = []
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    source.on(signal, () => {
      const newest = listeners.at(-1)
      if (newest) newest(signal)
      else exit(exitCodeOfSignal[signal])
    })
  }
  return {
    listen(listener) {
      listeners.push(listener)
      return () => {
        const index = listeners.indexOf(listener)
        if (index >= 0) listeners.splice(index, 1)
      }
    },
  }
}

/** Work that ends when somebody asks it to. */
export interface Stoppable extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** What asked for the end; undefined while nobody did. */
  readonly by: StopSignal | undefined
}

/** Listens until it is disposed. */
export function stopBySignal(signals: Signals): Stoppable {
  const stopping = new AbortController()
  let by: StopSignal | undefined
  const release = signals.listen((signal) => {
    by = signal
    stopping.abort()
  })
  return {
    signal: stopping.signal,
    get by() {
      return by
    },
    [Symbol.dispose]: release,
  }
}
