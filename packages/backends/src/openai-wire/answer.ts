import {
  type Finish,
  type FinishReason,
  holdBackPartialCharacter,
  LmappError,
  type Part,
  type Status,
  type Timings,
  type Usage,
  type Warning,
} from 'lmapp-kit'
import { type Fields, isFields, toFields, toList, toOptionalCount, toOptionalText } from '../json/fields.ts'
import { createTokenHold } from '../json/token-probabilities.ts'
import { toStreamError } from './engine-error.ts'
import type { AskedModel } from './model-watch.ts'
import { createToolCallAssembly } from './tool-calls.ts'

/** What an adapter finds in an event beyond the protocol. */
export interface Observation {
  /** Given before what the event itself holds. */
  parts?: readonly (Status | Warning)[]
  /** Of the finish; the last ones count. */
  timings?: Timings
}

export interface ReadOptions {
  /** The engine's name, for messages. */
  engine: string
  /** The model that was asked. */
  model?: string
  /** Where it is known which names mean the model: an answer for another one is not read. */
  asked?: AskedModel
  /** So many alternatives for each token are kept. Default: all that come. */
  alternatives?: number | undefined
  /** Sees each event first, also those without text. What it throws ends the answer. */
  observe?: (event: Fields) => Observation | undefined
}

/** One answer as its events tell it, whether they come as a stream or as a single one. */
export interface Answer {
  /** Whether anything of it came. */
  readonly started: boolean
  /** Takes one event, and adds what it brings to `parts`. Throws what an error event says. */
  take(event: Fields, parts: Part[]): void
  /** The end marker came. Throws `stream-incomplete` when no reason had come. */
  end(parts: Part[]): void
}

type DeltaType = 'text-delta' | 'reasoning-delta'

export function createAnswer(options: ReadOptions): Answer {
  const { engine, model, observe } = options
  const tools = createToolCallAssembly(engine)
  const held: Record<DeltaType, string> = { 'text-delta': '', 'reasoning-delta': '' }
  const tokens = createTokenHold(options.alternatives)
  let refused = false
  let reason: string | undefined
  let usage: Usage = {}
  let timings: Timings | undefined

  function generating(parts: Part[]): void {
    if (!answer.started) parts.push({ type: 'status', phase: 'generating' })
    answer.started = true
  }

  function takeText(type: DeltaType, text: string | undefined, parts: Part[]): void {
    if (text === undefined) return
    const { ready, held: rest } = holdBackPartialCharacter(held[type] + text)
    held[type] = rest
    if (ready === '') return
    generating(parts)
    parts.push(type === 'text-delta' ? tokens.tell({ type, text: ready }) : { type, text: ready })
  }

  function takeChoice(choice: Fields, parts: Part[]): void {
    const delta = isFields(choice.delta) ? choice.delta : toFields(choice.message)
    const reasoning = toReasoning(delta)
    const content = toContent(delta.content)
    const calls = toList(delta.tool_calls)
    const isOther = reasoning !== undefined || calls.length > 0
    if (isFields(choice.logprobs) && (content !== undefined || !isOther)) tokens.add(choice.logprobs.content)
    takeText('reasoning-delta', reasoning, parts)
    takeText('text-delta', content, parts)
    const refusal = toOptionalText(delta.refusal)
    refused ||= refusal !== undefined
    takeText('text-delta', refusal, parts)
    for (const fragment of calls) {
      generating(parts)
      tools.add(fragment)
    }
    reason = toOptionalText(choice.finish_reason) ?? reason
  }

  const answer = {
    started: false,
    take(event: Fields, parts: Part[]) {
      const failure = toFailure(event)
      if (failure !== undefined) throw toStreamError(failure, { engine, model, answered: answer.started })
      const seen = observe?.(event)
      if (seen?.parts) parts.push(...seen.parts)
      timings = seen?.timings ?? timings
      usage = isFields(event.usage) ? toUsage(event.usage) : usage
      const choice = toList(event.choices).find((item) => (toFields(item).index ?? 0) === 0)
      if (choice !== undefined) takeChoice(toFields(choice), parts)
    },
    end(parts: Part[]) {
      if (reason === undefined || reason === 'error') {
        throw new LmappError('stream-incomplete', `${engine} ended the stream without saying why the answer ended.`)
      }
      parts.push(...tools.calls())
      const finish: Finish = { type: 'finish', reason: toFinishReason(reason, refused, tools.size > 0), usage }
      parts.push(timings ? { ...finish, timings } : finish)
    },
  }
  return answer
}

/** What an event says that went wrong, if it does. */
function toFailure(event: Fields): unknown {
  if (event.object === 'error') return event
  return event.error === undefined || event.error === null ? undefined : event
}

/** vLLM and LM Studio write `reasoning`, llama.cpp and SGLang `reasoning_content`, some both: it is one text. */
function toReasoning(delta: Fields): string | undefined {
  return toOptionalText(delta.reasoning_content) ?? toOptionalText(delta.reasoning)
}

/** A text, or with some gateways a list of parts. */
function toContent(content: unknown): string | undefined {
  if (!Array.isArray(content)) return toOptionalText(content)
  return toOptionalText(content.flatMap((item) => toOptionalText(toFields(item).text) ?? []).join(''))
}

/** `prompt_tokens` is the whole prompt, what was cached included. SGLang counts reasoning beside the rest. */
function toUsage(fields: Fields): Usage {
  const inputTokens = toOptionalCount(fields.prompt_tokens)
  const outputTokens = toOptionalCount(fields.completion_tokens)
  const cachedTokens = toOptionalCount(toFields(fields.prompt_tokens_details).cached_tokens)
  const reasoningTokens =
    toOptionalCount(toFields(fields.completion_tokens_details).reasoning_tokens) ??
    toOptionalCount(fields.reasoning_tokens)
  return {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(cachedTokens !== undefined && { cachedTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
  }
}

/** The names of OpenAI, and those that gateways hand on from other engines. */
function toFinishReason(reason: string, refused: boolean, called: boolean): FinishReason {
  switch (reason) {
    case 'length':
    case 'max_tokens':
      return 'length'
    case 'content_filter':
      return 'content-filter'
    case 'stop':
    case 'eos':
    case 'eos_token':
    case 'end_turn':
    case 'stop_sequence':
      if (refused) return 'content-filter'
      return called ? 'tool-calls' : 'stop'
    case 'tool_calls':
    case 'tool_use':
    case 'function_call':
      return called ? 'tool-calls' : 'other'
    default:
      return 'other'
  }
}
