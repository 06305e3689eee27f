import { isLmappError, untilAborted } from 'lmapp-kit'
import type { RegisteredBackend } from '../backends/registry.ts'
import type { KnownModel } from '../models/models.ts'
import { atMost } from './at-most.ts'

/** A backend with what it lists. */
export interface Listed {
  target: RegisteredBackend
  models: KnownModel[]
}

/** What several backends list, asked all at once. */
export interface Listing {
  /**
   * Without those that let a request wait: one that nobody configured and that does not answer soon, and one that failed
   * and is being tried again. For these stands what they listed last.
   */
  soon: Promise<Listed[]>
  /** Whether some were passed over; known when `soon` is there. */
  readonly incomplete: boolean
  /** With all that answer within their own limits. */
  all: Promise<Listed[]>
}

/** Milliseconds in which a server of this machine that nobody configured answers, or is passed over. */
const soonMs = 300

export function listModels(targets: readonly RegisteredBackend[]): Listing {
  let incomplete = false
  const asked = targets.map((target) => {
    const { models, waits } = ask(target)
    const isAway = waits === 'nobody'
    const soon = isAway ? Promise.resolve(undefined) : waits === 'a moment' ? atMost(soonMs, models) : models
    const listedSoon = soon.then((found): Listed => {
      incomplete ||= found === undefined
      return { target, models: found ?? target.lastListed ?? [] }
    })
    return { listedSoon, listed: models.then((found): Listed => ({ target, models: found })) }
  })
  return {
    soon: Promise.all(asked.map(({ listedSoon }) => listedSoon)),
    get incomplete() {
      return incomplete
    },
    all: Promise.all(asked.map(({ listed }) => listed)),
  }
}

/** All that answer; a backend that does not lists nothing and disturbs no other. */
export async function listAll(targets: readonly RegisteredBackend[]): Promise<Listed[]> {
  return listModels(targets).all
}

type Waits = 'to the end' | 'a moment' | 'nobody'

function ask(target: RegisteredBackend): { models: Promise<KnownModel[]>; waits: Waits } {
  const { breaker, automatic, type } = target
  const { state } = breaker.current
  if (type.knownModels) return { models: listKnown(target), waits: automatic ? 'a moment' : 'to the end' }
  if (state === 'open') return { models: Promise.resolve([]), waits: 'to the end' }
  if (state === 'half-open' && !breaker.admits()) {
    return { models: Promise.resolve(target.lastListed ?? []), waits: 'to the end' }
  }
  const models = listOne(target)
  return { models, waits: state === 'half-open' ? 'nobody' : automatic ? 'a moment' : 'to the end' }
}

/**
 * Milliseconds beyond its own limit. A backend that hangs then says so itself, which opens its breaker, so that the next
 * question does not wait for it; one that loads says that, which does not.
 */
const graceMs = 500

async function listOne(target: RegisteredBackend): Promise<KnownModel[]> {
  const { breaker, context } = target
  const isTrial = breaker.current.state === 'half-open'
  try {
    const signal = AbortSignal.timeout(context.timeouts.connectMs + graceMs)
    const models = await untilAborted(target.backend.listModels({ signal }), signal)
    if (isTrial) breaker.succeeded()
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
