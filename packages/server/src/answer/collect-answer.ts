import { LmappError, type RunEnd, type RunEvent, type TokenProbability, type ToolCall } from 'lmapp-kit'
import { type Answer, type GoodEnd, toGoodEnd } from './answer.ts'

/** A whole answer. */
export interface CollectedAnswer {
  text: string
  reasoning: string
  toolCalls: ToolCall[]
  /** Undefined when none came. */
  logprobs: TokenProbability[] | undefined
  reason: GoodEnd
  end: RunEnd
}

/** Reads an answer to its end. Throws what was wrong with one that broke off, with what had arrived in `details.text`. */
export async function collectAnswer(answer: Answer): Promise<CollectedAnswer> {
  const whole = { text: '', reasoning: '', toolCalls: [] as ToolCall[] }
  const probabilities: TokenProbability[] = []
  for await (const batch of answer.batches()) {
    for (const event of batch) {
      if (event.type === 'text-delta') {
        whole.text += event.text
        if (event.logprobs) probabilities.push(...event.logprobs)
      } else if (event.type === 'reasoning-delta') whole.reasoning += event.text
      else if (event.type === 'tool-call') whole.toolCalls.push(event)
      else if (event.type === 'end') {
        const logprobs = probabilities.length > 0 ? probabilities : undefined
        return { ...whole, logprobs, reason: goodEnd(event, whole.text), end: event }
      }
    }
  }
  throw new LmappError('cancelled', 'The client left before the answer was complete.')
}

/** One after the other. */
export async function* eachEvent(answer: Answer): AsyncGenerator<RunEvent> {
  for await (const batch of answer.batches()) yield* batch
}

function goodEnd(end: RunEnd, text: string): GoodEnd {
  try {
    return toGoodEnd(end)
  } catch (cause) {
    if (!(cause instanceof LmappError) || text === '') throw cause
    const { code, message, hint, details } = cause
    throw new LmappError(code, message, { hint, details: { ...details, text }, cause })
  }
}
