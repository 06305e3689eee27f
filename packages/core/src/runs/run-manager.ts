import { isLmappError, LmappError, type RunEnd, type RunEvent } from 'lmapp-kit'
import type { BackendRegistry } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import type { ModelUses } from '../models/model-uses.ts'
import type { ModelLibrary } from '../models/models.ts'
import { type Resolution, resolveCandidates } from '../routing/resolve.ts'
import { findFirst } from '../routing/take-next.ts'
import type { Id, Store } from '../store/store.ts'
import { execute } from './execute.ts'
import { fetchModel } from './fetch-model.ts'
import { createJournal, type Journal } from './journal.ts'
import { LiveRun, toIdentity } from './live-run.ts'
import type { Outcome } from './outcome.ts'
import { planRun, type RunPlan } from './plan.ts'
import type { Run, RunManager, RunRequest } from './run.ts'
import { toReference } from './try-candidate.ts'
import { createTurns } from './turns.ts'

export interface RunManagerOptions {
  store: Store
  backends: BackendRegistry
  library: ModelLibrary
  /** Remembers which models answer, for lists and for the choice where none is named. */
  uses?: ModelUses
  /** Reads the file again when it changed. */
  config: () => Promise<Config>
  now?: () => number
  /** Told whenever the number of active runs changed. */
  onActivity?: () => void
  /** Told of each run that ended and is stored. */
  onEnded?: (run: Run, request: RunRequest) => void
}

/** Runs at a time; the backends queue what they cannot answer side by side. */
const mostRuns = 256
/** An ended run can be joined and replayed for this long; a very long one only shortly, for it fills the memory. */
const replayMs = 300_000
const shortReplayMs = 10_000
const longRun = 20_000
/** What the store refused is offered to it again after this, as long as the service lives. */
const storeAgainMs = 2_000

export function createRunManager(options: RunManagerOptions): RunManager {
  const runs = new Map<Id, LiveRun>()
  const turns = createTurns()
  const unsaved = new Set<() => Promise<void>>()
  let active = 0

  const begin = async (request: RunRequest): Promise<Run> => {
    let plan = await planRun(request, options.store)
    const joined = request.kind === 'continue' && findRunning(runs, plan.begin.answer.id)
    if (joined) return joined
    const turn = turns.take(plan.begin.conversationId)
    try {
      if (turn.wait) {
        await turn.wait
        plan = await planRun(request, options.store)
      }
      return await launch(request, plan, turn.done)
    } catch (error) {
      turn.done()
      throw error
    }
  }

  const launch = async (request: RunRequest, plan: RunPlan, done: () => void): Promise<Run> => {
    const [resolved] = await Promise.all([settle(resolve(request, plan, options)), store(request, plan, options)])
    const abort = new AbortController()
    const run = new LiveRun({
      id: plan.begin.runId,
      owner: request.owner,
      conversation: request.save ? plan.begin.conversationId : undefined,
      message: plan.begin.answer.id,
      model: toModel(resolved, plan),
      earlier: plan.earlier,
      onCancel: () => abort.abort(),
    })
    runs.set(run.id, run)
    active += 1
    options.onActivity?.()
    const ended = conduct({ ...options, request, plan, run, resolved, abort, unsaved }).finally(() => {
      active -= 1
      done()
      options.onActivity?.()
      setTimeout(() => runs.delete(run.id), run.seq > longRun ? shortReplayMs : replayMs).unref()
      if (!request.save) return
      if (run.state !== 'failed') options.uses?.note(run.model).catch(() => {})
      options.onEnded?.(run, request)
    })
    ended.catch(() => {})
    return run
  }

  return {
    start(request) {
      if (active >= mostRuns) {
        return Promise.reject(new LmappError('busy', `${active} answers are being written already.`))
      }
      return begin(request)
    },
    get(id, owner) {
      const run = runs.get(id)
      if (run?.owner === owner) return run
      throw new LmappError('not-found', `No run is called "${id}", or it ended a while ago.`, {
        hint: 'See what was stored: lmapp history list',
      })
    },
    list(owner) {
      return [...runs.values()].filter((run) => run.owner === owner && run.state === 'running').reverse()
    },
    get active() {
      return active
    },
    get queued() {
      return turns.waiting
    },
    async allEnded() {
      await Promise.all([...runs.values()].map((run) => run.ended))
    },
    async stopAll() {
      await Promise.all([...runs.values()].filter((run) => run.state === 'running').map((run) => run.cancel()))
      await Promise.allSettled([...unsaved].map((save) => save()))
    },
    async [Symbol.asyncDispose]() {
      await this.stopAll()
    },
  }
}

function findRunning(runs: Map<Id, LiveRun>, message: Id): Run | undefined {
  return [...runs.values()].find((run) => run.message === message && run.state === 'running')
}

type Resolved = { resolution: Resolution } | { error: LmappError }

async function settle(resolution: Promise<Resolution>): Promise<Resolved> {
  try {
    return { resolution: await resolution }
  } catch (error) {
    if (isLmappError(error)) return { error }
    throw error
  }
}

async function resolve(request: RunRequest, plan: RunPlan, options: RunManagerOptions): Promise<Resolution> {
  return resolveCandidates(plan.reference, {
    backends: options.backends,
    config: await options.config(),
    environment: request.environment,
    library: options.library,
    ...(options.uses && { uses: options.uses }),
    allowFetch: request.allowFetch,
    offline: request.offline,
  })
}

async function store(request: RunRequest, plan: RunPlan, options: RunManagerOptions): Promise<void> {
  if (!request.save) return
  await options.store.beginRun(plan.begin)
  if (request.terminal !== undefined) {
    await options.store.noteTerminal(request.terminal, plan.begin.conversationId, request.owner)
  }
}

/** Who will be asked first. */
function toModel(resolved: Resolved, plan: RunPlan): string {
  if (!('resolution' in resolved)) return plan.reference ?? ''
  const { candidates } = resolved.resolution
  const first = findFirst(candidates)
  return first ? toReference(first) : ''
}

interface Conducting extends RunManagerOptions {
  request: RunRequest
  plan: RunPlan
  run: LiveRun
  resolved: Resolved
  abort: AbortController
  unsaved: Set<() => Promise<void>>
}

/** From the first event to the last. Never rejects for what an engine or the disk does. */
async function conduct(options: Conducting): Promise<void> {
  const { run, request } = options
  let broken: LmappError | undefined
  const journal = request.save
    ? createJournal(options.store, run.id, (error) => {
        broken ??= toStoreError(error)
        options.abort.abort()
      })
    : undefined
  const emit = (event: RunEvent) => {
    run.emit(event)
    if (journal && isJournalled(event)) journal.add(run.seq, event)
    return journal?.room
  }
  await emit({ type: 'start', ...toIdentity(run) })
  const outcome = await toOutcome(options, emit)
  const whole: Outcome = broken ? { ...outcome, ...toBroken(run, broken) } : outcome
  run.emit({ type: 'end', ...(journal ? await save(options, journal, whole) : whole) })
}

async function toOutcome(options: Conducting, emit: (event: RunEvent) => Promise<void> | undefined): Promise<Outcome> {
  const now = options.now ?? Date.now
  const startedAt = now()
  try {
    if ('error' in options.resolved) throw options.resolved.error
    const { resolution } = options.resolved
    if (resolution.notice !== undefined) await emit({ type: 'warning', code: 'other', message: resolution.notice })
    const { signal } = options.abort
    const { offline, environment } = options.request
    if (resolution.fetch)
      await fetchModel(resolution.fetch, { library: options.library, signal, offline, environment, emit })
    const { failover } = await options.config()
    return await execute({
      run: options.run,
      plan: options.plan,
      resolution,
      signal,
      failover: { ...failover, enabled: options.request.failover ?? failover.enabled },
      offline,
      emit,
      recordAttempt: (attempt) => recordAttempt(options, attempt),
      now,
    })
  } catch (error) {
    const timings = { totalMs: now() - startedAt }
    if (options.abort.signal.aborted) return { state: 'stopped', reason: 'cancelled', usage: {}, timings }
    const known = isLmappError(error) ? error : new LmappError('engine-failed', String(error), { cause: error })
    const state = options.run.text === '' ? 'failed' : 'incomplete'
    return { state, usage: {}, timings, error: known.toData() }
  }
}

function recordAttempt(options: Conducting, attempt: Parameters<Store['recordAttempt']>[1]): void {
  if (!options.request.save) return
  options.store.recordAttempt(options.run.id, attempt).catch(() => {})
}

function isJournalled(event: RunEvent): boolean {
  return event.type !== 'status' && event.type !== 'start' && event.type !== 'end'
}

/** Writes the rest and the end. What the store refuses is kept in memory and offered again. */
async function save(options: Conducting, journal: Journal, outcome: Outcome): Promise<Outcome> {
  try {
    await journal.flush()
    await endRun(options, outcome)
    return outcome
  } catch (error) {
    const refused = toStoreError(error)
    const broken: Outcome = { ...outcome, ...toBroken(options.run, refused) }
    keepOffering(options, journal.writtenSeq, outcome)
    return broken
  }
}

function endRun({ store, run }: Conducting, outcome: Outcome): Promise<void> {
  return store.endRun({
    runId: run.id,
    state: outcome.state,
    model: run.model,
    usage: outcome.usage,
    timings: outcome.timings,
    ...(outcome.reason && { reason: outcome.reason }),
    ...(outcome.error && { error: outcome.error }),
  })
}

function keepOffering(options: Conducting, writtenSeq: number, outcome: Outcome): void {
  const { run, unsaved } = options
  const offer = async () => {
    const rest: { seq: number; event: RunEvent }[] = []
    for await (const { seq, event } of run.events({ from: writtenSeq })) {
      if (event.type !== 'snapshot' && isJournalled(event)) rest.push({ seq, event })
    }
    const [first] = rest
    if (first)
      await options.store.appendEvents(
        run.id,
        first.seq,
        rest.map(({ event }) => event),
      )
    await endRun(options, outcome)
    unsaved.delete(offer)
  }
  unsaved.add(offer)
  const again = () => {
    if (unsaved.has(offer)) offer().catch(() => setTimeout(again, storeAgainMs).unref())
  }
  setTimeout(again, storeAgainMs).unref()
}

function toBroken(run: LiveRun, error: LmappError): Pick<RunEnd, 'state' | 'error'> {
  return { state: run.text === '' ? 'failed' : 'incomplete', error: error.toData() }
}

function toStoreError(error: unknown): LmappError {
  return isLmappError(error) ? error : new LmappError('store-failed', String(error), { cause: error })
}
