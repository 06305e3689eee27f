import {
  type Batched,
  batches,
  type ChatRequest,
  type Finish,
  fromBatches,
  type Part,
  toBatches,
  type Warning,
} from 'lmapp-kit'
import { toChatBody } from './chat-body.ts'
import { type Continuation, type ContinuationSubject, withoutRepetition } from './continuation.ts'
import type { Dialect } from './dialect.ts'
import { checkFit, checkReading } from './fit.ts'
import { afterSteps, oneByOne, type PartSteps } from './part-batches.ts'
import { type StreamChatOptions, streamChat } from './stream-chat.ts'

export interface WireChatOptions extends Omit<StreamChatOptions, 'body' | 'engine' | 'model' | 'see' | 'conclude'> {
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
export function chatOverWire(request: ChatRequest, options: WireChatOptions): Batched<Part> {
  return fromBatches(afterSteps(request.continue ? continueAnswer(request, options) : answer(request, options)))
}

async function* continueAnswer(request: ChatRequest, options: WireChatOptions): PartSteps {
  const { engine } = options.dialect
  const proof = options.continuation.assertProved(request, {
    ...options.subject,
    ask: (trial) => fromBatches(afterSteps(answer({ ...trial, model: request.model }, options))),
  })
  const manner = yield* oneByOne(proof)
  const parts = afterSteps(answer(request, options))
  if (manner === 'only-new') return parts
  return toBatches(withoutRepetition(fromBatches(parts), { request, engine }))
}

async function* answer(request: ChatRequest, options: WireChatOptions): PartSteps {
  const { dialect, contextLength, countsPrompt } = options
  const near = checkFit(request, contextLength)
  const { body, warnings } = toChatBody(request, { dialect, ...(contextLength !== undefined && { contextLength }) })
  if (warnings.length + near.length > 0) yield [...warnings, ...near]
  const { engine } = dialect
  const alternatives = request.options?.logprobs
  const asksForLogprobs = alternatives !== undefined && dialect.logprobs
  let bare = false
  const see = (parts: readonly Part[]) => {
    bare ||= parts.some((part) => part.type === 'text-delta' && part.logprobs === undefined)
  }
  const conclude = (finish: Finish, parts: Part[]) => {
    if (bare) parts.push(withoutLogprobs(engine))
    const warning = checkReading(request, finish, { engine, exact: countsPrompt, contextLength })
    if (warning) parts.push(warning)
    parts.push(withContext(finish, contextLength))
  }
  const { model } = request
  const wire = { ...options, body, engine, model, alternatives, conclude, ...(asksForLogprobs && { see }) }
  return streamChat(wire)[batches]()
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
