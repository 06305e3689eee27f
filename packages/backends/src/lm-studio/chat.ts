import { type Batched, batches, type ChatRequest, fromBatches, LmappError, type Part } from 'lmapp-kit'
import {
  afterSteps,
  assertWellFormed,
  type Continuation,
  type ContinuationSubject,
  chatOverWire,
  commonDialect,
  type Dialect,
  type PartSteps,
} from '../openai-wire/index.ts'
import { toAskedModel } from './asked-model.ts'
import type { Catalogue } from './catalogue.ts'
import type { LmStudioConnection } from './connection.ts'
import type { LmStudioModel } from './models.ts'

export interface ChatDependencies {
  connection: LmStudioConnection
  catalogue: Catalogue
  continuation: Continuation
}

/**
 * Settings as its documentation of `/v1/chat/completions` lists them; `tool_choice` is a word there. It takes no notice of
 * `logprobs` (lmstudio-ai/lms#60).
 */
const dialect: Dialect = {
  ...commonDialect,
  engine: 'LM Studio',
  settings: { ...commonDialect.settings, topK: 'top_k', repeatPenalty: 'repeat_penalty' },
  logprobs: false,
  namedToolChoice: false,
}

/** `signal` drops the connection at whatever stage, and LM Studio then stops. */
export function chatWithLmStudio(
  dependencies: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): Batched<Part> {
  return fromBatches(afterSteps(beginChat(dependencies, request, signal)))
}

async function* beginChat(
  { connection, catalogue, continuation }: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): PartSteps {
  assertWellFormed(request)
  yield [{ type: 'status', phase: 'connecting' }]
  const model = await catalogue.find(request.model, { signal })
  assertCan(model, request)
  const contextLength = contextOf(model, request.model)
  const chat = chatOverWire(request, {
    connection,
    continuation,
    dialect,
    countsPrompt: true,
    signal,
    path: '/v1/chat/completions',
    // It loads what is asked for and not there, and sends no header until then.
    waitingPhase: model.info.loaded === false ? 'loading' : 'prompt',
    subject: toSubject(model),
    asked: toAskedModel(catalogue, request.model, model, { signal }),
    ...(contextLength !== undefined && { contextLength }),
  })
  return chat[batches]()
}

/** What a proof of continuing holds for. LM Studio tells its version nowhere over HTTP. */
export function toSubject({ info }: LmStudioModel): ContinuationSubject {
  return { engine: dialect.engine, model: info.id, facts: [info.quantization, info.sizeBytes] }
}

function assertCan({ info }: LmStudioModel, { messages }: ChatRequest): void {
  const { chat, vision } = info.capabilities ?? {}
  const shows = messages.some(({ content }) => content.some(({ type }) => type === 'image'))
  const missing = chat === 'no' ? 'chat' : vision === 'no' && shows ? 'vision' : undefined
  if (missing === undefined) return
  const message = missing === 'chat' ? `${info.id} embeds, and does not chat.` : `${info.id} cannot see images.`
  throw new LmappError('unsupported', message, { details: { model: info.id, capability: missing } })
}

/** Of the copy that is named, else of any that may answer. */
function contextOf({ instances }: LmStudioModel, name: string): number | undefined {
  const named = instances.filter(({ id }) => id === name)
  const contexts = (named.length > 0 ? named : instances).flatMap(({ contextLength }) => contextLength ?? [])
  return contexts.length > 0 ? Math.min(...contexts) : undefined
}
