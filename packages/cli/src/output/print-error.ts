import { type ErrorData, isLmappError } from 'lmapp-kit'
import type { Output } from './output.ts'
import { toTerminalText } from './sanitize.ts'
import { wrap } from './table.ts'

/** `lmapp: what happened`, and below it what to do. */
export async function printError(stderr: Output, error: Pick<ErrorData, 'message' | 'hint'>): Promise<void> {
  const { style } = stderr
  const hint = error.hint ? `  ${style('dim', broken(stderr, error.hint, 2))}\n` : ''
  await stderr.write(`${style('red', 'lmapp:')} ${broken(stderr, error.message, prefix)}\n${hint}`)
}

/** A line that is no error. */
export async function printNotice(stderr: Output, message: string): Promise<void> {
  await stderr.write(`${stderr.style('yellow', 'lmapp:')} ${broken(stderr, message, prefix)}\n`)
}

/** Cells of `lmapp: `. */
const prefix = 7

/** On a terminal broken between words, the further lines below the first. `taken`: cells before the first. */
function broken(stderr: Output, text: string, taken: number): string {
  if (!stderr.isTerminal) return text
  const lines = toTerminalText(text).split('\n')
  return lines.flatMap((line) => wrap(line, stderr.columns - taken)).join('\n  ')
}

/** Prints whatever a command threw; returns the exit code. */
export async function reportFailure(stderr: Output, error: unknown, environment: NodeJS.ProcessEnv): Promise<number> {
  if (!isLmappError(error)) return reportBug(stderr, error, environment)
  await printError(stderr, error)
  if (environment.LMAPP_DEBUG) await stderr.write(`${toStack(error)}\n`)
  return error.entry.exit
}

async function reportBug(stderr: Output, error: unknown, environment: NodeJS.ProcessEnv): Promise<number> {
  const message = error instanceof Error ? error.message : String(error)
  await printError(stderr, {
    message: `This should not have happened: ${message}`,
    ...(!environment.LMAPP_DEBUG && { hint: 'It is a bug of lmapp. For its report: LMAPP_DEBUG=1 lmapp …' }),
  })
  if (environment.LMAPP_DEBUG) await stderr.write(`${toStack(error)}\n`)
  return 1
}

function toStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by: ${toStack(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
