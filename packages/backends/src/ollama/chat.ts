import {
  type Capabilities,
  type ChatRequest,
  isLmappError,
  LmappError,
  type Part,
  type Status,
  type Warning,
} from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import { withUsefulHint } from '../text-measure/index.ts'
import { type Asked, readAnswer } from './answer.ts'
import type { Catalogue } from './catalogue.ts'
import { type ChatBody, toChatBody, warningsFor } from './chat-body.ts'
import { planContext } from './context.ts'
import type { Continuation } from './continuation/index.ts'
import { normalizeModelName } from './model-name.ts'
import { type Sender, sendUntilHeaders } from './send.ts'

export interface ChatDependencies extends Sender {
  continuation: Continuation
}

/** `signal` drops the connection at whatever stage, and Ollama then stops. */
export async function* chatWithOllama(
  dependencies: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<Part, void, undefined> {
  const { connection, catalogue, continuation } = dependencies
  const model = normalizeModelName(request.model)
  assertWellFormed(request)
  yield { type: 'status', phase: 'connecting' }
  const { version } = await connection.identify({ signal })
  const { body, isWhole, warnings } = await prepare(catalogue, request, { model, version }, signal)
  yield* warnings
  const asked = { request, body, version }
  try {
    yield* request.continue ? continuation.run(asked, signal) : answer(dependencies, asked, signal)
  } catch (error) {
    throw withUsefulHint(await catalogue.withKnownNames(error, { signal }), isWhole)
  }
}

async function* answer(sender: Sender, asked: Asked, signal: AbortSignal): AsyncGenerator<Part, void, undefined> {
  let response: HttpResponse | undefined
  try {
    response = yield* sendChat(sender, asked.body, signal)
    yield { type: 'status', phase: 'generating' }
    yield* readAnswer(response, asked)
  } finally {
    response?.close()
  }
}

async function prepare(
  catalogue: Catalogue,
  request: ChatRequest,
  { model, version }: { model: string; version: string },
  signal: AbortSignal,
): Promise<{ body: ChatBody; isWhole: boolean; warnings: Warning[] }> {
  const plan = planContext(request, await catalogue.contextFacts(model, { signal }))
  catalogue.planned(model, plan.contextLength)
  const can = (await catalogue.details(model, { signal }))?.info.capabilities ?? {}
  assertSees(request, can)
  const thinks = can.reasoning === undefined ? undefined : can.reasoning === 'yes'
  return {
    isWhole: plan.isWhole,
    body: toChatBody(request, { model, contextLength: plan.contextLength, thinks, version }),
    warnings: [...warningsFor(request, { thinks, version }), ...plan.warnings],
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

/** Most models know no levels of thinking and say so; they are then asked to think, and that is said. */
async function* sendChat(
  sender: Sender,
  body: ChatBody,
  signal: AbortSignal,
): AsyncGenerator<Status | Warning, HttpResponse, undefined> {
  try {
    return yield* sendUntilHeaders(sender, { path: '/api/chat', body }, signal)
  } catch (error) {
    if (typeof body.think !== 'string' || !isLmappError(error, 'unsupported')) throw error
    const message = `${body.model} knows no levels of reasoning: it reasons as it does.`
    yield { type: 'warning', code: 'unsupported-setting', setting: 'reasoning', message }
    const plain: ChatBody = { ...body, think: true }
    return yield* sendUntilHeaders(sender, { path: '/api/chat', body: plain }, signal)
  }
}
