import { type Backend, LmappError } from 'lmapp-kit'
import { type Admission, createAdmission } from '../admission/index.ts'
import type { Config } from '../config/config.ts'
import type { KnownModel } from '../models/models.ts'
import { type Breaker, type BreakerState, createBreaker } from '../routing/breaker.ts'
import { isNear, nearestNames } from '../text/nearest.ts'
import type { BackendContext, BackendDefinition, BackendType } from './backend-type.ts'

type Environment = Readonly<Record<string, string>>
type Types = ReadonlyMap<string, BackendType>

/** A backend as it is configured now, opened when it is first used. */
export interface RegisteredBackend {
  readonly id: string
  readonly type: BackendType
  readonly definition: BackendDefinition
  readonly context: BackendContext
  /** Not shown in lists: it is there only because somebody may name it. */
  readonly hidden: boolean
  /** Whether it needs no entry in the configuration, and has none. */
  readonly automatic: boolean
  readonly breaker: Breaker
  /** Who asks it takes a slot first. */
  readonly admission: Admission
  readonly backend: Backend
  /** What it listed when it was last asked and answered. */
  lastListed: KnownModel[] | undefined
  /** Keeps the backend open until the lease is disposed, even when the configuration drops it. */
  lease(): Disposable
}

/** How much one backend has to do now. */
export interface BackendGauge {
  backend: string
  /** Answers that it may write side by side. */
  slots: number
  active: number
  /** Those that wait for a slot. */
  waiting: number
  breaker: BreakerState['state']
}

export interface BackendRegistryOptions {
  /** By name. The same map as long as nothing was added or removed. */
  types: () => Promise<ReadonlyMap<string, BackendType>>
  /** Reads the file again when it changed. */
  config: () => Promise<Config>
  /** Those that need no entry: found by themselves, in the order in which they are preferred. */
  automatic: (types: Types, environment: Environment) => Promise<BackendDefinition[]>
  context: (id: string, config: Config) => BackendContext
  now?: () => number
}

/** All backends that configuration and environment name. The service has one. */
export interface BackendRegistry extends AsyncDisposable {
  list(environment: Environment): Promise<RegisteredBackend[]>
  /** Throws `not-found` with the nearest ids. */
  get(id: string, environment: Environment): Promise<RegisteredBackend>
  /** Ids that are switched off, for lists. */
  disabled(): Promise<{ id: string; type: string }[]>
  /** Those whose type nobody knows. They disturb no other. */
  unusable(environment: Environment): Promise<{ id: string; type: string }[]>
  /** Of every backend that was named so far, whatever the environment: one for each id. Looks at nothing. */
  gauges(): BackendGauge[]
}

interface Entry extends RegisteredBackend {
  key: string
  leases: number
  lastUsed: number
  opened: boolean
}

/** What is no longer configured, or belongs to an environment that nobody sends, is closed after this. */
const forgetAfterMs = 600_000

export function createBackendRegistry(options: BackendRegistryOptions): BackendRegistry {
  const now = options.now ?? Date.now
  const entries = new Map<string, Entry>()

  let latest: { config: Config; types: Types; environment: string; entries: Entry[] } | undefined

  const list = async (environment: Environment): Promise<Entry[]> => {
    const [config, types] = await Promise.all([options.config(), options.types()])
    const key = JSON.stringify(environment)
    const isSame = latest?.config === config && latest.types === types && latest.environment === key
    const current = latest && isSame ? latest.entries : await open(config, types, environment)
    latest = { config, types, environment: key, entries: current }
    for (const entry of current) entry.lastUsed = now()
    if (entries.size > current.length) await closeForgotten(entries, new Set(current), now())
    return current
  }

  const open = async (config: Config, types: Types, environment: Environment): Promise<Entry[]> => {
    const { usable } = await definitionsOf(options, { config, types, environment })
    return usable.map(({ type, definition, hidden, automatic }) => {
      const context = options.context(definition.id, config)
      const key = JSON.stringify([definition, context, type.revision])
      const entry = entries.get(key) ?? createEntry({ key, type, definition, context, hidden, automatic }, now)
      entries.set(key, entry)
      return entry
    })
  }

  return {
    list,
    async get(id, environment) {
      const all = await list(environment)
      const found = all.find((entry) => entry.id === id)
      if (found) return found
      await refuseUnusable(options, id, environment)
      const known = all.map((entry) => entry.id)
      const [nearest] = nearestNames(id, known, 1)
      throw new LmappError('not-found', `No backend is called "${id}".`, {
        hint:
          nearest && isNear(id, nearest)
            ? `Did you mean "${nearest}"? See: lmapp backends list`
            : 'See: lmapp backends list',
        details: { known },
      })
    },
    async disabled() {
      const config = await options.config()
      return Object.entries(config.backends)
        .filter(([, backend]) => !backend.enabled)
        .map(([id, backend]) => ({ id, type: backend.type }))
    },
    async unusable(environment) {
      return (await currentDefinitions(options, environment)).unusable
    },
    gauges: () => toGauges(entries.values()),
    async [Symbol.asyncDispose]() {
      const opened = [...entries.values()].filter((entry) => entry.opened)
      entries.clear()
      latest = undefined
      await Promise.allSettled(opened.map((entry) => entry.backend[Symbol.asyncDispose]()))
    },
  }
}

/** The same id may stand for several addresses: its slots and its breaker are those of the one used last. */
function toGauges(entries: Iterable<Entry>): BackendGauge[] {
  const gauges = new Map<string, BackendGauge>()
  for (const { id, admission, breaker } of [...entries].sort((one, other) => one.lastUsed - other.lastUsed)) {
    const { slots, active, waiting } = admission
    const before = gauges.get(id)
    gauges.set(id, {
      backend: id,
      slots,
      active: active + (before?.active ?? 0),
      waiting: waiting + (before?.waiting ?? 0),
      breaker: breaker.current.state,
    })
  }
  return [...gauges.values()]
}

async function refuseUnusable(options: BackendRegistryOptions, id: string, environment: Environment): Promise<void> {
  const { unusable, types } = await currentDefinitions(options, environment)
  const found = unusable.find((definition) => definition.id === id)
  if (!found) return
  const known = [...types.keys()]
  const [nearest] = nearestNames(found.type, known, 1)
  throw new LmappError('config-invalid', `Backend "${id}" has the unknown type "${found.type}".`, {
    hint:
      nearest && isNear(found.type, nearest)
        ? `Did you mean "${nearest}"? Correct it: lmapp config edit`
        : `Known types: ${known.join(', ')}`,
    details: { known },
  })
}

interface Definitions {
  usable: { definition: BackendDefinition; type: BackendType; hidden: boolean; automatic: boolean }[]
  unusable: { id: string; type: string }[]
}

async function currentDefinitions(
  options: BackendRegistryOptions,
  environment: Environment,
): Promise<Definitions & { types: Types }> {
  const [config, types] = await Promise.all([options.config(), options.types()])
  return { types, ...(await definitionsOf(options, { config, types, environment })) }
}

async function definitionsOf(
  options: BackendRegistryOptions,
  { config, types, environment }: { config: Config; types: Types; environment: Environment },
): Promise<Definitions> {
  const configured = Object.entries(config.backends).map(([id, backend]) => ({ id, config: backend, environment }))
  const unasked = await options.automatic(types, environment)
  const named = new Set(configured.map((definition) => definition.id))
  const result: Definitions = { usable: [], unusable: [] }
  for (const definition of [...configured, ...unasked.filter(({ id }) => !named.has(id))]) {
    if (!definition.config.enabled) continue
    const type = types.get(definition.config.type)
    const automatic = !named.has(definition.id)
    const hidden = type?.onlyWhenNamed === true && automatic
    if (type) result.usable.push({ type, definition: withOwnVariables(definition, type), hidden, automatic })
    else result.unusable.push({ id: definition.id, type: definition.config.type })
  }
  return result
}

/** Two fronts whose environments differ in nothing that matters to a backend share it. */
function withOwnVariables(definition: BackendDefinition, type: BackendType): BackendDefinition {
  const names = [...(type.variables ?? []), ...(definition.config.apiKeyEnv ? [definition.config.apiKeyEnv] : [])]
  const own = Object.entries(definition.environment).filter(([name]) => names.includes(name))
  return { ...definition, environment: Object.fromEntries(own) }
}

interface EntryParts {
  key: string
  type: BackendType
  definition: BackendDefinition
  context: BackendContext
  hidden: boolean
  automatic: boolean
}

function createEntry(parts: EntryParts, now: () => number): Entry {
  let backend: Backend | undefined
  const entry: Entry = {
    ...parts,
    id: parts.definition.id,
    breaker: createBreaker(now),
    admission: openAdmission(parts, () => entry, now),
    lastListed: undefined,
    leases: 0,
    lastUsed: now(),
    get opened() {
      return backend !== undefined
    },
    get backend() {
      backend ??= parts.type.create(parts.definition, parts.context)
      return backend
    },
    lease() {
      this.leases += 1
      return {
        [Symbol.dispose]: () => {
          this.leases -= 1
          this.lastUsed = now()
        },
      }
    },
  }
  return entry
}

/** Engines that lmapp runs itself share their memory out between models, and say nothing of slots: those are only counted. */
function openAdmission({ type, definition }: EntryParts, entry: () => Entry, now: () => number): Admission {
  const { id, config } = definition
  const isBuiltIn = type.execution === 'built-in'
  const isOurs = type.servesLibrary || (isBuiltIn && (type.owner === 'lmapp' || config.command !== undefined))
  const parallelOf = (model: string) =>
    entry().lastListed?.find((listed) => listed.id === model)?.capabilities?.parallel
  const ask = async (signal: AbortSignal) => (await entry().backend.getInfo({ signal })).capabilities.parallel
  return createAdmission({ id, parallel: config.parallel, now, ...(!isOurs && { parallelOf, ask }) })
}

async function closeForgotten(entries: Map<string, Entry>, current: Set<Entry>, now: number): Promise<void> {
  for (const entry of entries.values()) {
    const isTwin = (other: Entry) => other.id === entry.id && other.type.revision === entry.type.revision
    const superseded = [...current].some(isTwin)
    const idle = entry.leases === 0 && !current.has(entry)
    if (!idle || (superseded && now - entry.lastUsed < forgetAfterMs)) continue
    entries.delete(entry.key)
    if (entry.opened) await entry.backend[Symbol.asyncDispose]()
  }
}
