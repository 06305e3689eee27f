import { untilAborted } from 'lmapp-kit'
import { bytesOf, type MemoryDemand, type MemoryPlan, planMemory, tooLarge } from './plan-memory.ts'
import { createTurns, type WaitOptions } from './turns.ts'

export interface MemoryBudgetOptions {
  /** For all models together, in bytes. Undefined: what is free. */
  limitBytes: () => number | undefined
  /** What the system has for new programs now, mapped files counted as free. */
  freeBytes: () => number
}

/** Who holds memory. */
export interface Tenant {
  /** Nobody uses it, so that it may be ended. */
  readonly idle: boolean
  /** Ends it, and resolves when its memory is free and its reservation disposed. */
  end(): Promise<void>
}

/** Memory of one model, from before it is loaded until it is gone. */
export interface Reservation extends Disposable {
  readonly plan: MemoryPlan
  /** It is loaded: what it took is no longer free by the system's count either. */
  loaded(): void
  /** It was used just now: others make room before it. */
  used(): void
}

/**
 * The memory of the models that lmapp runs itself. The service has one, which all backends share. The least recently
 * used makes room first; one that is in use is waited for, and those that wait get room in the order in which they came.
 */
export interface MemoryBudget {
  /** Waits for room. Throws `model-too-large` before anything is ended for it, and the reason of `signal`. */
  reserve(demand: MemoryDemand, tenant: Tenant, options?: WaitOptions): Promise<Reservation>
  /** What this model could run with if all others made room, and it too where it runs already. */
  best(demand: MemoryDemand): MemoryPlan | undefined
  /** Resolves when nobody waits for room who came earlier: else a model in constant use would never make room. */
  afterWaiting(options?: WaitOptions): Promise<void>
  /** To be called when a tenant is idle. */
  changed(): void
}

interface Holding {
  tenant: Tenant
  plan: MemoryPlan
  loaded: boolean
}

export function createMemoryBudget({ limitBytes, freeBytes }: MemoryBudgetOptions): MemoryBudget {
  /** The least recently used first. */
  const holdings = new Set<Holding>()
  const turns = createTurns()
  let change = Promise.withResolvers<void>()

  const changed = () => {
    change.resolve()
    change = Promise.withResolvers()
  }

  const sum = (bytes: (holding: Holding) => number) => [...holdings].reduce((total, each) => total + bytes(each), 0)

  /** What a new model may take as things are. */
  const room = () => {
    const hidden = sum(({ plan, loaded }) => (loaded ? plan.weightsBytes : bytesOf(plan)))
    const limit = limitBytes() ?? Number.POSITIVE_INFINITY
    return Math.min(freeBytes() - hidden, limit - sum(({ plan }) => bytesOf(plan)))
  }

  /** What it may take when all others have made room. */
  const mostRoom = () => {
    const returned = sum(({ plan, loaded }) => (loaded ? plan.contextBytes : 0))
    return Math.min(freeBytes() + returned, limitBytes() ?? Number.POSITIVE_INFINITY)
  }

  const best = (demand: MemoryDemand) => planMemory({ ...demand, slots: 1 }, mostRoom())

  const makeRoom = async (demand: MemoryDemand, { signal, onWait }: WaitOptions): Promise<MemoryPlan> => {
    for (;;) {
      signal?.throwIfAborted()
      const due = best(demand)
      if (!due) throw tooLarge(demand, mostRoom())
      const now = planMemory(demand, room())
      const idle = [...holdings].find(({ tenant }) => tenant.idle)
      if (now && (now.contextLength >= due.contextLength || !idle)) return now
      if (idle) {
        await idle.tenant.end()
        holdings.delete(idle)
        continue
      }
      if (holdings.size === 0) throw tooLarge(demand, room())
      onWait?.()
      await untilAborted(change.promise, signal)
    }
  }

  const hold = (tenant: Tenant, plan: MemoryPlan): Reservation => {
    const holding: Holding = { tenant, plan, loaded: false }
    holdings.add(holding)
    return {
      plan,
      loaded() {
        holding.loaded = true
      },
      used() {
        if (holdings.delete(holding)) holdings.add(holding)
      },
      [Symbol.dispose]() {
        if (holdings.delete(holding)) changed()
      },
    }
  }

  return {
    async reserve(demand, tenant, options = {}) {
      using _turn = await turns.enter(options)
      return hold(tenant, await makeRoom(demand, options))
    },
    best,
    async afterWaiting(options = {}) {
      using _turn = await turns.enter(options)
    },
    changed,
  }
}
