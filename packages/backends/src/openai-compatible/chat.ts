import { type Batched, batches, type ChatRequest, fromBatches, isLmappError, LmappError, type Part } from 'lmapp-kit'
import {
  afterSteps,
  assertWellFormed,
  type Continuation,
  type ContinuationSubject,
  chatOverWire,
  type ListedModel,
  type PartSteps,
  withErrors,
} from '../openai-wire/index.ts'
import { toAskedModel } from './asked-model.ts'
import type { CompatibleConnection, Identity } from './connection.ts'

export interface ChatDependencies {
  /** Of the API. */
  url: string
  connection: CompatibleConnection
  continuation: Continuation
}

/** `signal` drops the connection at whatever stage, and the engine then stops. */
export function chatWithCompatible(
  dependencies: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): Batched<Part> {
  const { connection } = dependencies
  const answer = afterSteps(beginChat(dependencies, request, signal))
  return fromBatches(withErrors(answer, (error) => withKnownNames(error, connection, signal)))
}

async function* beginChat(
  { url, connection, continuation }: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): PartSteps {
  assertWellFormed(request)
  yield [{ type: 'status', phase: 'connecting' }]
  const identity = await connection.identify({ signal })
  const { dialect, countsPrompt } = identity.engine
  const { model } = request
  const entry = await findModel(connection, identity, model, signal)
  const chat = chatOverWire(request, {
    connection,
    continuation,
    dialect,
    countsPrompt,
    signal,
    subject: toSubject(identity, { url, model, entry }),
    asked: toAskedModel(connection, { model, entry }, { signal }),
    ...(entry?.servedContext !== undefined && { contextLength: entry.servedContext }),
  })
  return chat[batches]()
}

/** What a proof of continuing holds for. */
export function toSubject(
  { engine, version }: Identity,
  { url, model, entry }: { url: string; model: string; entry: ListedModel | undefined },
): ContinuationSubject {
  return {
    engine: engine.dialect.engine,
    ...(version !== undefined && { version }),
    model,
    facts: [url, entry?.root, entry?.info.sizeBytes, entry?.servedContext],
  }
}

/**
 * The entry of the list. Throws `model-not-found` where the list is complete: llama-server and SGLang would answer for
 * any name with the model they have.
 */
async function findModel(
  connection: CompatibleConnection,
  { engine, models }: Identity,
  model: string,
  signal: AbortSignal,
): Promise<ListedModel | undefined> {
  const remembered = findEntry(models, model)
  if (remembered || !engine.listsAll) return remembered
  const current = await connection.models({ signal })
  const found = findEntry(current, model)
  if (found) return found
  throw modelNotFound(engine.dialect.engine, model, current)
}

export function findEntry(models: readonly ListedModel[], model: string): ListedModel | undefined {
  const named = models.find(({ info, aliases }) => info.id === model || aliases.includes(model))
  // SGLang takes an adapter behind the name, as `model:adapter`.
  return named ?? models.find(({ info }) => model.startsWith(`${info.id}:`))
}

function modelNotFound(engine: string, model: string, models: readonly ListedModel[]): LmappError {
  return new LmappError('model-not-found', `${engine} has no model "${model}".`, {
    details: { name: model, known: models.map(({ info }) => info.id) },
  })
}

/** The same error; `model-not-found` gets the names that are there. */
export async function withKnownNames(
  error: unknown,
  connection: CompatibleConnection,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!isLmappError(error, 'model-not-found') || error.details?.known !== undefined) return error
  const models = await connection.models(signal ? { signal } : {}).catch(() => [])
  const details = { ...error.details, known: models.map(({ info }) => info.id) }
  return new LmappError(error.code, error.message, { hint: error.hint, details, cause: error })
}
