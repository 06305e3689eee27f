import { isLmappError, LmappError } from 'lmapp-kit'
import type { BackendRegistry, RegisteredBackend } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import { fitModel } from '../models/fit.ts'
import type { ModelUses } from '../models/model-uses.ts'
import type { CatalogueEntry, KnownModel, LibraryModel } from '../models/models.ts'
import { parseReference, resolveReference } from '../models/references.ts'
import { type Listed, listModels, recallAway } from './list-models.ts'

/** One place where an answer can come from. */
export interface Candidate {
  target: RegisteredBackend
  /** A name of that backend. */
  model: string
}

export interface Resolution {
  /** In order of preference, at least one. */
  candidates: Candidate[]
  /** To be fetched before the first candidate is asked. */
  fetch?: CatalogueEntry
  /** For the user: how the name was understood. */
  notice?: string
}

export interface ResolveOptions {
  backends: BackendRegistry
  config: Config
  environment: Readonly<Record<string, string>>
  library: { list(): Promise<LibraryModel[]>; defaultModel: CatalogueEntry }
  /** Whether the default model may be fetched. */
  allowFetch: boolean
  offline: boolean
  uses?: ModelUses
  /** In bytes; default: what the system says. */
  freeMemory?: () => number
}

/** Names the candidates of a model reference, or of none. Throws `model-not-found`, `model-ambiguous`, `no-backend`, `offline`. */
export async function resolveCandidates(reference: string | undefined, options: ResolveOptions): Promise<Resolution> {
  const wanted = reference ?? options.config.model
  if (wanted !== undefined && wanted.length > longestReference) throw toTooLong(wanted)
  const targets = await options.backends.list(options.environment)
  if (wanted === undefined) return chooseDefault(targets, options)
  const direct = nameDirectly(wanted, targets, options)
  if (direct) return withFetch({ candidates: direct }, options)
  return resolveByList(wanted, targets, options)
}

/** Characters. Paths and names of repositories are far shorter; to look for what is near would take long. */
const longestReference = 512

function toTooLong(reference: string): LmappError {
  return new LmappError('model-not-found', `No model has a name of ${reference.length} characters.`, {
    hint: 'See: lmapp models list',
    details: { name: `${reference.slice(0, 100)}…` },
  })
}

/** What needs no look at any list: every reference behind it begins with the id of a backend. */
function nameDirectly(wanted: string, targets: RegisteredBackend[], options: ResolveOptions): Candidate[] | undefined {
  const backendIds = targets.map((target) => target.id)
  const parsed = parseReference(wanted, { aliases: options.config.aliases, backendIds })
  const candidates: Candidate[] = []
  for (const { backend, model } of parsed) {
    const target = targets.find(({ id }) => id === backend)
    if (!target) return undefined
    candidates.push({ target, model: target.type.servesLibrary ? withoutTag(model, target) : model })
  }
  return candidates
}

/** Files of Ollama's keep its names, where `:latest` goes without saying. */
function withoutTag(model: string, { definition }: RegisteredBackend): string {
  return Object.hasOwn(definition.config.models ?? {}, model) ? model : model.replace(/:latest$/, '')
}

async function resolveByList(
  wanted: string,
  targets: RegisteredBackend[],
  options: ResolveOptions,
): Promise<Resolution> {
  const listing = listModels(targets.filter((target) => !target.hidden))
  const among = (listed: Listed[]) => resolveAmong(wanted, listed, targets, options)
  try {
    const found = await among(await listing.soon)
    const isSure = found.notice === undefined && found.fetch === undefined
    if (isSure || !listing.incomplete) return found
  } catch (error) {
    if (!isLmappError(error) || !listing.incomplete) return amongAway(error, await listing.soon, among)
  }
  const all = await listing.all()
  return among(all).catch((error) => amongAway(error, all, among))
}

/** A model whose only engine is away is not unknown: it is asked, so that the answer says what is wrong with the engine. */
async function amongAway(
  error: unknown,
  listed: Listed[],
  among: (listed: Listed[]) => Promise<Resolution>,
): Promise<Resolution> {
  if (!isLmappError(error, 'model-not-found')) throw error
  const found = await among(recallAway(listed)).catch(() => undefined)
  if (!found) throw error
  return found
}

/** `shown`: what those list that are no secret. */
async function resolveAmong(
  wanted: string,
  shown: Listed[],
  targets: RegisteredBackend[],
  options: ResolveOptions,
): Promise<Resolution> {
  const { defaultModel } = options.library
  const listed = [...shown, ...targets.filter(({ hidden }) => hidden).map((target) => ({ target, models: [] }))]
  try {
    const { candidates, notice } = resolveReference(wanted, {
      aliases: options.config.aliases,
      backends: listed.map(({ target, models }) => ({
        id: target.id,
        models: models.map((model) => model.id),
        ollamaLike: target.type.name === 'ollama' || target.type.servesLibrary === true,
      })),
    })
    const found = candidates.flatMap(({ backend, model }) => {
      const target = targets.find(({ id }) => id === backend)
      return target ? [{ target, model }] : []
    })
    found.sort((one, other) => Number(isBorrowed(one, shown)) - Number(isBorrowed(other, shown)))
    return withFetch({ candidates: found, ...(notice !== undefined && { notice }) }, options)
  } catch (error) {
    const server = targets.find((target) => target.type.servesLibrary)
    const isDefault = isLmappError(error, 'model-not-found') && wanted === defaultModel.name
    if (!isDefault || !server) throw error
    return withFetch({ candidates: [{ target: server, model: wanted }] }, options)
  }
}

/** A file of another program's: where that program runs itself, it goes first, and lmapp steps in for it. */
function isBorrowed({ target, model }: Candidate, listed: readonly Listed[]): boolean {
  const known = listed.find((each) => each.target === target)?.models.find(({ id }) => id === model)
  return known !== undefined && isForeign(known)
}

/** Found on this machine: neither fetched by lmapp, nor named in its configuration. */
function isForeign({ keeper, origin }: KnownModel): boolean {
  return keeper !== undefined && origin !== undefined && origin !== 'lmapp'
}

/** The small default model is fetched when it is asked for and not here. */
async function withFetch(resolution: Resolution, options: ResolveOptions): Promise<Resolution> {
  const { defaultModel } = options.library
  const [first] = resolution.candidates
  if (!first?.target.type.servesLibrary || first.model !== defaultModel.name) return resolution
  const { type, definition, context } = first.target
  const here = (await type.knownModels?.(definition, context))?.some(({ id }) => id === first.model)
  const configured = Object.hasOwn(definition.config.models ?? {}, first.model)
  if (here || configured || !options.allowFetch) return resolution
  if (options.offline) throw toOffline(defaultModel)
  return { ...resolution, fetch: defaultModel }
}

/**
 * A model that is in memory, else the newest of an engine that runs, else one that lmapp would run itself: the last used,
 * else an own file that fits, else a plugin's, else another program's file that fits. Else the small default, fetched.
 */
async function chooseDefault(targets: RegisteredBackend[], options: ResolveOptions): Promise<Resolution> {
  const eligible = targets.filter((target) => !target.type.onlyWhenNamed)
  const listing = listModels(eligible)
  const used = await options.uses?.all()
  const soon = chooseAmong(await listing.soon, used, options)
  const best = soon ?? (listing.incomplete ? chooseAmong(await listing.all(), used, options) : undefined)
  if (best) return { candidates: [{ target: best.target, model: best.model.id }] }
  return fetchDefault(eligible, options)
}

function chooseAmong(
  listed: readonly Listed[],
  used: ReadonlyMap<string, string> | undefined,
  options: ResolveOptions,
): Choice | undefined {
  const freeBytes = (options.freeMemory ?? (() => process.availableMemory()))()
  const choices = listed.flatMap(({ target, models }) =>
    models.flatMap((model) => {
      const choice = { target, model, usedAt: used?.get(`${target.id}/${model.id}`) }
      return isSensible(choice, freeBytes) ? [choice] : []
    }),
  )
  return choices.sort(byPreference)[0]
}

function fetchDefault(targets: RegisteredBackend[], options: ResolveOptions): Resolution {
  const { defaultModel } = options.library
  const server = targets.find((target) => target.type.servesLibrary)
  if (!server) throw new LmappError('no-backend', 'No engine was found on this machine.')
  if (options.offline) throw toOffline(defaultModel)
  if (!options.allowFetch) {
    throw new LmappError('no-backend', 'No model is on this machine yet.', {
      hint: `Fetch the small default model: lmapp models pull ${defaultModel.name}`,
    })
  }
  return { candidates: [{ target: server, model: defaultModel.name }], fetch: defaultModel }
}

interface Choice {
  target: RegisteredBackend
  model: KnownModel
  /** ISO 8601. */
  usedAt: string | undefined
}

/** Nobody who names no model means one that cannot be loaded, or a large one of somebody else's that barely can. */
function isSensible({ target, model, usedAt }: Choice, freeBytes: number): boolean {
  if (model.capabilities?.chat === 'no') return false
  if (!isFile({ target, model })) return true
  const fit = fitModel(model, freeBytes)?.state
  if (usedAt !== undefined || !isForeign(model)) return fit !== 'too-large'
  return (fit === 'fits' || fit === 'tight') && (model.sizeBytes ?? 0) <= freeBytes / 2
}

/** It would have to be loaded first, by an engine that does not run yet. */
function isFile({ target, model }: Pick<Choice, 'target' | 'model'>): boolean {
  return target.type.knownModels !== undefined || isForeign(model)
}

function byPreference(one: Choice, other: Choice): number {
  const latest = (other.usedAt ?? '').localeCompare(one.usedAt ?? '')
  const newest = (other.model.modifiedAt ?? '').localeCompare(one.model.modifiedAt ?? '')
  const ranks = rankOf(one) - rankOf(other)
  return ranks || (rankOf(one) === ranksByUse ? latest : 0) || newest
}

const ranksByUse = 2

/** A plugin that was added changes nobody's default before he used it. */
function rankOf({ target, model, usedAt }: Choice): number {
  const { owner, startsToList } = target.type
  if (model.loaded && owner === 'external') return 0
  if (!isFile({ target, model }) && !startsToList) return 1
  if (usedAt !== undefined) return ranksByUse
  if (startsToList) return 4
  return isForeign(model) ? 5 : 3
}

function toOffline(model: CatalogueEntry): LmappError {
  const megabytes = Math.round(model.sizeBytes / 1_000_000)
  return new LmappError(
    'offline',
    `No model is on this machine, and LMAPP_OFFLINE forbids fetching ${model.name} (${megabytes} MB).`,
  )
}
