import { type Batched, fromBatches, LmappError, type Part } from 'lmapp-kit'
import { type Fields, isFields, parseJson, toFields, toOptionalCount, toOptionalText } from '../json/fields.ts'
import {
  type AskedModel,
  createAnswer,
  type EventReader,
  malformedEvent,
  readEventParts,
  watchModel,
} from '../openai-wire/index.ts'
import { engine } from './connection.ts'
import { observeEvent } from './observe-event.ts'

export interface CompletionOptions {
  asked: AskedModel
  /** Text that has to come first, and is not given out. */
  withdrawn: string
  /** Its tokens, which are not counted as written. */
  withdrawnTokens: number
  /** As of `ReadOptions`. */
  alternatives?: number | undefined
}

/**
 * Parts out of the event stream of `/completion`, `finish` last. Throws `unsupported` when the withdrawn text does not
 * come again, and as `readChatCompletion` does.
 */
export function readCompletion(bytes: AsyncIterable<Uint8Array>, options: CompletionOptions): Batched<Part> {
  return fromBatches(readEventParts(bytes, createEventReader(options), engine))
}

function createEventReader(options: CompletionOptions): EventReader {
  const { asked, alternatives, withdrawnTokens } = options
  const answer = createAnswer({ ...{ engine, alternatives }, model: asked.name, observe: observeEvent })
  const watch = watchModel(engine, asked)
  const swallow = createSwallower(options)
  let over = false
  return {
    get over() {
      return over
    },
    get started() {
      return answer.started
    },
    take({ data }, parts) {
      const event = parseJson(data)
      // At once, unlike in a chat: what goes on with an answer must have no hole.
      if (!isFields(event)) throw malformedEvent(engine, data)
      const doubt = watch.see(event.model)
      if (doubt) return doubt
      answer.take(toChatEvent(event, swallow(event), withdrawnTokens), parts)
      if (event.stop === true) answer.end(parts)
      over = event.stop === true
      return undefined
    },
    incomplete: () => new LmappError('stream-incomplete', `The stream of ${engine} ended without its end marker.`),
  }
}

/** Takes away the withdrawn text. A stop sequence that begins within it ends the answer where it is. */
function createSwallower({ withdrawn, asked }: CompletionOptions): (event: Fields) => string {
  let due = withdrawn
  return ({ content, stop, stop_type }) => {
    const text = toOptionalText(content) ?? ''
    const shared = Math.min(due.length, text.length)
    const isAgain = due.slice(0, shared) === text.slice(0, shared)
    due = due.slice(shared)
    const isOver = stop === true && due !== '' && stop_type === 'eos'
    if (!isAgain || isOver) throw notAgain(asked.name)
    return text.slice(shared)
  }
}

/** Tells a native event in the words of a chat. */
function toChatEvent(event: Fields, text: string, withdrawnTokens: number): Fields {
  if (event.error !== undefined) return event
  const { timings, prompt_progress } = event
  // Those of a token that was withdrawn as a whole have no text.
  const logprobs = text === '' ? undefined : { content: event.completion_probabilities }
  const choice = { index: 0, delta: { content: text }, logprobs }
  if (event.stop !== true) return { choices: [choice], prompt_progress }
  const written = toOptionalCount(event.tokens_predicted) ?? 0
  return {
    choices: [{ ...choice, finish_reason: toReason(event.stop_type) }],
    timings,
    usage: {
      prompt_tokens: event.tokens_evaluated,
      completion_tokens: Math.max(0, written - withdrawnTokens),
      prompt_tokens_details: { cached_tokens: toFields(timings).cache_n },
    },
  }
}

function toReason(stopType: unknown): string {
  if (stopType === 'eos' || stopType === 'word') return 'stop'
  return stopType === 'limit' ? 'length' : 'other'
}

function notAgain(model: string): LmappError {
  return new LmappError('unsupported', `${model} does not write again what the answer ended with.`, {
    hint: 'Ask anew, or go on with another model: lmapp continue -m MODEL',
    details: { model, capability: 'continue' },
  })
}
