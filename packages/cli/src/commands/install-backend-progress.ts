import { isLmappError, type LmappError, type Status } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { printNotice } from '../output/print-error.ts'
import { createStatusLine, noStatusLine } from '../output/status-line.ts'
import { exitCodeOfSignal, stopBySignal } from '../signals.ts'
import { createSpeedometer } from './pull-model.ts'

/** What an installation says: on stderr and stdout, or with `--json` the same lines as `models pull` has. */
export interface InstallPrinter {
  readonly asJson: boolean
  show(status: Status): Promise<void>
  /** Takes the status away before something else is written. */
  clear(): void
  done(words: string, facts: Record<string, unknown>): Promise<void>
  /** With `--json` only: people are told by who catches it. */
  failed(error: LmappError): Promise<void>
}

export function createInstallPrinter({ stdout, stderr }: CommandContext, asJson: boolean): InstallPrinter {
  const line = asJson ? noStatusLine : createStatusLine(stderr)
  const speed = createSpeedometer()
  const writeLine = (event: object) => stdout.write(`${JSON.stringify(event)}\n`)
  return {
    asJson,
    async show(status) {
      const { message = '', progress } = status
      if (asJson) return writeLine({ type: 'progress', status: message, ...(progress && { progress }) })
      const words = stderr.canRedraw ? speed.tell(progress) : ''
      line.show({ ...status, message: [message, words].filter(Boolean).join(' · ') })
    },
    clear: () => line.clear(),
    done: (words, facts) => (asJson ? writeLine({ type: 'done', ...facts }) : stdout.write(`${words}\n`)),
    async failed(error) {
      if (asJson) await writeLine({ type: 'error', error: error.toData() })
    },
  }
}

export interface StoppableWork {
  context: CommandContext
  printer: InstallPrinter
  /** What is said when a signal ended it. */
  stopped: string
}

/** Runs the work until its end, or until a signal asks for it; then the exit code is that of the signal. */
export async function untilStopped(
  { context, printer, stopped }: StoppableWork,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  using stop = stopBySignal(context.signals)
  try {
    return await work(stop.signal)
  } catch (error) {
    printer.clear()
    if (stop.by) {
      if (!printer.asJson) await printNotice(context.stderr, stopped)
      return exitCodeOfSignal[stop.by]
    }
    if (isLmappError(error)) await printer.failed(error)
    throw error
  }
}
