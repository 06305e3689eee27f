import { isDeepStrictEqual } from 'node:util'
import { isLmappError, untilAborted } from 'lmapp-kit'
import type { RegisteredBackend } from '../backends/registry.ts'
import type { KnownModel } from '../models/models.ts'
import { atMost } from './at-most.ts'
import { recallModels, rememberModels } from './remembered-models.ts'

/** A backend with what it lists. */
export interface Listed {
  target: RegisteredBackend
  models: KnownModel[]
}

/** What several backends list, asked all at once. */
export interface Listing {
  /**
   * Without those that let a request wait: one that nobody configured and that does not answer soon, one that failed and
   * is being tried again, and one that would have to be started only to say what it has. For these stands what they
   * listed last.
   */
  soon: Promise<Listed[]>
  /** Whether some were passed over; known when `soon` is there. */
  readonly incomplete: boolean
  /** With all that answer within their own limits. Starts what must be started to be asked. */
  all(): Promise<Listed[]>
}

/** Milliseconds in which a server of this machine that nobody configured answers, or is passed over. */
const soonMs = 300

export function listModels(targets: readonly RegisteredBackend[]): Listing {
  let incomplete = false
  const asked = targets.map((target) => ({ target, ...ask(target) }))
  const toSoon = async ({ target, soon }: Asked & { target: RegisteredBackend }): Promise<Listed> => {
    const found = await soon
    incomplete ||= found === undefined
    return { target, models: found ?? target.lastListed ?? [] }
  }
  return {
    soon: Promise.all(asked.map(toSoon)),
    get incomplete() {
      return incomplete
    },
    all: () => Promise.all(asked.map(async ({ target, all }) => ({ target, models: await all() }))),
  }
}

/** All that answer; a backend that does not lists nothing and disturbs no other. */
export async function listAll(targets: readonly RegisteredBackend[]): Promise<Listed[]> {
  return listModels(targets).all()
}

/** With what each listed last that lists nothing now: it is away, and may come back. */
export function recallAway(listed: readonly Listed[]): Listed[] {
  return listed.map(({ target, models }) => ({
    target,
    models: models.length > 0 ? models : (target.lastListed ?? []),
  }))
}

interface Asked {
  /** Undefined where it is passed over. */
  soon: Promise<KnownModel[] | undefined>
  all: () => Promise<KnownModel[]>
}

function ask(target: RegisteredBackend): Asked {
  const { breaker, automatic, type } = target
  const { state } = breaker.current
  if (type.knownModels) return asking(listKnown(target), automatic)
  if (state === 'open') return asking(Promise.resolve([]), false)
  if (type.startsToList) return askSleeper(target)
  if (state === 'half-open' && !breaker.admits()) return asking(Promise.resolve(target.lastListed ?? []), false)
  const models = listOne(target)
  return state === 'half-open' ? { soon: Promise.resolve(undefined), all: () => models } : asking(models, automatic)
}

function asking(models: Promise<KnownModel[]>, onlyAMoment: boolean): Asked {
  return { soon: onlyAMoment ? atMost(soonMs, models) : models, all: () => models }
}

/** It is asked while it runs; otherwise it is believed to have what it had. Only who is asked has a trial of the breaker. */
function askSleeper(target: RegisteredBackend): Asked {
  let models: Promise<KnownModel[]> | undefined
  const waken = () => {
    models ??= target.breaker.admits() ? listOne(target) : Promise.resolve(target.lastListed ?? [])
    return models
  }
  const look = async () => {
    if (!(await isAwake(target))) return recallModels(target)
    return target.automatic ? atMost(soonMs, waken()) : waken()
  }
  const soon = look()
  return { soon, all: async () => (await soon) ?? waken() }
}

async function isAwake(target: RegisteredBackend): Promise<boolean> {
  try {
    return (await atMost(soonMs, target.backend.isRunning()))?.running === true
  } catch {
    return false
  }
}

/**
 * Milliseconds beyond its own limit. A backend that hangs then says so itself, which opens its breaker, so that the next
 * question does not wait for it; one that loads says that, which does not.
 */
const graceMs = 500
/** Milliseconds for one that is started to be asked. */
const longestStartMs = 10_000

async function listOne(target: RegisteredBackend): Promise<KnownModel[]> {
  const { breaker, context, type } = target
  const isTrial = breaker.current.state === 'half-open'
  try {
    const limitMs = context.timeouts.connectMs + graceMs
    const signal = AbortSignal.timeout(type.startsToList ? Math.max(limitMs, longestStartMs) : limitMs)
    const models = await untilAborted(target.backend.listModels({ signal }), signal)
    if (isTrial) breaker.succeeded()
    if (type.startsToList && !isDeepStrictEqual(models, target.lastListed)) await rememberModels(target, models)
    target.lastListed = models
    return models
  } catch (error) {
    if (isLmappError(error)) breaker.failed(error)
    else breaker.neutral()
    return []
  }
}

/** Files are there, however ill the engine is that runs them, and tell nothing of how it does. */
async function listKnown(target: RegisteredBackend): Promise<KnownModel[]> {
  const { type, definition, context } = target
  try {
    const signal = AbortSignal.timeout(context.timeouts.connectMs + graceMs)
    target.lastListed =
      (await untilAborted(type.knownModels?.(definition, context) ?? Promise.resolve([]), signal)) ?? []
    return target.lastListed
  } catch {
    return []
  }
}
