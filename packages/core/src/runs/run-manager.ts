import { isLmappError, LmappError } from 'lmapp-kit'
import type { BackendRegistry } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import type { ModelUses } from '../models/model-uses.ts'
import type { ModelLibrary } from '../models/models.ts'
import { resolveCandidates } from '../routing/resolve.ts'
import { findFirst } from '../routing/take-next.ts'
import type { Id, Store } from '../store/store.ts'
import { toReference } from './asking.ts'
import { conduct, type Resolved } from './conduct.ts'
import { createEndedRuns } from './ended-runs.ts'
import { LiveRun } from './live-run.ts'
import type { RunObserver } from './observer.ts'
import { planRun, type RunPlan } from './plan.ts'
import type { Run, RunManager, RunRequest } from './run.ts'
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
  observe?: RunObserver
}

/** Runs at a time over all backends, those that wait included: a matter of memory alone. */
const mostRuns = 2_048

export function createRunManager(options: RunManagerOptions): RunManager {
  const runs = new Map<Id, LiveRun>()
  const ended = createEndedRuns({ forget: (id) => runs.delete(id), ...(options.now && { now: options.now }) })
  const turns = createTurns()
  const unsaved = new Set<() => Promise<void>>()
  /** All that was begun, until nothing more happens in it. */
  const going = new Set<Promise<unknown>>()
  let active = 0
  let draining = false

  const follow = <T>(promise: Promise<T>): Promise<T> => {
    const whole: Promise<unknown> = promise.then(
      () => going.delete(whole),
      () => going.delete(whole),
    )
    going.add(whole)
    return promise
  }

  const begin = async (request: RunRequest): Promise<Run> => {
    let plan = await planRun(request, options.store)
    const joined = request.kind === 'continue' && findRunning(runs, plan.begin.answer.id)
    if (joined) return joined
    // Where its place is given, what else is said in the conversation is no matter.
    const turn = request.kept ? { done: () => {} } : turns.take(plan.begin.conversationId)
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
    const [resolved] = await Promise.all([resolve(request, plan, options), store(request, plan, options)])
    const abort = new AbortController()
    const run: LiveRun = new LiveRun({
      id: plan.begin.runId,
      owner: request.asker ?? request.owner,
      conversation: request.save ? plan.begin.conversationId : undefined,
      message: plan.begin.answer.id,
      model: toModel(resolved, plan),
      earlier: plan.earlier,
      replay: request.replay ?? true,
      onCancel: () => abort.abort(),
      onUnread: () => {
        if (run.end && run.isThrough) ended.remove(run.id)
      },
    })
    runs.set(run.id, run)
    active += 1
    options.onActivity?.()
    const conducted = conduct({ ...options, request, plan, run, resolved, abort, unsaved }).finally(() => {
      active -= 1
      done()
      options.onActivity?.()
      ended.add(run)
      if (run.isThrough) ended.remove(run.id)
      if (!request.save) return
      if (run.state !== 'failed') options.uses?.note(run.model).catch(() => {})
      options.onEnded?.(run, request)
    })
    follow(conducted).catch(() => {})
    return run
  }

  return {
    start(request) {
      if (draining) return Promise.reject(toLeaving())
      if (going.size >= mostRuns) return Promise.reject(toBusy(going.size))
      return follow(begin(request))
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
      return turns.waiting + options.backends.gauges().reduce((sum, { waiting }) => sum + waiting, 0)
    },
    gauges: () => options.backends.gauges(),
    async allEnded() {
      await Promise.all([...runs.values()].map((run) => run.ended))
    },
    async drain() {
      draining = true
      while (going.size > 0) await Promise.all(going)
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

function toBusy(active: number): LmappError {
  return new LmappError('busy', `${active} answers are being written already.`, { details: { retryAfterMs: 1_000 } })
}

function toLeaving(): LmappError {
  return new LmappError('service-unavailable', 'The service is leaving: it only finishes what it has begun.', {
    hint: 'Ask again in a moment: the next service answers',
    details: { retryAfterMs: 1_000 },
  })
}

function findRunning(runs: Map<Id, LiveRun>, message: Id): Run | undefined {
  return [...runs.values()].find((run) => run.message === message && run.state === 'running')
}

/** What is wrong with the name of a model is told by the run. */
async function resolve(request: RunRequest, plan: RunPlan, options: RunManagerOptions): Promise<Resolved> {
  try {
    const config = await options.config()
    const resolution = await resolveCandidates(plan.reference, {
      backends: options.backends,
      config,
      environment: request.environment,
      library: options.library,
      ...(options.uses && { uses: options.uses }),
      allowFetch: request.allowFetch,
      offline: request.offline,
    })
    return { resolution, failover: config.failover }
  } catch (error) {
    if (isLmappError(error)) return { error }
    throw error
  }
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
