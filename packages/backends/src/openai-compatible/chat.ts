import { type ChatRequest, isLmappError, LmappError, type Part, type Warning } from 'lmapp-kit'
import { type Fields, toOptionalText } from '../json/fields.ts'
import { assertWellFormed, type Continuation, chatOverWire, type ListedModel } from '../openai-wire/index.ts'
import type { CompatibleConnection, Identity } from './connection.ts'

export interface ChatDependencies {
  connection: CompatibleConnection
  continuation: Continuation
}

/** `signal` drops the connection at whatever stage, and the engine then stops. */
export async function* chatWithCompatible(
  { connection, continuation }: ChatDependencies,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<Part, void, undefined> {
  assertWellFormed(request)
  yield { type: 'status', phase: 'connecting' }
  const identity = await connection.identify({ signal })
  const { dialect, countsPrompt } = identity.engine
  const entry = await findModel(connection, identity, request.model, signal)
  yield* chatOverWire(request, {
    connection,
    continuation,
    dialect,
    countsPrompt,
    signal,
    key: JSON.stringify([dialect.engine, identity.version, request.model, entry?.servedContext]),
    ...(entry?.servedContext !== undefined && { contextLength: entry.servedContext }),
    ...(!entry && { observe: watchName(request.model, dialect.engine) }),
  })
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
  // SGLang takes an adapter behind the name, as `model:adapter`.
  const isIt = ({ info, aliases }: ListedModel) =>
    info.id === model || aliases.includes(model) || model.startsWith(`${info.id}:`)
  const remembered = models.find(isIt)
  if (remembered || !engine.listsAll) return remembered
  const current = await connection.models({ signal })
  const found = current.find(isIt)
  if (found) return found
  throw modelNotFound(engine.dialect.engine, model, current)
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

/** A server may answer with another model than it was asked for; gateways complete the name. Said once. */
function watchName(model: string, engine: string) {
  let said = false
  return (event: Fields): { parts: Warning[] } | undefined => {
    const answering = toOptionalText(event.model)
    if (said || answering === undefined || answering.startsWith(model) || model.endsWith(`/${answering}`))
      return undefined
    said = true
    const message = `${engine} was asked for ${model}, and answers with ${answering}.`
    return { parts: [{ type: 'warning', code: 'other', message }] }
  }
}
