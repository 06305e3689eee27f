import { type ChatRequest, type Finish, isLmappError, LmappError, type Part, untilAborted } from 'lmapp-kit'
import type { RegisteredBackend } from '../backends/registry.ts'
import { withReferences } from '../models/with-references.ts'
import { createWatchdog } from './watchdog.ts'

/** One try of one backend. */
export interface AttemptOptions {
  target: RegisteredBackend
  request: ChatRequest
  /** Aborted when the run is cancelled. */
  signal: AbortSignal
  offline: boolean
  /** Takes every part but `finish`. A promise holds the engine back until it resolves. */
  take: (part: Exclude<Part, Finish>) => Promise<void> | undefined
}

/** How long a backend may take to obey a cancel before the run goes on without it. */
const cancelGraceMs = 5_000
/** Tokens of one answer when the request says nothing else: an engine that babbles on is stopped here. */
export const defaultTokenBound = 32_768

/** Resolves with the finish; rejects with an `LmappError` for everything that can go wrong with an engine. */
export async function runAttempt(options: AttemptOptions): Promise<Finish> {
  const { target } = options
  using _lease = target.lease()
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  let answering = false
  using watchdog = createWatchdog({
    ...target.context.timeouts,
    probe: (probeSignal) => probe(target, answering, probeSignal),
  })
  const saw = (part: Part) => {
    answering ||= part.type === 'text-delta' || part.type === 'reasoning-delta' || part.type === 'tool-call'
    watchdog.saw(part)
  }
  const attempt = { ...options, signal, stop, saw }
  try {
    return await Promise.race([consume(attempt), watchdog.tripped, abandoned(options.signal)])
  } catch (error) {
    // Tells a backend what ended it: a stall, or a wish.
    stop.abort(error)
    if (options.signal.aborted) return { type: 'finish', reason: 'cancelled', usage: {} }
    throw withReferences(toLmappError(error, target.id), target, options.request.model)
  } finally {
    stop.abort()
  }
}

interface Consuming extends AttemptOptions {
  stop: AbortController
  saw: (part: Part) => void
}

async function consume(options: Consuming): Promise<Finish> {
  const { target, request, signal, saw, take } = options
  await prepare(options)
  await target.backend.start({ signal })
  const bound = request.options?.maxTokens ?? defaultTokenBound
  let deltas = 0
  let finish: Finish | undefined
  for await (const part of target.backend.chat(request, { signal })) {
    if (options.stop.signal.aborted && deltas <= bound) break
    saw(part)
    if (part.type === 'finish') {
      finish = part
      continue
    }
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') deltas += 1
    if (deltas > bound) {
      options.stop.abort()
      if (part.type !== 'status') continue
    }
    const room = take(part)
    if (room) await room
  }
  if (!finish) throw new LmappError('stream-incomplete', `The stream of "${target.id}" ended without its end marker.`)
  return deltas > bound ? { ...finish, reason: 'length' } : finish
}

async function prepare({ target, signal, offline, saw, take }: Consuming): Promise<void> {
  const steps = target.type.prepare?.(target.definition, target.context, { signal, offline })
  if (!steps) return
  for await (const status of steps) {
    saw(status)
    await take(status)
  }
}

async function probe(target: RegisteredBackend, answering: boolean, signal: AbortSignal): Promise<void> {
  const health = await untilAborted(target.backend.isRunning({ signal }), signal)
  if (health.state !== 'failed') return
  const beforeAnswer = target.type.owner === 'external' ? 'backend-unreachable' : 'engine-failed'
  throw new LmappError(
    answering ? 'engine-died' : beforeAnswer,
    health.degraded ?? `The engine of "${target.id}" ended.`,
  )
}

/** Resolves some time after a cancel that the backend did not obey. */
function abandoned(signal: AbortSignal): Promise<Finish> {
  const { promise, resolve } = Promise.withResolvers<Finish>()
  const give = () => {
    setTimeout(() => resolve({ type: 'finish', reason: 'cancelled', usage: {} }), cancelGraceMs).unref()
  }
  if (signal.aborted) give()
  else signal.addEventListener('abort', give, { once: true })
  return promise
}

export function toLmappError(error: unknown, backend: string): LmappError {
  if (isLmappError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LmappError('engine-failed', `"${backend}" failed: ${message}`, { cause: error })
}
