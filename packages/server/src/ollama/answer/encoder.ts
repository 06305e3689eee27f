import { isLmappError, LmappError, type RunEnd, type TokenProbability } from 'lmapp-kit'
import type { AnswerEncoder, CollectedAnswer, GoodEnd } from '../../answer/index.ts'
import { toErrorText } from '../error.ts'
import { createClock } from './clock.ts'
import { toMetrics } from './metrics.ts'
import { type AnswerForm, toWireCall, toWireProbability } from './said.ts'

export interface FormOptions {
  form: AnswerForm
  /** As the client calls it. */
  model: string
}

/** A line of JSON for each piece; the last one has `done: true`, or is an error. */
export function createEncoder({ form, model }: FormOptions): AnswerEncoder {
  const now = createClock()
  let calls = 0
  let failed = false
  const toLine = (fields: object) => `${JSON.stringify({ model, created_at: now(), ...fields })}\n`
  const toPiece = (said: object, logprobs?: TokenProbability[]) =>
    toLine({ ...said, done: false, ...toLogprobs(logprobs) })
  const fail = (error: LmappError) => {
    failed = true
    return `${JSON.stringify({ error: toErrorText(error) })}\n`
  }
  return {
    type: 'application/x-ndjson',
    heartbeat: '',
    begin: () => '',
    take(event) {
      if (failed) return ''
      if (event.type === 'text-delta') return toPiece(form({ text: event.text }), event.logprobs)
      if (event.type === 'reasoning-delta') return toPiece(form({ text: '', thinking: event.text }))
      if (event.type !== 'tool-call') return ''
      try {
        const line = toPiece(form({ text: '', calls: [toWireCall(event, calls)] }))
        calls += 1
        return line
      } catch (error) {
        if (isLmappError(error)) return fail(error)
        throw error
      }
    },
    finish(reason, end) {
      if (failed) return ''
      if (reason === 'content-filter') return fail(toWithheld(end))
      return toLine({ ...form({ text: '' }), ...toEnding(reason, end) })
    },
    fail: (error) => (failed ? '' : fail(error)),
  }
}

/** A whole answer. Throws `content-filtered` and `stream-malformed`, for which Ollama has no reason to end. */
export function toWholeAnswer({ form, model }: FormOptions, collected: CollectedAnswer): object {
  const { text, reasoning, toolCalls, logprobs, reason, end } = collected
  if (reason === 'content-filter') throw toWithheld(end)
  const calls = toolCalls.map(toWireCall)
  return {
    model,
    created_at: createClock()(),
    ...form({ text, thinking: reasoning, ...(calls.length > 0 && { calls }) }),
    ...toEnding(reason, end),
    ...toLogprobs(logprobs),
  }
}

/** Calls of tools end with `stop` here. */
function toEnding(reason: Exclude<GoodEnd, 'content-filter'>, end: RunEnd): object {
  return { done: true, done_reason: reason === 'length' ? 'length' : 'stop', ...toMetrics(end) }
}

function toLogprobs(logprobs: TokenProbability[] | undefined): object {
  return logprobs ? { logprobs: logprobs.map(toWireProbability) } : {}
}

/** Ollama knows no such end, and a plain one would be untrue. */
function toWithheld({ error }: RunEnd): LmappError {
  return new LmappError('content-filtered', error?.message ?? 'The engine withheld the rest of the answer.')
}
