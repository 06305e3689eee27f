import type { Signals, StopSignal } from '../../../../signals.ts'

/** Signals of the process, and Ctrl-C of a terminal in raw mode, which is only a key there. */
export interface TypedSignals extends Signals {
  /** Ctrl-C or Escape was typed. False: nobody listens. */
  interrupt(): boolean
}

export function createTypedSignals(signals: Signals): TypedSignals {
  const listeners: ((signal: StopSignal) => void)[] = []
  return {
    interrupt() {
      listeners.at(-1)?.('SIGINT')
      return listeners.length > 0
    },
    listen(listener) {
      const release = signals.listen(listener)
      listeners.push(listener)
      return () => {
        release()
        const index = listeners.indexOf(listener)
        if (index >= 0) listeners.splice(index, 1)
      }
    },
  }
}
