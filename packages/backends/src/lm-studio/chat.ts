import { type ChatRequest, LmappError, type Part } from 'lmapp-kit'
import { type Fields, toOptionalText } from '../json/fields.ts'
import {
  assertWellFormed,
  type Continuation,
  chatOverWire,
  commonDialect,
  type Dialect,
  type Observation,
} from '../openai-wire/index.ts'
import type { Catalogue } from './catalogue.ts'
import type { LmStudioConnection } from './connection.ts'
import type { LmStudioModel } from './models.ts'

export interface ChatDependencies {
  connection: LmStudioConnection
  catalogue: Catalogue
  continuation: Continuation
}

/** Settings as its documentation of `/v1/chat/completions` lists them; `tool_choice` is a word there. */
const dialect: Dialect = {
  ...commonDialect,
  engine: 'LM Studio',
  settings: { ...commonDialect.settings, topK: 'top_k', repeatPenalty: 'repeat_penalty' },
  namedToolChoice: false,
}

/** `signal` drops the connection at whatever stage, and LM Studio then stops. */
export async function* chatWithLmStudio(
  { connection, catalogue, continuation }: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<Part, void, undefined> {
  assertWellFormed(request)
  yield { type: 'status', phase: 'connecting' }
  const model = await catalogue.find(request.model, { signal })
  assertCan(model, request)
  const contextLength = contextOf(model, request.model)
  yield* chatOverWire(request, {
    connection,
    continuation,
    dialect,
    countsPrompt: true,
    signal,
    path: '/v1/chat/completions',
    // It loads what is asked for and not there, and sends no header until then.
    waitingPhase: model.info.loaded === false ? 'loading' : 'prompt',
    key: JSON.stringify([request.model, model.info.quantization, contextLength]),
    observe: watchName(request.model, model),
    ...(contextLength !== undefined && { contextLength }),
  })
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

/** LM Studio may answer with another model that happens to be loaded (lmstudio-ai/lmstudio-bug-tracker#1217). */
function watchName(asked: string, model: LmStudioModel) {
  const names = new Set([asked, model.info.id, ...model.instances.map(({ id }) => id)].map(toPlainName))
  return (event: Fields): Observation | undefined => {
    const answering = toOptionalText(event.model)
    if (answering === undefined || names.has(toPlainName(answering))) return undefined
    throw new LmappError('protocol-violation', `LM Studio was asked for ${asked}, and answers with ${answering}.`, {
      hint: 'Unload the other model, or load this one: lms load',
      details: { model: asked, answering },
    })
  }
}

/** Without the variant (`name@q4_k_m`) and without the number of the copy (`name:2`). */
function toPlainName(name: string): string {
  return name
    .replace(/:\d+$/, '')
    .replace(/@[^/]*$/, '')
    .toLowerCase()
}
