import type { Backend, CallOptions } from '../backend.ts'
import { LmappError } from '../errors/lmapp-error.ts'
import type { Finish } from '../part.ts'
import { type Connection, type IncomingCall, unknownMethod } from '../protocol/connection.ts'
import { readFileValue, writeFileValue } from '../protocol/file-value.ts'
import type { EmbedResult, FileValue, HelloParams, ListModelsResult, RequestId } from '../protocol/messages.ts'
import { toVectorBytes } from '../protocol/vectors.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import {
  parseChatParams,
  parseChatRequest,
  parseLarge,
  parseMessages,
  parseModel,
  parseStrings,
  parseTools,
  resolveLarge,
} from './parse-params.ts'

/** What the methods of one opened plugin work with. */
export interface Session {
  backend: Backend
  hello: HelloParams
  connection: Connection
  /** Of the chats that run. */
  outboxes: Map<RequestId, Outbox>
}

type Method = (session: Session, params: unknown, call: IncomingCall) => unknown

/** Every method of the contract but `hello`, over a `Backend`. */
export const methods: Readonly<Record<string, Method>> = {
  start: ({ backend }, _params, call) => backend.start(call),
  stop: ({ backend }) => backend.stop(),
  is_running: ({ backend }, _params, call) => backend.isRunning(call),
  get_info: ({ backend }, _params, call) => backend.getInfo(call),
  chat: answerChat,
  list_models: async ({ backend }, _params, call): Promise<ListModelsResult> => ({
    models: await backend.listModels(call),
  }),
  show_model: (session, params, call) => optional(session, 'show_model', 'showModel')(parseModel(params), call),
  load_model: (session, params, call) => optional(session, 'load_model', 'loadModel')(parseModel(params), call),
  unload_model: (session, params, call) => optional(session, 'unload_model', 'unloadModel')(parseModel(params), call),
  remove_model: (session, params, call) => optional(session, 'remove_model', 'removeModel')(parseModel(params), call),
  pull_model: answerPull,
  count_tokens: answerCountTokens,
  embed: answerEmbed,
}

type OptionalMethod = 'showModel' | 'embed' | 'countTokens' | 'loadModel' | 'unloadModel' | 'pullModel' | 'removeModel'

function optional<Name extends OptionalMethod>({ backend }: Session, method: string, name: Name) {
  const implementation = backend[name]
  if (!implementation) throw unknownMethod(method)
  return implementation.bind(backend) as NonNullable<Backend[Name]>
}

async function answerChat(session: Session, params: unknown, { id, signal }: IncomingCall): Promise<Finish> {
  const { request, credit } = parseChatParams(params)
  const chatRequest = parseChatRequest(await resolveLarge(request, readerOf(session)))
  const outbox = createOutbox({ connection: session.connection, id, credit, signal })
  session.outboxes.set(id, outbox)
  try {
    const finish = await forward(session.backend.chat(chatRequest, { signal }), outbox)
    await outbox.drain()
    return finish
  } catch (error) {
    await outbox.drain()
    throw error
  } finally {
    session.outboxes.delete(id)
  }
}

async function forward(parts: ReturnType<Backend['chat']>, outbox: Outbox): Promise<Finish> {
  for await (const part of parts) {
    if (part.type === 'finish') return part
    const room = outbox.add(part)
    if (room) await room
  }
  throw new LmappError('stream-incomplete', 'The engine ended the answer without saying how.')
}

async function answerPull(
  session: Session,
  params: unknown,
  { id, signal }: IncomingCall,
): Promise<{ status: string }> {
  const pull = optional(session, 'pull_model', 'pullModel')
  for await (const { done, ...step } of pull(parseModel(params), { signal })) {
    if (done) return { status: step.status }
    if (!session.connection.notify('pull_progress', { id, ...step })) await session.connection.drained()
  }
  throw new LmappError('download-failed', 'The engine ended the download without saying how.')
}

function answerCountTokens(session: Session, params: unknown, options: CallOptions): unknown {
  const countTokens = optional(session, 'count_tokens', 'countTokens')
  return withLarge(session, params, 'messages', (model, value) =>
    countTokens({ model, messages: parseMessages(value), ...parseTools(params) }, options),
  )
}

function answerEmbed(session: Session, params: unknown, options: CallOptions): unknown {
  const embed = optional(session, 'embed', 'embed')
  return withLarge(session, params, 'input', async (model, value): Promise<EmbedResult> => {
    const { vectors, inputTokens } = await embed({ model, input: parseStrings(value, 'input') }, options)
    return {
      vectors: await toWire(session.hello, vectors),
      dimensions: vectors[0]?.length ?? 0,
      ...(inputTokens !== undefined && { inputTokens }),
    }
  })
}

async function toWire(hello: HelloParams, vectors: Float32Array[]): Promise<string[] | FileValue> {
  const bytes = toVectorBytes(vectors)
  if (bytes.byteLength > hello.limits.inlineLimitBytes) return await writeFileValue(hello.exchangeDir, bytes)
  return vectors.map((vector) => Buffer.from(toVectorBytes([vector])).toString('base64'))
}

async function withLarge<Result>(
  session: Session,
  params: unknown,
  member: string,
  use: (model: string, value: unknown) => Promise<Result>,
): Promise<Result> {
  const { model, large } = parseLarge(params, member)
  return await use(model, await resolveLarge(large, readerOf(session)))
}

function readerOf({ hello }: Session): (file: FileValue) => Promise<Buffer> {
  return (file) => readFileValue(hello.exchangeDir, file)
}
