import { setTimeout as pause } from 'node:timers/promises'
import type { Backend, CallOptions } from 'lmapp-kit'
import type { Catalogue } from './catalogue.ts'
import type { OllamaConnection } from './connection.ts'
import { planContext } from './context.ts'
import { parseEmbedding } from './embedding.ts'
import { normalizeModelName } from './model-name.ts'
import { pullWithOllama } from './pull.ts'

export interface ManagementDependencies {
  connection: OllamaConnection
  catalogue: Catalogue
  /** Milliseconds of silence that end what loads or fetches a model. */
  silenceMs: number
}

export type ManagementMethod = 'embed' | 'loadModel' | 'unloadModel' | 'pullModel' | 'removeModel'

const unloadLooks = { count: 50, pauseMs: 100 }

/** What Ollama does with models besides chatting. */
export function createManagement(dependencies: ManagementDependencies): Required<Pick<Backend, ManagementMethod>> {
  const { connection, catalogue, silenceMs } = dependencies

  const ask = async (path: string, model: string, body: Record<string, unknown>, call: CallOptions) => {
    const question = { method: 'POST', path, body: { model, ...body }, model, silenceMs } as const
    try {
      return await connection.json({ ...question, ...call })
    } catch (error) {
      throw await catalogue.withKnownNames(error, call)
    }
  }

  return {
    async embed({ model: name, input }, call = {}) {
      const model = normalizeModelName(name)
      const answer = await ask('/api/embed', model, { input, truncate: false }, call)
      return parseEmbedding(answer, { model, inputs: input.length })
    },

    async loadModel(name, call = {}) {
      const model = normalizeModelName(name)
      // With another context than chats ask for, the first chat would load it again.
      const { contextLength } = planContext({ model, messages: [] }, await catalogue.contextFacts(model, call))
      await ask('/api/chat', model, { messages: [], stream: false, options: { num_ctx: contextLength } }, call)
      catalogue.planned(model, contextLength)
    },

    async unloadModel(name, call = {}) {
      const model = normalizeModelName(name)
      await ask('/api/chat', model, { messages: [], stream: false, keep_alive: 0 }, call)
      catalogue.forget(model)
      await untilUnloaded(catalogue, model, call)
    },

    pullModel(name, call = {}) {
      const model = normalizeModelName(name)
      catalogue.forget(model)
      return pullWithOllama(connection, { model, silenceMs }, call)
    },

    async removeModel(name, call = {}) {
      const model = normalizeModelName(name)
      catalogue.forget(model)
      try {
        const response = await connection.request({
          method: 'DELETE',
          path: '/api/delete',
          body: { model },
          model,
          ...call,
        })
        response.release()
      } catch (error) {
        throw await catalogue.withKnownNames(error, call)
      }
    },
  }
}

/** Ollama answers before the model has gone. */
async function untilUnloaded(catalogue: Catalogue, model: string, call: CallOptions): Promise<void> {
  for (let look = 0; look < unloadLooks.count; look += 1) {
    const loaded = await catalogue.loaded(call)
    if (!loaded?.some((entry) => entry.id === model)) return
    await pause(unloadLooks.pauseMs)
  }
}
