import { type CallOptions, isLmappError, LmappError } from 'lmapp-kit'
import type { LmStudioConnection } from './connection.ts'
import { type LmStudioModel, modelSources } from './models.ts'

/** What LM Studio knows of its models. */
export interface Catalogue {
  list(options?: CallOptions): Promise<LmStudioModel[]>
  /** By its own name, or by that of a loaded copy. Throws `model-not-found` with the known names. */
  find(model: string, options?: CallOptions): Promise<LmStudioModel>
}

export function createCatalogue(connection: LmStudioConnection): Catalogue {
  /** Which of the sources this LM Studio has, as long as it is the same one. */
  let found: { epoch: number; index: number } | undefined

  const catalogue: Catalogue = {
    async list(options = {}) {
      await connection.identify(options)
      const first = found?.epoch === connection.epoch ? found.index : 0
      for (const [index, { path, parse }] of modelSources.entries()) {
        if (index < first) continue
        const models = parse(await unlessUnknown(connection.json({ method: 'GET', path, ...options })))
        if (!models) continue
        found = { epoch: connection.epoch, index }
        return models
      }
      throw new LmappError('protocol-violation', 'LM Studio gave no list of its models.')
    },
    async find(model, options = {}) {
      const models = await catalogue.list(options)
      const exact = models.find(({ info }) => info.id === model)
      const found = exact ?? models.find(({ instances }) => instances.some(({ id }) => id === model))
      if (found) return found
      throw new LmappError('model-not-found', `LM Studio has no model "${model}".`, {
        details: { name: model, known: models.map(({ info }) => info.id) },
      })
    },
  }
  return catalogue
}

/** Older versions do not know the newer paths. */
async function unlessUnknown(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (isLmappError(error, 'unsupported') || isLmappError(error, 'backend-refused')) return undefined
    throw error
  }
}
