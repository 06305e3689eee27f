import type { ErrorData } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { printError } from '../output/print-error.ts'
import { exitCodeOfEnd } from './end-notice.ts'
import type { RunPrinter } from './printer.ts'

/** One JSON object a line on stdout. `fail` writes the `end` that did not come. */
export function createJsonPrinter({ stdout, stderr }: CommandContext): RunPrinter {
  let ended = false
  const write = (value: unknown) => stdout.write(`${JSON.stringify(value)}\n`)
  const say = async (error: ErrorData | undefined) => {
    if (error && error.code !== 'cancelled') await printError(stderr, error)
  }
  return {
    print: write,
    async end(end) {
      ended = true
      await write(end)
      await say(end.error)
      return exitCodeOfEnd(end)
    },
    async fail(error) {
      if (!ended) await write({ type: 'end', state: 'failed', usage: {}, timings: {}, error })
      await say(error)
    },
    leave() {},
  }
}
