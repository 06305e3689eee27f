import type { RunSnapshot } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { readerLeft } from '../output/output.ts'
import { printError } from '../output/print-error.ts'
import { exitCodeOfEnd, saidByError } from './end-notice.ts'
import type { RunPrinter } from './printer.ts'

/** One JSON object a line on stdout. `fail` writes the `end` that did not come. */
export function createJsonPrinter({ stdout, stderr }: CommandContext): RunPrinter {
  let ended = false
  let kept = true
  const write = (value: unknown) => stdout.write(`${JSON.stringify(value)}\n`)
  const say = async (error: { message: string; hint?: string }) => {
    if (!readerLeft(stdout)) await printError(stderr, error)
  }
  return {
    async print(event) {
      if (event.type === 'start' || event.type === 'snapshot') kept = event.conversation !== undefined
      await write(event.type === 'snapshot' ? withoutEmptyRun(event) : event)
    },
    async end(end) {
      ended = true
      await write(end)
      if (end.error && end.error.code !== 'cancelled')
        await say(saidByError(end.error, { kept, goOn: 'lmapp continue' }))
      return exitCodeOfEnd(end)
    },
    async fail(error) {
      if (!ended) await write({ type: 'end', state: 'failed', usage: {}, timings: {}, error })
      if (error.code !== 'cancelled') await say(error)
    },
    async leave() {},
  }
}

/** A complete answer that is only shown is no run. */
function withoutEmptyRun({ run, ...snapshot }: RunSnapshot): Omit<RunSnapshot, 'run'> & { run?: string } {
  return run === '' ? snapshot : { run, ...snapshot }
}
