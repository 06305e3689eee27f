import { isFields } from '../../json/fields.ts'
import type { EngineLog } from '../../processes/index.ts'

/** What `log` notifications say, on its way into the log. */
export interface LogLines {
  /** The line of the protocol never waits for it: what comes faster than it can be written is left out, and counted. */
  add(params: unknown): void
  /** Resolves when all is written. */
  written(): Promise<void>
}

/** As much as the log keeps: more would be of no use. */
const mostWaiting = 1024 * 1024
const mostCharacters = 64 * 1024

export function createLogLines(log: EngineLog): LogLines {
  let waiting = 0
  let leftOut = 0
  let last = Promise.resolve()

  function write(line: string): void {
    waiting += line.length
    last = log.write(line).then(() => {
      waiting -= line.length
      if (waiting === 0) tellOfLeftOut()
    })
  }

  function tellOfLeftOut(): void {
    if (leftOut === 0) return
    const note = `warning: ${leftOut} lines came too fast and were left out\n`
    leftOut = 0
    write(note)
  }

  return {
    add(params) {
      if (waiting > mostWaiting) leftOut++
      else write(toLine(params))
    },
    async written() {
      while (waiting > 0) await last
    },
  }
}

function toLine(params: unknown): string {
  const { level, message } = isFields(params) ? params : {}
  const text = typeof message === 'string' ? message.slice(0, mostCharacters) : ''
  return `${typeof level === 'string' ? level : 'info'}: ${text}\n`
}
