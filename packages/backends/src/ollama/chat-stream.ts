import { randomUUID } from 'node:crypto'
import {
  type Finish,
  type FinishReason,
  LmappError,
  type Part,
  readLines,
  type Timings,
  type ToolCall,
  type Usage,
} from 'lmapp-kit'
import { type Fields, isFields, parseJson, toFields, toList, toOptionalCount, toOptionalText } from '../json/fields.ts'
import { createTokenHold } from '../json/token-probabilities.ts'
import { assertAnsweredFor, toStreamError } from './engine-error.ts'

/** A line holds one token or one whole tool call; nothing that long is either. */
const maxLineBytes = 8 * 1024 * 1024

/**
 * Parts out of the NDJSON of `/api/chat` or `/api/generate`, `finish` last. Throws `wrong-model`, `stream-incomplete`
 * without `done: true`, `stream-malformed` when a line was no message (after all that was good), and what an error line
 * says.
 */
export async function* readChatStream(
  bytes: AsyncIterable<Uint8Array>,
  { model }: { model: string },
): AsyncGenerator<Part, void, undefined> {
  let answered = false
  let called = false
  let unreadable: string | undefined
  const tokens = createTokenHold()
  for await (const line of withCause(readLines(bytes, { maxBytes: maxLineBytes }), () => answered)) {
    if (line.trim() === '') continue
    const message = parseJson(line)
    if (!isFields(message)) {
      unreadable ??= line
      continue
    }
    const said = toOptionalText(message.error)
    if (said !== undefined) throw toStreamError(said, answered)
    assertAnsweredFor(model, message)
    const deltas = toDeltas(message)
    if (deltas.every(({ type }) => type === 'text-delta')) tokens.add(message.logprobs)
    for (const part of deltas) {
      answered = true
      called ||= part.type === 'tool-call'
      yield part.type === 'text-delta' ? tokens.tell(part) : part
    }
    if (message.done !== true) continue
    if (unreadable !== undefined) throw malformed(unreadable)
    yield toFinish(message, called)
    return
  }
  throw new LmappError('stream-incomplete', 'The stream of Ollama ended without its end marker.', {
    ...(unreadable !== undefined && { details: { line: unreadable.slice(0, 200) } }),
  })
}

/** Before the first token a broken connection is a failed request; what came until then cannot be lost. */
async function* withCause(lines: AsyncIterable<string>, answered: () => boolean): AsyncGenerator<string> {
  try {
    yield* lines
  } catch (error) {
    if (!(error instanceof LmappError) || error.code !== 'engine-died' || answered()) throw error
    throw new LmappError('engine-failed', 'Ollama closed the connection before its first token.', { cause: error })
  }
}

function toDeltas(message: Fields): (Part & { type: 'text-delta' | 'reasoning-delta' | 'tool-call' })[] {
  const { thinking, content, tool_calls: calls } = toFields(message.message)
  const reasoning = toOptionalText(thinking)
  const text = toOptionalText(content) ?? toOptionalText(message.response)
  return [
    ...(reasoning === undefined ? [] : [{ type: 'reasoning-delta' as const, text: reasoning }]),
    ...(text === undefined ? [] : [{ type: 'text-delta' as const, text }]),
    ...toList(calls).map(toToolCall),
  ]
}

/** Older versions give no id. */
function toToolCall(value: unknown): ToolCall {
  const { id, function: called } = toFields(value)
  const { name, arguments: given } = toFields(called)
  return {
    type: 'tool-call',
    id: toOptionalText(id) ?? `call_${randomUUID().slice(0, 8)}`,
    name: toOptionalText(name) ?? '',
    arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
  }
}

function toFinish(message: Fields, called: boolean): Finish {
  return {
    type: 'finish',
    reason: toReason(message.done_reason, called),
    usage: toUsage(message),
    timings: toTimings(message),
  }
}

/** `load` and `unload` answer requests without messages. Old versions give no reason with a normal end. */
function toReason(reason: unknown, called: boolean): FinishReason {
  if (reason === 'length') return 'length'
  if (reason !== undefined && reason !== '' && reason !== 'stop') return 'other'
  return called ? 'tool-calls' : 'stop'
}

/**
 * `prompt_eval_count` includes what was cached, and `prompt_eval_cached_count` (since 0.33) says how much that was;
 * a count of cached tokens that is larger can only stand beside one of processed tokens.
 */
function toUsage(message: Fields): Usage {
  const counted = toOptionalCount(message.prompt_eval_count)
  const cached = toOptionalCount(message.prompt_eval_cached_count)
  const input = cached !== undefined && cached > (counted ?? 0) ? cached + (counted ?? 0) : counted
  const output = toOptionalCount(message.eval_count)
  return {
    ...(input !== undefined && { inputTokens: input }),
    ...(output !== undefined && { outputTokens: output }),
    ...(cached !== undefined && { cachedTokens: cached }),
  }
}

/** Durations come in nanoseconds. */
function toTimings(message: Fields): Timings {
  const load = toOptionalCount(message.load_duration)
  const prompt = toOptionalCount(message.prompt_eval_duration)
  const generation = toOptionalCount(message.eval_duration)
  return {
    ...(load !== undefined && { loadMs: load / 1e6 }),
    ...(prompt !== undefined && { promptMs: prompt / 1e6 }),
    ...(generation !== undefined && { generationMs: generation / 1e6 }),
  }
}

function malformed(line: string): LmappError {
  return new LmappError('stream-malformed', 'A line in the stream of Ollama was no message.', {
    details: { line: line.slice(0, 200) },
  })
}
