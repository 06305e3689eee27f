import { setTimeout } from 'node:timers/promises'
import {
  type Capabilities,
  type ChatRequest,
  type Finish,
  isLmappError,
  LmappError,
  type Part,
  type Phase,
  type Status,
  type Warning,
} from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import { checkPromptWasRead, withUsefulHint } from '../text-measure/index.ts'
import type { Catalogue } from './catalogue.ts'
import { type ChatBody, toChatBody, warningsFor } from './chat-body.ts'
import { readChatStream } from './chat-stream.ts'
import type { OllamaConnection } from './connection.ts'
import { planContext } from './context.ts'
import type { Continuation } from './continuation.ts'
import { normalizeModelName } from './model-name.ts'
import { countsWholePrompt } from './version.ts'

export interface ChatDependencies {
  connection: OllamaConnection
  catalogue: Catalogue
  continuation: Continuation
}

/** `signal` drops the connection at whatever stage, and Ollama then stops. */
export async function* chatWithOllama(
  { connection, catalogue, continuation }: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<Part, void, undefined> {
  const model = normalizeModelName(request.model)
  assertWellFormed(request)
  yield toStatus('connecting')
  const { version } = await connection.identify({ signal })
  if (request.continue) yield* continuation.assertProved(request, model, signal)
  const { body, isWhole, warnings } = await prepare(catalogue, request, model, signal)
  yield* warnings
  let response: HttpResponse | undefined
  try {
    response = yield* sendUntilHeaders({ connection, catalogue }, body, signal)
    yield toStatus('generating')
    for await (const part of readChatStream(response.bytes())) {
      if (part.type !== 'finish') {
        yield part
        continue
      }
      const warning = checkReading(request.messages, part, body, version)
      if (warning) yield warning
      response.release()
      yield { ...part, usage: { ...part.usage, contextLength: body.options.num_ctx } }
    }
  } catch (error) {
    throw withUsefulHint(await catalogue.withKnownNames(error, { signal }), isWhole)
  } finally {
    response?.close()
  }
}

async function prepare(
  catalogue: Catalogue,
  request: ChatRequest,
  model: string,
  signal: AbortSignal,
): Promise<{ body: ChatBody; isWhole: boolean; warnings: Warning[] }> {
  const plan = planContext(request, await catalogue.contextFacts(model, { signal }))
  catalogue.planned(model, plan.contextLength)
  const can = (await catalogue.details(model, { signal }))?.info.capabilities ?? {}
  assertSees(request, can)
  const thinks = can.reasoning === undefined ? undefined : can.reasoning === 'yes'
  return {
    isWhole: plan.isWhole,
    body: toChatBody(request, { model, contextLength: plan.contextLength, thinks }),
    warnings: [...warningsFor(request, { thinks }), ...plan.warnings],
  }
}

function assertWellFormed({ messages, continue: continues }: ChatRequest): void {
  if (messages.length === 0) throw new LmappError('bad-input', 'There is no message to answer.')
  if (!continues || messages.at(-1)?.role === 'assistant') return
  throw new LmappError('bad-input', 'Only an answer can be continued, and the last message is none.')
}

/** Ollama itself drops the image, or hands the model its number. */
function assertSees({ messages, model }: ChatRequest, { vision }: Capabilities): void {
  if (vision !== 'no' || !messages.some(({ content }) => content.some(({ type }) => type === 'image'))) return
  throw new LmappError('unsupported', `${model} cannot see images.`, { details: { model, capability: 'vision' } })
}

type Sender = Pick<ChatDependencies, 'connection' | 'catalogue'>

/** Most models know no levels of thinking and say so; they are then asked to think, and that is said. */
async function* sendUntilHeaders(
  sender: Sender,
  body: ChatBody,
  signal: AbortSignal,
): AsyncGenerator<Status | Warning, HttpResponse, undefined> {
  try {
    return yield* sendOnce(sender, body, signal)
  } catch (error) {
    if (typeof body.think !== 'string' || !isLmappError(error, 'unsupported')) throw error
    const message = `${body.model} knows no levels of reasoning: it reasons as it does.`
    yield { type: 'warning', code: 'unsupported-setting', setting: 'reasoning', message }
    return yield* sendOnce(sender, { ...body, think: true }, signal)
  }
}

/**
 * Ollama sends no header until the first token: not while the model loads, which may take minutes, nor while it reads
 * the prompt. One look at what is in memory, beside the request, tells which of the two it is about to do.
 */
async function* sendOnce(
  { connection, catalogue }: Sender,
  body: ChatBody,
  signal: AbortSignal,
): AsyncGenerator<Status, HttpResponse, undefined> {
  const left = new AbortController()
  const whileHere = AbortSignal.any([signal, left.signal])
  const sent = connection.request({ method: 'POST', path: '/api/chat', body, model: body.model, signal: whileHere })
  sent.catch(() => {})
  const answered = new AbortController()
  let response: HttpResponse | undefined
  try {
    const first = await Promise.race([sent, nextPhase(catalogue, body, AbortSignal.any([whileHere, answered.signal]))])
    if (typeof first === 'string' && first !== '') yield toStatus(first)
    response = await sent
    return response
  } finally {
    answered.abort()
    if (!response) left.abort()
  }
}

/** An engine that answers sooner need not be asked what it is about to do, and is not held up by the question. */
const lookAfterMs = 50

/** Nothing when Ollama does not say. */
async function nextPhase(catalogue: Catalogue, body: ChatBody, signal: AbortSignal): Promise<Phase | ''> {
  try {
    await setTimeout(lookAfterMs, undefined, { signal })
    const all = await catalogue.loaded({ signal })
    if (!all) return ''
    const loaded = all.find((model) => model.id === body.model)
    const asWanted = loaded && (loaded.contextLength ?? body.options.num_ctx) === body.options.num_ctx
    return asWanted ? 'prompt' : 'loading'
  } catch {
    return ''
  }
}

function checkReading(
  messages: ChatRequest['messages'],
  finish: Finish,
  body: ChatBody,
  version: string,
): Warning | undefined {
  const { inputTokens, cachedTokens } = finish.usage
  return checkPromptWasRead(messages, {
    engine: 'Ollama',
    ...(inputTokens !== undefined && { readTokens: inputTokens }),
    contextLength: body.options.num_ctx,
    exact: cachedTokens !== undefined || countsWholePrompt(version),
  })
}

function toStatus(phase: Phase): Status {
  return { type: 'status', phase }
}
