import { type ChatRequest, type Finish, isLmappError, LmappError, type Part, toBatches, untilAborted } from 'lmapp-kit'
import type { RegisteredBackend } from '../backends/registry.ts'
import { withReferences } from '../models/with-references.ts'
import { isToken } from './watch-attempt.ts'
import { createWatchdog } from './watchdog.ts'

/** One try of one backend. */
export interface AttemptOptions {
  target: RegisteredBackend
  request: ChatRequest
  /** Aborted when the run is cancelled. */
  signal: AbortSignal
  offline: boolean
  /** Told when the backend is ready to be asked. */
  started?: () => void
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
  using engine = createEngineStop(options.signal)
  let answering = false
  using watchdog = createWatchdog({
    ...target.context.timeouts,
    probe: (probeSignal) => probe(target, answering, probeSignal),
  })
  const saw = (part: Part) => {
    answering ||= isToken(part)
    watchdog.saw(part)
  }
  const attempt = { ...options, signal: engine.signal, engine, saw, hold: watchdog.hold }
  try {
    return await Promise.race([consume(attempt), watchdog.tripped, engine.abandoned])
  } catch (error) {
    // Tells a backend what ended it: a stall, or a wish.
    engine.stop(error)
    if (options.signal.aborted) return { type: 'finish', reason: 'cancelled', usage: {} }
    throw withReferences(toLmappError(error, target.id), target, options.request.model)
  }
}

interface Consuming extends AttemptOptions {
  engine: EngineStop
  saw: (part: Part) => void
  hold: (room: Promise<void>) => Promise<void>
}

async function consume(options: Consuming): Promise<Finish> {
  const { target, request, signal, engine, saw, take, hold } = options
  await prepare(options)
  await target.backend.start({ signal })
  options.started?.()
  const bound = request.options?.maxTokens ?? defaultTokenBound
  let deltas = 0
  let finish: Finish | undefined
  for await (const batch of toBatches(target.backend.chat(request, { signal }))) {
    if (engine.stopped && deltas <= bound) break
    for (const part of batch) {
      saw(part)
      if (part.type === 'finish') {
        finish = part
        continue
      }
      if (part.type === 'text-delta' || part.type === 'reasoning-delta') deltas += 1
      if (deltas > bound) {
        engine.stop()
        if (part.type !== 'status') continue
      }
      const room = take(part)
      if (room) await hold(room)
      // What else came with it is nobody's any more; what the backend says of the end comes next.
      if (signal.aborted) break
    }
  }
  if (!finish) throw new LmappError('stream-incomplete', `The stream of "${target.id}" ended without its end marker.`)
  return deltas > bound ? { ...finish, reason: 'length' } : finish
}

async function prepare({ target, signal, offline, saw, take, hold }: Consuming): Promise<void> {
  const steps = target.type.prepare?.(target.definition, target.context, { signal, offline })
  if (!steps) return
  for await (const status of steps) {
    saw(status)
    const room = take(status)
    if (room) await hold(room)
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

/** Ends what the engine does, for a wish of the user or for a reason of ours. Disposing forgets the wish. */
interface EngineStop extends Disposable {
  /** What the engine sees. */
  readonly signal: AbortSignal
  /** Whether it was our reason. */
  readonly stopped: boolean
  stop(reason?: unknown): void
  /** Resolves some time after a cancel that the backend did not obey. */
  readonly abandoned: Promise<Finish>
}

/** Made once: each would take down where it was made. */
const over = new DOMException('The attempt is over.', 'AbortError')

function createEngineStop(wish: AbortSignal): EngineStop {
  const { promise: abandoned, resolve } = Promise.withResolvers<Finish>()
  const engine = new AbortController()
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const obey = () => {
    engine.abort(wish.reason)
    const leave = () => resolve({ type: 'finish', reason: 'cancelled', usage: {} })
    timer = setTimeout(leave, cancelGraceMs).unref()
  }
  const stop = (reason: unknown = over) => {
    stopped = true
    engine.abort(reason)
  }
  if (wish.aborted) obey()
  else wish.addEventListener('abort', obey, { once: true })
  return {
    signal: engine.signal,
    abandoned,
    get stopped() {
      return stopped
    },
    stop,
    [Symbol.dispose]() {
      wish.removeEventListener('abort', obey)
      clearTimeout(timer)
    },
  }
}

export function toLmappError(error: unknown, backend: string): LmappError {
  if (isLmappError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LmappError('engine-failed', `"${backend}" failed: ${message}`, { cause: error })
}
