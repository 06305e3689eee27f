import { type CallOptions, type ErrorCode, isLmappError, LmappError, type ModelInfo } from 'lmapp-kit'
import type { OllamaConnection } from './connection.ts'
import type { ContextFacts } from './context.ts'
import { normalizeModelName } from './model-name.ts'
import { type LoadedModel, type ModelDetails, parseLoadedModels, parseModelDetails, parseModelList } from './models.ts'

/** What Ollama knows of its models; names are normalised. */
export interface Catalogue {
  list(options?: CallOptions): Promise<ModelInfo[]>
  /** Undefined where Ollama does not say. */
  loaded(options?: CallOptions): Promise<LoadedModel[] | undefined>
  /** Throws `model-not-found` with the known names. */
  show(model: string, options?: CallOptions): Promise<ModelInfo>
  /** Details as a chat needs them: remembered, and undefined where Ollama does not say. */
  details(model: string, options?: CallOptions): Promise<ModelDetails | undefined>
  contextFacts(model: string, options?: CallOptions): Promise<ContextFacts>
  /** Remembers the context that was asked for, until Ollama is restarted or the model changes. */
  planned(model: string, contextLength: number): void
  forget(model: string): void
  /** The same error; `model-not-found` gets the names that are there. */
  withKnownNames(error: unknown, options?: CallOptions): Promise<unknown>
}

/** A chat goes on without what Ollama could not tell: its own answer is then the one that counts. */
const dispensable: readonly ErrorCode[] = ['model-not-found', 'engine-failed', 'protocol-violation', 'bad-input']

export function createCatalogue(connection: OllamaConnection): Catalogue {
  let epoch = connection.epoch
  const remembered = new Map<string, { details?: ModelDetails | undefined; contextLength?: number }>()

  /** What was learnt before Ollama was restarted counts no more. */
  const memoryOf = (model: string) => {
    if (connection.epoch !== epoch) remembered.clear()
    epoch = connection.epoch
    const memory = remembered.get(model) ?? {}
    remembered.set(model, memory)
    return memory
  }

  const showDetails = async (model: string, options: CallOptions) =>
    parseModelDetails(await connection.json({ method: 'POST', path: '/api/show', body: { model }, model, ...options }))

  const currentContext = async (model: string, options: CallOptions) => {
    const memory = memoryOf(model)
    if (memory.contextLength !== undefined) return memory.contextLength
    const loaded = await catalogue.loaded(options)
    return loaded?.find((entry) => entry.id === model)?.contextLength
  }

  const catalogue: Catalogue = {
    async loaded(options = {}) {
      const answer = await unlessDispensable(connection.json({ method: 'GET', path: '/api/ps', ...options }))
      return answer === undefined ? undefined : parseLoadedModels(answer)
    },
    async list(options = {}) {
      const loaded = (await catalogue.loaded(options)) ?? []
      return parseModelList(await connection.json({ method: 'GET', path: '/api/tags', ...options }), loaded)
    },
    async show(model, options = {}) {
      const id = normalizeModelName(model)
      try {
        const { info } = await showDetails(id, options)
        const listed = (await catalogue.list(options)).find((entry) => entry.id === id)
        return { ...listed, ...info, id }
      } catch (error) {
        throw await catalogue.withKnownNames(error, options)
      }
    },
    async details(model, options = {}) {
      const memory = memoryOf(model)
      memory.details ??= await unlessDispensable(showDetails(model, options))
      return memory.details
    },
    async contextFacts(model, options = {}) {
      const details = await catalogue.details(model, options)
      const limit = details?.info.contextLength
      const current = await currentContext(model, options)
      return {
        ...(limit !== undefined && { limit }),
        ...(current !== undefined && { current }),
        ...(details?.presetContext !== undefined && { preset: details.presetContext }),
      }
    },
    planned(model, contextLength) {
      memoryOf(model).contextLength = contextLength
    },
    forget(model) {
      remembered.delete(model)
    },
    async withKnownNames(error, options = {}) {
      if (!isLmappError(error, 'model-not-found')) return error
      const models = (await unlessDispensable(catalogue.list(options))) ?? []
      const details = { ...error.details, known: models.map((model) => model.id) }
      return new LmappError(error.code, error.message, { hint: error.hint, details, cause: error })
    },
  }
  return catalogue
}

async function unlessDispensable<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isLmappError(error) && dispensable.includes(error.code)) return undefined
    throw error
  }
}
