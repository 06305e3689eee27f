import { LmappError } from 'lmapp-kit'
import type { BackendRegistry, RegisteredBackend } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import { askCandidate } from '../routing/ask-candidate.ts'
import { atMost } from '../routing/at-most.ts'
import { type Candidate, resolveCandidates } from '../routing/resolve.ts'
import type { ModelLibrary } from './models.ts'
import { withReferences } from './with-references.ts'

type Environment = Readonly<Record<string, string>>

export interface ModelLoadingOptions {
  backends: BackendRegistry
  library: ModelLibrary
  config: () => Promise<Config>
}

/** Brings models into memory and takes them out again, before or without a question. */
export interface ModelLoading {
  /**
   * Loads the first candidate that can be, which `ref` then names. Where an engine loads by itself it is only started.
   * Throws what resolving a reference throws, `cancelled`, and what the first candidate said.
   */
  load(ref: string, environment: Environment, options: { signal: AbortSignal }): Promise<{ ref: string }>
  /**
   * Unloads every candidate; starts nothing. Throws `busy` where answers are being written, `unsupported` where the engine
   * decides by itself, and what resolving a reference throws.
   */
  unload(ref: string, environment: Environment): Promise<{ ref: string }>
  /** References of all that are in memory now, of the backends that answer at once. */
  loaded(environment: Environment): Promise<string[]>
}

/** Milliseconds for a backend to say what it has in memory. */
const lookMs = 300

export function createModelLoading(options: ModelLoadingOptions): ModelLoading {
  const resolve = async (ref: string, environment: Environment) => {
    const { backends, library } = options
    const config = await options.config()
    const resolving = { backends, library, config, environment, allowFetch: false, offline: false }
    return (await resolveCandidates(ref, resolving)).candidates
  }

  return {
    async load(ref, environment, { signal }) {
      const failures: LmappError[] = []
      for (const candidate of await resolve(ref, environment)) {
        const failure = await tryToLoad(candidate, signal)
        if (!failure) return { ref: toReference(candidate) }
        failures.push(failure)
        if (signal.aborted) throw failure
      }
      throw failures[0] ?? notFound(ref)
    },

    async unload(ref, environment) {
      const candidates = await resolve(ref, environment)
      const [first] = candidates
      if (!first) throw notFound(ref)
      const failures: unknown[] = []
      for (const candidate of candidates) await unloadOne(candidate).catch((error) => failures.push(error))
      if (failures.length > 0) throw failures[0]
      return { ref: toReference(first) }
    },

    async loaded(environment) {
      const targets = (await options.backends.list(environment)).filter(({ hidden }) => !hidden)
      return (await Promise.all(targets.map(look))).flat()
    },
  }
}

async function tryToLoad({ target, model }: Candidate, signal: AbortSignal): Promise<LmappError | undefined> {
  const ask = async () => target.backend.loadModel?.(model, { signal })
  const result = await askCandidate({ target, model }, { ask, offline: false, signal })
  if (!(result instanceof LmappError)) {
    target.breaker.succeeded()
    return undefined
  }
  if (signal.aborted) target.breaker.neutral()
  else target.breaker.failed(result)
  return result
}

/** In an engine that does not run nothing is loaded. */
async function unloadOne({ target, model }: Candidate): Promise<void> {
  using _lease = target.lease()
  const { running, active } = await target.backend.isRunning()
  if (!running) return
  if (!target.backend.unloadModel) {
    throw new LmappError('unsupported', `"${target.id}" decides by itself what it unloads.`, {
      details: { capability: 'unload' },
    })
  }
  // Some engines end the process that others are being answered by.
  if (active > 0) {
    throw new LmappError('busy', `"${target.id}" is answering; ${model} can be unloaded afterwards.`, {
      details: { backend: target.id, model },
    })
  }
  try {
    await target.backend.unloadModel(model)
  } catch (error) {
    throw withReferences(error, target, model)
  }
}

/** A backend that does not say it soon is asked by the next one who looks. */
async function look(target: RegisteredBackend): Promise<string[]> {
  using _lease = target.lease()
  const health = await atMost(lookMs, target.backend.isRunning()).catch(() => undefined)
  const ready = health?.models.filter(({ state }) => state === 'ready') ?? []
  return ready.map(({ id }) => toReference({ target, model: id }))
}

function toReference({ target, model }: Candidate): string {
  return `${target.id}/${model}`
}

function notFound(ref: string): LmappError {
  return new LmappError('model-not-found', `No model is called "${ref}".`)
}
