import type { ChatRequest, Finish, Part, Usage, Warning } from 'lmapp-kit'
import type { ProgramConfig } from './config/config.ts'
import { createAnswerText } from './output/answer-text.ts'
import { toEmptyError, toExitError } from './program/program-error.ts'
import type { ProgramExit, RunningProgram } from './program/start-program.ts'
import { unmappedOptions } from './prompt/to-arguments.ts'

/**
 * One answer: what a program writes on stdout, until it ends, or a stop sequence or the limit comes. Who aborts `signal`
 * ends the program too. It has ended when this has, whichever way.
 */
export async function* streamAnswer(
  running: RunningProgram,
  request: ChatRequest,
  program: ProgramConfig,
  signal: AbortSignal,
): AsyncGenerator<Part, void> {
  const text = createAnswerText(program, request.options)
  let begun = false
  try {
    for await (const bytes of running.output) {
      const ready = text.push(bytes)
      if (ready !== '') yield { type: 'text-delta', text: ready }
      begun ||= ready !== ''
      if (text.ended || signal.aborted) break
    }
    if (signal.aborted) return yield finish('cancelled', await running.end(), program)
    const rest = text.ended ? '' : text.end()
    if (rest !== '') yield { type: 'text-delta', text: rest }
    begun ||= rest !== ''
    if (text.broken) yield brokenText
    const exit = await (text.ended ? running.end() : running.exited)
    if (signal.aborted) return yield finish('cancelled', exit, program)
    if (!text.ended) assertGood(exit, program, begun)
    yield finish(toReason(text.ended, exit, program, request), exit, program)
  } finally {
    await running.end()
  }
}

/** What of the request this program cannot do. */
export function toWarnings({ options = {}, reasoning }: ChatRequest, program: ProgramConfig): Warning[] {
  const [command] = program.command
  const warnings = unmappedOptions(program, options)
    // The answer is cut at stop sequences here.
    .filter((name) => name !== 'stop')
    .map((name): Warning => {
      const instead = name === 'maxTokens' ? ` The answer ends after ${options.maxTokens} words instead.` : ''
      const message = `"${command}" has no argument for ${name} (options.${name} of the backend's config).${instead}`
      return { type: 'warning', code: 'unsupported-setting', message, setting: `options.${name}` }
    })
  if (reasoning === undefined) return warnings
  const message = `Whether "${command}" reasons cannot be chosen.`
  return [...warnings, { type: 'warning', code: 'unsupported-setting', message, setting: 'reasoning' }]
}

const brokenText: Warning = {
  type: 'warning',
  code: 'other',
  message: 'The program wrote what is no UTF-8; it is shown as U+FFFD.',
}

function assertGood(exit: ProgramExit, program: ProgramConfig, begun: boolean): void {
  const error = toExitError(exit, program, begun)
  if (error) throw error
  if (!begun) throw toEmptyError(exit, program.command)
}

function finish(reason: Finish['reason'], exit: ProgramExit, program: ProgramConfig): Finish {
  return { type: 'finish', reason, usage: readUsage(exit, program) }
}

/** A program that says that it used all the tokens that it was allowed was cut. */
function toReason(
  ended: 'stop' | 'length' | undefined,
  exit: ProgramExit,
  program: ProgramConfig,
  { options = {} }: ChatRequest,
): Finish['reason'] {
  if (ended) return ended
  const { outputTokens = 0 } = readUsage(exit, program)
  return options.maxTokens !== undefined && outputTokens >= options.maxTokens ? 'length' : 'stop'
}

/** Only what the program said: nothing is counted here. */
function readUsage({ stderr }: ProgramExit, { usage }: ProgramConfig): Usage {
  const said = stderr.join('\n')
  const inputTokens = readNumber(said, usage.input)
  const outputTokens = readNumber(said, usage.output)
  return { ...(inputTokens !== undefined && { inputTokens }), ...(outputTokens !== undefined && { outputTokens }) }
}

/** Also with separators, as in `1,234`. */
function readNumber(said: string, pattern: RegExp | undefined): number | undefined {
  const digits = pattern?.exec(said)?.[1]?.replace(/[\s,._']/g, '') ?? ''
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
}
