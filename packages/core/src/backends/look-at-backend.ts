import { type BackendInfo, type Health, isLmappError, untilAborted } from 'lmapp-kit'
import { atMost } from '../routing/at-most.ts'
import type { BackendType, Inspection } from './backend-type.ts'
import { inspectBackend } from './inspect-backend.ts'
import type { RegisteredBackend } from './registry.ts'

/** What a look at one backend shows. */
export interface Look {
  state: Health['state'] | 'unreachable' | 'slow'
  /** Why it is in that state, for a person; null when all is well. */
  reason: string | null
  /** Of the engine where it is known, else of the plugin. */
  version: string | null
  info?: BackendInfo
  health?: Health
  inspection?: Inspection
}

/** Looks at backends. Looking starts nothing, and two who look at once share one look. */
export interface Looks {
  /** Within 300 ms. Of one that takes longer: what was seen last if that was not long ago, else that it is `slow`. */
  soon(target: RegisteredBackend): Promise<Look>
  /** As long as it takes to connect, at most three seconds. */
  whole(target: RegisteredBackend): Promise<Look>
}

const soonMs = 300
const longestLookMs = 3_000
/** What was seen is believed for this long when the next look takes its time. */
const believedMs = 30_000

export function createLooks(now: () => number = Date.now): Looks {
  const running = new WeakMap<RegisteredBackend, Promise<Look>>()
  const seen = new WeakMap<RegisteredBackend, { look: Look; at: number }>()

  const whole = (target: RegisteredBackend): Promise<Look> => {
    const shared = running.get(target)
    if (shared) return shared
    const looking = look(target).then((found) => {
      running.delete(target)
      seen.set(target, { look: found, at: now() })
      return found
    })
    running.set(target, looking)
    return looking
  }

  return {
    whole,
    async soon(target) {
      const found = await atMost(soonMs, whole(target))
      if (found) return found
      const before = seen.get(target)
      return before && now() - before.at < believedMs ? before.look : slow
    },
  }
}

const slow: Look = { state: 'slow', reason: 'It has not answered yet.', version: null }

async function look(target: RegisteredBackend): Promise<Look> {
  const signal = AbortSignal.timeout(Math.min(target.context.timeouts.connectMs, longestLookMs))
  const [inspection, seen] = await Promise.all([
    inspect(target, signal),
    ask(() => target.backend.isRunning({ signal }), signal),
  ])
  const found = 'health' in seen ? await lookOn(target, seen.health, signal) : seen
  return inspection ? withInspection(found, inspection, target.type) : found
}

/**
 * What lmapp would start is no more missing than a plugin that nobody has asked yet; where it would and cannot, it has
 * failed before it began.
 */
function withInspection(found: Look, inspection: Inspection, type: BackendType): Look {
  const { startable, problem, owner } = inspection
  // A process of ours that does not run says so; one that answers wrongly, or not, does run.
  if (found.state === 'unreachable' && type.startsToList && !problem) return { ...found, inspection }
  const isAway = found.state === 'unreachable' || found.state === 'stopped'
  if (!isAway) return { ...found, inspection }
  if (startable) return { ...found, state: 'stopped', reason: null, inspection }
  const reason = problem?.message ?? found.reason ?? 'It is not on this machine.'
  return { ...found, state: problem && owner === 'lmapp' ? 'failed' : 'unreachable', reason, inspection }
}

/** An inspection that fails tells nothing, and spoils nothing. */
async function inspect(target: RegisteredBackend, signal: AbortSignal): Promise<Inspection | undefined> {
  try {
    return await untilAborted(inspectBackend(target), signal)
  } catch {
    return undefined
  }
}

async function ask(health: () => Promise<Health>, signal: AbortSignal): Promise<{ health: Health } | Look> {
  try {
    return { health: await untilAborted(health(), signal) }
  } catch (error) {
    return toUnreachable(error)
  }
}

async function lookOn({ backend, type }: RegisteredBackend, health: Health, signal: AbortSignal): Promise<Look> {
  try {
    const info = health.running ? await untilAborted(backend.getInfo({ signal }), signal) : undefined
    const silent = !health.running && type.owner === 'external'
    return {
      state: silent ? 'unreachable' : health.state,
      reason: health.degraded ?? (silent ? 'Nothing answers there.' : null),
      version: info?.engineVersion ?? (isOwnPlugin(type) ? info?.version : undefined) ?? null,
      health,
      ...(info && { info }),
    }
  } catch (error) {
    return toUnreachable(error)
  }
}

/** What is built in has no version but that of lmapp, which tells nothing of an engine. */
function isOwnPlugin({ owner, execution }: RegisteredBackend['type']): boolean {
  return owner === 'lmapp' && execution !== 'built-in'
}

function toUnreachable(error: unknown): Look {
  const reason = isLmappError(error) ? error.message : 'It does not answer in time.'
  return { state: 'unreachable', reason, version: null }
}
