import { isLmappError, LmappError, type RunEnd, type RunEvent } from 'lmapp-kit'
import type { Config } from '../config/config.ts'
import type { ModelLibrary } from '../models/models.ts'
import type { Resolution } from '../routing/resolve.ts'
import type { EndRun, Store } from '../store/store.ts'
import { execute } from './execute.ts'
import { fetchModel } from './fetch-model.ts'
import { createJournal, type Journal } from './journal.ts'
import { type LiveRun, toIdentity } from './live-run.ts'
import type { RunObserver } from './observer.ts'
import type { Outcome } from './outcome.ts'
import type { RunPlan } from './plan.ts'
import type { RunRequest } from './run.ts'

/** What was found out about the candidates before the run began. */
export type Resolved = { resolution: Resolution; failover: Config['failover'] } | { error: LmappError }

export interface Conducting {
  store: Store
  library: ModelLibrary
  now?: () => number
  observe?: RunObserver
  request: RunRequest
  plan: RunPlan
  run: LiveRun
  resolved: Resolved
  abort: AbortController
  /** What the store refused: each is offered to it again, and taken out when it is stored. */
  unsaved: Set<() => Promise<void>>
}

/** What the store refused is offered to it again after this, as long as the service lives. */
const storeAgainMs = 2_000

/** From the first event to the last. Never rejects for what an engine or the disk does. */
export async function conduct(options: Conducting): Promise<void> {
  const { run, request } = options
  let broken: LmappError | undefined
  const journal = request.save
    ? createJournal(options.store, run.id, (error) => {
        broken ??= toStoreError(error)
        void run.cancel()
      })
    : undefined
  if (journal) run.keepAfter(() => journal.writtenSeq)
  const emit = createEmit(run, journal)
  await emit({ type: 'start', ...toIdentity(run) })
  const outcome = await toOutcome(options, emit)
  const whole: Outcome = broken ? { ...outcome, ...toBroken(run, broken) } : outcome
  const end: RunEnd = { type: 'end', ...(journal ? await save(options, journal, whole) : whole) }
  void run.emit(end)
  tellEnd(end, options)
}

function createEmit(run: LiveRun, journal: Journal | undefined) {
  return (event: RunEvent): Promise<void> | undefined => {
    const held = run.emit(event)
    if (!journal) return held
    if (isJournalled(event)) journal.add(run.seq, event)
    return journal.room ?? held
  }
}

function tellEnd({ state, error, usage, timings }: RunEnd, { observe, request, run }: Conducting): void {
  if (!observe?.ended) return
  const [backend = '', ...model] = run.model.split('/')
  const { totalMs, firstTokenMs } = timings
  observe.ended({
    backend,
    model: model.join('/'),
    state,
    usage,
    totalMs,
    client: toClient(request),
    ...(error && { code: error.code }),
    ...(firstTokenMs !== undefined && { firstTokenMs }),
  })
}

function toClient({ client, asker, owner }: RunRequest): string {
  return client ?? asker ?? owner
}

async function toOutcome(options: Conducting, emit: (event: RunEvent) => Promise<void> | undefined): Promise<Outcome> {
  const now = options.now ?? Date.now
  const startedAt = now()
  try {
    if ('error' in options.resolved) throw options.resolved.error
    const { resolution, failover } = options.resolved
    if (resolution.notice !== undefined) await emit({ type: 'warning', code: 'other', message: resolution.notice })
    const { signal } = options.abort
    const { offline, environment } = options.request
    if (resolution.fetch)
      await fetchModel(resolution.fetch, { library: options.library, signal, offline, environment, emit })
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
      client: toClient(options.request),
      ...(options.observe && { observe: options.observe }),
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
    const rest = journal.takeRest()
    await journal.written
    await endRun(options, outcome, rest)
    journal.settle()
    return outcome
  } catch (error) {
    const refused = toStoreError(error)
    const broken: Outcome = { ...outcome, ...toBroken(options.run, refused) }
    keepOffering(options, journal.writtenSeq, outcome)
    return broken
  }
}

function endRun({ store, run }: Conducting, outcome: Outcome, rest?: EndRun['rest']): Promise<void> {
  return store.endRun({
    runId: run.id,
    ...(rest && { rest }),
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
