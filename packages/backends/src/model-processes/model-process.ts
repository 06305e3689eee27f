import { isLmappError, LmappError, type Status, untilAborted } from 'lmapp-kit'
import { createSupervisor, type Held } from '../processes/index.ts'
import type { MemoryBudget, Reservation, Tenant } from './memory-budget.ts'
import type { ModelFile } from './model-file.ts'
import type { MemoryDemand, MemoryPlan } from './plan-memory.ts'
import { createTurns } from './turns.ts'

export interface LaunchOptions {
  signal: AbortSignal
  onStatus(status: Status): void
}

export interface AcquireOptions<Engine> {
  /** In tokens. A running process with less is started anew with more, as soon as nobody uses it. */
  contextLength: number
  /** A shorter one is of no use. */
  exactly?: boolean
  /** Whether a running process will do though its context is shorter. */
  isEnough?(engine: Engine, plan: MemoryPlan): Promise<boolean>
  signal?: AbortSignal | undefined
  onStatus?(status: Status): void
}

/** As long as it is held, the process is not ended to make room. */
export interface Lease<Engine> extends Disposable {
  engine: Engine
  plan: MemoryPlan
  /** An answer ended well. */
  succeeded(): void
  /** It runs and does not answer any more: it is ended, unless somebody else uses it as well. Whether it was. */
  endUnlessShared(): Promise<boolean>
}

export interface ModelProcessState {
  model: string
  state: 'unloaded' | 'loading' | 'ready'
  /** Of loading, 0 to 1. */
  progress?: number
}

export interface ModelProcessOptions<Engine extends Held> {
  /** Of the backend, for people. */
  name: string
  budget: MemoryBudget
  /** Starts a process and resolves when its model is loaded; the process is gone when it throws. */
  launch(model: ModelFile, plan: MemoryPlan, options: LaunchOptions): Promise<Engine>
  /** Chats that one process may answer side by side. */
  slots: number
  /** Waits between crashes; see the supervisor. */
  wait?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
  /** Milliseconds without a word of it after which a start that nobody waits for any more hangs. Default: never. */
  longestSilenceMs?: number | undefined
  now?: (() => number) | undefined
  /** A process ended by itself, or did not start: why; undefined: one started well. */
  onFailure(message: string | undefined): void
}

/** The process of one model, when there is one. The file may have changed when it is started anew. */
export interface ModelProcess<Engine> extends Tenant {
  /** Two at once share one start. */
  acquire(file: ModelFile, request: AcquireOptions<Engine>, signal: AbortSignal): Promise<Lease<Engine>>
  readonly current: Engine | undefined
  readonly state: ModelProcessState
}

/** One life of it. */
interface Session<Engine> extends Held {
  engine: Engine
  reservation: Reservation
}

const queued: Status = { type: 'status', phase: 'queued', message: 'Waiting for memory.' }

export function createModelProcess<Engine extends Held>(
  first: ModelFile,
  options: ModelProcessOptions<Engine>,
): ModelProcess<Engine> {
  const { name, budget, launch, slots, wait, onFailure } = options
  const { longestSilenceMs = Number.POSITIVE_INFINITY, now = Date.now } = options
  let model = first
  const turns = createTurns()
  const listeners = new Set<(status: Status) => void>()
  /** Called when nobody uses it any more. */
  const whenIdle = new Set<() => void>()
  let demand = toDemand(model, { contextLength: 0 }, slots)
  let status: Status | undefined
  let heardAt = now()
  /** Who has it, or waits for its start. */
  let users = 0
  /** While its start waits for room: leaves the line. */
  let giveUp: AbortController | undefined

  const supervisor = createSupervisor<Session<Engine>>({
    name: `${name}/${model.id}`,
    launch: start,
    ...(wait && { wait }),
  })

  const tell = (news: Status) => {
    status = news
    heardAt = now()
    for (const listener of listeners) listener(news)
  }

  async function start(signal: AbortSignal): Promise<Session<Engine>> {
    try {
      using reserving = await reserve(signal)
      tell({ type: 'status', phase: 'loading' })
      const engine = await launch(model, reserving.plan, { signal, onStatus: tell })
      return hold(engine, reserving.keep())
    } catch (error) {
      if (!signal.aborted && !isForsaken(error)) onFailure(error instanceof Error ? error.message : String(error))
      throw error
    } finally {
      status = undefined
    }
  }

  /** Given back unless it is kept. */
  async function reserve(signal: AbortSignal) {
    giveUp = new AbortController()
    try {
      const either = AbortSignal.any([signal, giveUp.signal])
      const reservation = await budget.reserve(demand, process, { signal: either, onWait: () => tell(queued) })
      let kept = false
      return {
        plan: reservation.plan,
        keep() {
          kept = true
          return reservation
        },
        [Symbol.dispose]() {
          if (!kept) reservation[Symbol.dispose]()
        },
      }
    } finally {
      giveUp = undefined
    }
  }

  function hold(engine: Engine, reservation: Reservation): Session<Engine> {
    onFailure(undefined)
    reservation.loaded()
    void engine.ended.then(({ kind, message }) => {
      reservation[Symbol.dispose]()
      if (kind !== 'stopped') onFailure(message)
    })
    return { engine, reservation, close: () => engine.close(), ended: engine.ended }
  }

  function leave(): void {
    users -= 1
    if (users > 0) return
    giveUp?.abort(forsaken(model.id))
    for (const wake of whenIdle) wake()
    whenIdle.clear()
    budget.changed()
  }

  async function untilIdle(signal: AbortSignal, onWait: () => void): Promise<void> {
    while (users > 0) {
      onWait()
      const idle = Promise.withResolvers<void>()
      whenIdle.add(idle.resolve)
      await untilAborted(idle.promise, signal)
    }
  }

  /** Those who waited for it have given it up, and so would the next. */
  async function endHungStart(): Promise<void> {
    const hangs = supervisor.state === 'starting' && users === 0 && now() - heardAt >= longestSilenceMs
    if (hangs) await supervisor.stop()
  }

  async function take(request: AcquireOptions<Engine>, signal: AbortSignal): Promise<Session<Engine>> {
    for (;;) {
      await endHungStart()
      const { state } = supervisor
      if (state !== 'running' && state !== 'starting') demand = toDemand(model, request, slots)
      users += 1
      try {
        return await supervisor.acquire(signal)
      } catch (error) {
        leave()
        // It left the line because those before had gone; this one has come since.
        if (!isForsaken(error) || signal.aborted) throw error
      }
    }
  }

  /** Undefined where the process that runs, or came up, has too short a context and could have a longer one. */
  async function takeIfEnough(request: AcquireOptions<Engine>, signal: AbortSignal) {
    const session = await take(request, signal)
    try {
      const { plan } = session.reservation
      if (plan.contextLength >= request.contextLength) return session
      if (await request.isEnough?.(session.engine, plan)) return session
      const best = budget.best(toDemand(model, request, 1))
      if (!best || best.contextLength <= plan.contextLength) return session
    } catch (error) {
      leave()
      throw error
    }
    leave()
    return undefined
  }

  async function takeEnough(request: AcquireOptions<Engine>, signal: AbortSignal, onWait: () => void) {
    // Whoever waits for a longer context lets nobody pass: else a model in constant use would never be free for it.
    const passing = await turns.enter({ signal, onWait })
    passing[Symbol.dispose]()
    const soon = await takeIfEnough(request, signal)
    if (soon) return soon
    using _turn = await turns.enter({ signal, onWait })
    const later = await takeIfEnough(request, signal)
    if (later) return later
    await untilIdle(signal, onWait)
    await process.end()
    // Whatever it now gets is the most that there is, and the engine says what does not fit.
    return await take(request, signal)
  }

  function toLease({ engine, reservation }: Session<Engine>): Lease<Engine> {
    let over = false
    reservation.used()
    return {
      engine,
      plan: reservation.plan,
      succeeded: () => supervisor.succeeded(),
      async endUnlessShared() {
        if (over || users > 1 || supervisor.current?.engine !== engine) return false
        await process.end()
        return true
      },
      [Symbol.dispose]() {
        if (over) return
        over = true
        reservation.used()
        leave()
      },
    }
  }

  const process: ModelProcess<Engine> = {
    async acquire(file, request, signal) {
      model = file
      const { onStatus = () => {} } = request
      const onWait = () => onStatus(queued)
      listeners.add(onStatus)
      try {
        await budget.afterWaiting({ signal, onWait })
        if (status) onStatus(status)
        return toLease(await takeEnough(request, signal, onWait))
      } finally {
        listeners.delete(onStatus)
      }
    },
    async end() {
      const { current } = supervisor
      await supervisor.stop()
      current?.reservation[Symbol.dispose]()
    },
    get idle() {
      return users === 0
    },
    get current() {
      return supervisor.state === 'running' ? supervisor.current?.engine : undefined
    },
    get state(): ModelProcessState {
      if (supervisor.state === 'running') return { model: model.id, state: 'ready' }
      if (supervisor.state !== 'starting') return { model: model.id, state: 'unloaded' }
      const { done = 0, unit } = status?.progress ?? {}
      return { model: model.id, state: 'loading', ...(unit === 'percent' && { progress: done / 100 }) }
    },
  }
  return process
}

function toDemand(
  { id, memory, sizeBytes = memory?.sizeBytes ?? 0 }: ModelFile,
  { contextLength, exactly = false }: Pick<AcquireOptions<unknown>, 'contextLength' | 'exactly'>,
  slots: number,
): MemoryDemand {
  return { model: id, sizeBytes, contextLength, exactly, slots, ...(memory && { memory }) }
}

const leftTheLine = 'left-the-line'

/** The start of a model that nobody waits for any more, and that had not begun. */
function forsaken(model: string): LmappError {
  return new LmappError('cancelled', `Nobody waits for ${model} any more.`, { details: { reason: leftTheLine } })
}

function isForsaken(error: unknown): boolean {
  return isLmappError(error, 'cancelled') && error.details?.reason === leftTheLine
}
