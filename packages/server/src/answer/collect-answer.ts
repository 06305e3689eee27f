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
  const texts: string[] = []
  const thoughts: string[] = []
  const toolCalls: ToolCall[] = []
  let logprobs: TokenProbability[] | undefined
  for await (const event of eachEvent(answer)) {
    if (event.type === 'text-delta') {
      texts.push(event.text)
      if (event.logprobs) logprobs = [...(logprobs ?? []), ...event.logprobs]
    } else if (event.type === 'reasoning-delta') thoughts.push(event.text)
    else if (event.type === 'tool-call') toolCalls.push(event)
    else if (event.type === 'end') {
      const text = texts.join('')
      return { text, reasoning: thoughts.join(''), toolCalls, logprobs, reason: goodEnd(event, text), end: event }
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
