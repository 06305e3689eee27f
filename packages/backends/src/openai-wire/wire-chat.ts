import type { ChatRequest, Finish, Part, Warning } from 'lmapp-kit'
import { toChatBody } from './chat-body.ts'
import { type Continuation, type ContinuationSubject, withoutRepetition } from './continuation.ts'
import type { Dialect } from './dialect.ts'
import { checkFit, checkReading } from './fit.ts'
import { type StreamChatOptions, streamChat } from './stream-chat.ts'

export interface WireChatOptions extends Omit<StreamChatOptions, 'body' | 'engine' | 'model'> {
  dialect: Dialect
  /** What the engine serves the model with, prompt and answer together, in tokens, where that is known. */
  contextLength?: number
  /** Whether `prompt_tokens` is known to be the whole prompt, so that too few prove that it was cut. */
  countsPrompt: boolean
  continuation: Continuation
  /** What a proof of continuing holds for. */
  subject: ContinuationSubject
}

/**
 * One chat, honestly: what cannot be set is warned of, a prompt that cannot fit is refused, one that was cut is found out,
 * and an answer is continued only where a trial has proved it.
 */
export async function* chatOverWire(
  request: ChatRequest,
  options: WireChatOptions,
): AsyncGenerator<Part, void, undefined> {
  if (!request.continue) {
    yield* answer(request, options)
    return
  }
  const { engine } = options.dialect
  const manner = yield* options.continuation.assertProved(request, {
    ...options.subject,
    ask: (trial) => answer({ ...trial, model: request.model }, options),
  })
  const parts = answer(request, options)
  yield* manner === 'repeats' ? withoutRepetition(parts, { request, engine }) : parts
}

async function* answer(request: ChatRequest, options: WireChatOptions): AsyncGenerator<Part, void, undefined> {
  const { dialect, contextLength, countsPrompt } = options
  const near = checkFit(request, contextLength)
  const { body, warnings } = toChatBody(request, { dialect, ...(contextLength !== undefined && { contextLength }) })
  yield* [...warnings, ...near]
  const { engine } = dialect
  const alternatives = request.options?.logprobs
  const asksForLogprobs = alternatives !== undefined && dialect.logprobs
  let bare = false
  for await (const part of streamChat({ ...options, body, engine, model: request.model, alternatives })) {
    if (part.type !== 'finish') {
      bare ||= part.type === 'text-delta' && part.logprobs === undefined
      yield part
      continue
    }
    if (bare && asksForLogprobs) yield withoutLogprobs(engine)
    const warning = checkReading(request, part, { engine, exact: countsPrompt, contextLength })
    if (warning) yield warning
    yield withContext(part, contextLength)
  }
}

/** Some servers take no notice of what they do not know. */
function withoutLogprobs(engine: string): Warning {
  const message = `${engine} gave text without log probabilities.`
  return { type: 'warning', code: 'unsupported-setting', setting: 'options.logprobs', message }
}

/** Says in the usage how large the context was, where that is known. */
export function withContext(finish: Finish, contextLength: number | undefined): Finish {
  return contextLength === undefined ? finish : { ...finish, usage: { ...finish.usage, contextLength } }
}
