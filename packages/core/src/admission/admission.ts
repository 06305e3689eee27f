import { LmappError } from 'lmapp-kit'
import { createFairQueue, type FairQueue } from './fair-queue.ts'
import { createSlotCount, type SlotCountOptions } from './slot-count.ts'

/** What waits at one backend; who comes then is refused. */
export const mostWaiting = 64

/** Shares out what one backend can answer side by side, among those who ask. */
export interface Admission {
  readonly slots: number
  readonly active: number
  readonly waiting: number
  /**
   * Resolves with a slot when there is one. Throws `busy` when too many wait, its `details.retryAfterMs` an estimate of
   * when there will be room, and the reason of `signal` when that aborts first, which leaves the line at once.
   */
  enter(request: SlotRequest): Promise<Slot>
}

export interface SlotRequest {
  model: string
  /** Slots are shared out by turns between clients. */
  client: string
  signal: AbortSignal
  /** Told the place in the line, from 1, when it begins to wait and whenever that changes. */
  onPlace?: (place: number) => void
}

/** Disposing gives it back, once. */
export interface Slot extends Disposable {
  /** Whether it was waited for. */
  readonly waited: boolean
  /** The backend has started: what it says of itself can be asked for. */
  started(): void
}

export interface AdmissionOptions extends SlotCountOptions {
  /** Of the backend, for messages. */
  id: string
}

/** Those that share slots: all of a backend, or those of one model that has its own. */
interface Pool {
  count(): number
  active: number
  line: FairQueue<Waiting>
}

interface Waiting {
  place: number | undefined
  onPlace: ((place: number) => void) | undefined
  admit: () => void
}

const shortestWaitMs = 1_000
const longestWaitMs = 60_000
/** Of the mean time of an answer, what the newest one counts. */
const weightOfNewest = 0.2

export function createAdmission(options: AdmissionOptions): Admission {
  const { id, now = Date.now } = options
  const pools = new Map<string, Pool>()
  const slotCount = createSlotCount(options, () => {
    for (const pool of pools.values()) admitNext(pool)
  })
  let meanMs: number | undefined

  const sum = (of: (pool: Pool) => number) => [...pools.values()].reduce((total, pool) => total + of(pool), 0)
  const waiting = () => sum(({ line }) => line.size)

  const poolOf = (model: string): { key: string; pool: Pool } => {
    const own = slotCount.ofModel(model)
    const key = own === undefined ? '' : `/${model}`
    const count = () => slotCount.ofModel(model) ?? slotCount.shared
    const pool = pools.get(key) ?? {
      count: key === '' ? () => slotCount.shared : count,
      active: 0,
      line: createFairQueue(),
    }
    pools.set(key, pool)
    return { key, pool }
  }

  const toBusy = (pool: Pool) => {
    const slots = pool.count()
    const guessMs = ((meanMs ?? shortestWaitMs) * (pool.line.size + 1)) / slots
    const retryAfterMs = Math.round(Math.min(longestWaitMs, Math.max(shortestWaitMs, guessMs)))
    return new LmappError('busy', `${waiting()} requests wait for ${id} already.`, {
      hint: `Try again in ${Math.ceil(retryAfterMs / 1000)} s`,
      details: { retryAfterMs, backend: id, slots, waiting: waiting() },
    })
  }

  const occupy = ({ key, pool }: { key: string; pool: Pool }, waited: boolean): Slot => {
    const since = now()
    let held = true
    return {
      waited,
      started: slotCount.started,
      [Symbol.dispose]() {
        if (!held) return
        held = false
        pool.active -= 1
        const tookMs = now() - since
        meanMs = meanMs === undefined ? tookMs : meanMs + weightOfNewest * (tookMs - meanMs)
        slotCount.left()
        admitNext(pool)
        if (pool.active === 0 && pool.line.size === 0) pools.delete(key)
      },
    }
  }

  return {
    get slots() {
      return pools.size === 0 ? slotCount.shared : sum((pool) => pool.count())
    },
    get active() {
      return sum(({ active }) => active)
    },
    get waiting() {
      return waiting()
    },
    async enter({ model, client, signal, onPlace }) {
      signal.throwIfAborted()
      const place = poolOf(model)
      const { pool } = place
      if (pool.line.size === 0 && pool.active < pool.count()) {
        pool.active += 1
        return occupy(place, false)
      }
      if (waiting() >= mostWaiting) throw toBusy(pool)
      await standInLine(pool, { client, signal, onPlace })
      return occupy(place, true)
    },
  }
}

/** Resolves when the slot is counted as this one's. */
function standInLine(
  pool: Pool,
  { client, signal, onPlace }: Pick<SlotRequest, 'client' | 'signal'> & Pick<Waiting, 'onPlace'>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = () => {
    pool.line.remove(client, waiting)
    reject(signal.reason)
    tellPlaces(pool)
  }
  const waiting: Waiting = {
    place: undefined,
    onPlace,
    admit() {
      signal.removeEventListener('abort', leave)
      resolve()
    },
  }
  signal.addEventListener('abort', leave, { once: true })
  pool.line.add(client, waiting)
  tellPlaces(pool)
  return promise
}

function admitNext(pool: Pool): void {
  let admitted = false
  while (pool.active < pool.count()) {
    const next = pool.line.take()
    if (!next) break
    pool.active += 1
    admitted = true
    next.admit()
  }
  if (admitted) tellPlaces(pool)
}

function tellPlaces({ line }: Pool): void {
  for (const [index, waiting] of line.inOrder().entries()) {
    if (waiting.place === index + 1) continue
    waiting.place = index + 1
    waiting.onPlace?.(index + 1)
  }
}
