import { isLmappError, untilAborted } from 'lmapp-kit'
import type { RegisteredBackend } from '../backends/registry.ts'
import type { KnownModel } from '../models/models.ts'

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
  // Files are there, however ill the engine is that runs them.
  if (state === 'open' && !type.knownModels) return { models: Promise.resolve([]), waits: 'to the end' }
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
  const { breaker, type, definition, context } = target
  const isTrial = breaker.current.state === 'half-open'
  try {
    const signal = AbortSignal.timeout(context.timeouts.connectMs + graceMs)
    const known = type.knownModels?.(definition, context)
    const models = await untilAborted(known ?? target.backend.listModels({ signal }), signal)
    if (isTrial) breaker.succeeded()
    target.lastListed = models
    return models
  } catch (error) {
    if (isLmappError(error)) breaker.failed(error)
    else breaker.neutral()
    return []
  }
}

/** Undefined where it takes longer. */
async function atMost<T>(milliseconds: number, answer: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, milliseconds, undefined)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}
