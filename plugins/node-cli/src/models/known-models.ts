import { LmappError } from 'lmapp-kit'
import type { NodeCliConfig, ProgramConfig } from '../config/config.ts'
import type { ModelList } from './model-list.ts'

/** The models by name: those of the configuration, then those that a command lists. */
export interface KnownModels {
  names(signal?: AbortSignal): Promise<string[]>
  /** Throws `model-not-found`. */
  find(model: string, signal: AbortSignal): Promise<ProgramConfig>
}

export function createKnownModels({ models, list }: NodeCliConfig, listed: ModelList | undefined): KnownModels {
  async function names(signal?: AbortSignal): Promise<string[]> {
    return [...new Set([...models.keys(), ...((await listed?.names(signal)) ?? [])])]
  }

  /** A name that is not known yet may be new. */
  async function isListed(model: string, signal: AbortSignal): Promise<boolean> {
    if (!listed) return false
    return (await listed.names(signal)).includes(model) || (await listed.refresh(signal)).includes(model)
  }

  return {
    names,
    async find(model, signal) {
      const own = models.get(model)
      if (own) return own
      if (list && (await isListed(model, signal))) return list.program
      throw modelNotFound(model, await names(signal))
    },
  }
}

function modelNotFound(model: string, known: string[]): LmappError {
  return new LmappError('model-not-found', `No program is configured for the model "${model}".`, {
    ...(known.length === 0 && { hint: 'Name it in "models" under backends.<id>.config: lmapp config edit' }),
    details: { name: model, known: known.slice(0, 100) },
  })
}
