import {
  type Batched,
  batches,
  type ChatRequest,
  type Finish,
  fromBatches,
  LmappError,
  type Part,
  type Status,
  toBatches,
  type Warning,
} from 'lmapp-kit'
import {
  afterSteps,
  assertWellFormed,
  type PartSteps,
  streamChat,
  toChatBody,
  withContext,
} from '../openai-wire/index.ts'
import { toAskedModel } from './asked-model.ts'
import { type Catalogue, isStillLoading, loadingPauseMs, pauseFor, type ServedModel } from './catalogue.ts'
import { engine, type LlamaServerConnection } from './connection.ts'
import { checkPromptFits, checkPromptWasRead, contextOf, hasImages } from './context.ts'
import type { Continuing } from './continuing.ts'
import { toDialect, withoutIdleReasoning } from './dialect.ts'
import { observeEvent } from './observe-event.ts'
import type { ModelProps } from './props.ts'

export interface ChatDependencies {
  connection: LlamaServerConnection
  catalogue: Catalogue
  continuing: Continuing
}

/** `signal` drops the connection at whatever stage, and the server then frees the slot. */
export function chatWithLlamaServer(
  dependencies: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): Batched<Part> {
  return fromBatches(chatWhenLoaded(dependencies, request, signal))
}

async function* chatWhenLoaded(
  dependencies: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly Part[], void, undefined> {
  assertWellFormed(request)
  yield [{ type: 'status', phase: 'connecting' }]
  for (let tries = 0; ; tries += 1) {
    try {
      for await (const parts of afterSteps(chatOnce(dependencies, request, signal))) yield parts
      return
    } catch (error) {
      if (!isStillLoading(error)) throw error
      // Said once: a phase that is told anew counts as moving.
      if (tries === 0) yield [toLoading()]
      await pauseFor(loadingPauseMs, { signal })
      await dependencies.catalogue.whenLoaded({ signal })
    }
  }
}

/** Throws `busy` before the first token while the server loads. */
async function* chatOnce(
  { connection, catalogue, continuing }: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): PartSteps {
  const model = await catalogue.find(request.model, { signal })
  if (model.state !== 'ready') yield [toLoading()]
  const props = await catalogue.props(model, { signal })
  assertAble(request, props)
  if (request.continue) {
    const { version } = await catalogue.whenLoaded({ signal })
    return toBatches(inContext(continuing.run({ request, model, props }, version, signal), props))
  }
  const { body, warnings } = toBody(request, model, props)
  if (warnings.length > 0) yield warnings
  const { tokens, warning } = await checkPromptFits(connection, { request, body, props }, { signal })
  if (warning) yield [warning]
  const path = '/v1/chat/completions'
  const asked = toAskedModel(catalogue, request.model, model, { signal })
  const options = {
    ...{ connection, body, path, signal, engine, model: request.model, asked, observe: observeEvent },
    alternatives: request.options?.logprobs,
    conclude(finish: Finish, parts: Part[]) {
      const cut = checkPromptWasRead(finish, { tokens, contextLength: contextOf({ ...request, options: {} }, props) })
      if (cut) parts.push(cut)
      parts.push(withContext(finish, props.contextLength))
    },
  }
  return streamChat(options)[batches]()
}

async function* inContext(parts: AsyncIterable<Part>, { contextLength }: ModelProps): AsyncGenerator<Part> {
  for await (const part of parts) yield part.type === 'finish' ? withContext(part, contextLength) : part
}

function toLoading(): Status {
  return { type: 'status', phase: 'loading' }
}

/** The server itself says 500 to an image. */
function assertAble(request: ChatRequest, props: ModelProps): void {
  const { model, messages } = request
  if (props.vision === 'no' && hasImages({ messages })) {
    throw new LmappError('unsupported', `${model} cannot see images.`, {
      hint: 'Start llama-server with the projector of a model that sees (--mmproj), or choose another: lmapp models list',
      details: { model, capability: 'vision' },
    })
  }
  assertCallsTools(request, props)
}

type Calling = Pick<ChatRequest, 'model' | 'tools' | 'toolChoice'>

/** The server itself drops tools in silence. */
export function assertCallsTools({ model, tools = [], toolChoice }: Calling, props: ModelProps): void {
  if (props.tools !== 'no' || tools.length === 0 || toolChoice === 'none') return
  throw new LmappError('unsupported', `${model} cannot call tools: its template has no place for them.`, {
    hint: 'Choose another model: lmapp models list',
    details: { model, capability: 'tools' },
  })
}

function toBody(request: ChatRequest, { wireName }: ServedModel, props: ModelProps) {
  const thinks = props.reasoning !== 'no'
  const options = {
    dialect: toDialect(props),
    model: wireName,
    ...(props.contextLength && { contextLength: props.contextLength }),
  }
  const { body, warnings } = toChatBody(withoutIdleReasoning(request, props), options)
  return { body, warnings: [...(thinks || !request.reasoning ? [] : [doesNotReason(request.model)]), ...warnings] }
}

function doesNotReason(model: string): Warning {
  return {
    type: 'warning',
    code: 'unsupported-setting',
    setting: 'reasoning',
    message: `${model} does not reason.`,
  }
}
