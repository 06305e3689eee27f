import { untilAborted } from 'lmapp-kit'

/** Where nobody says how many: engines that say nothing have a queue of their own. */
export const slotsOfSilent = 64

export interface SlotCountOptions {
  /** As the configuration says. Absent: as the engine says. */
  parallel?: number | undefined
  /** What the backend listed of one model of its own, when it was last asked. */
  parallelOf?: (model: string) => number | undefined
  /** What the backend says for all its models. Absent: nobody is asked. */
  ask?: (signal: AbortSignal) => Promise<number | undefined>
  now?: (() => number) | undefined
}

/** How many answers a backend can write side by side, as far as that is known. */
export interface SlotCount {
  /** For all models that have no number of their own. Until the backend was asked: one, and the others wait for what it says. */
  readonly shared: number
  ofModel(model: string): number | undefined
  /** Asks the backend, unless it said so a short while ago. */
  started(): void
  /** One who had a slot has left. If it was the first, and never got as far as asking, nobody waits for that any more. */
  left(): void
}

/** An engine may be started anew with other settings. */
const askAgainMs = 60_000
const longestAskMs = 2_000

/** `onChange` is told when `shared` has changed. */
export function createSlotCount(options: SlotCountOptions, onChange: () => void): SlotCount {
  const { parallel, ask, now = Date.now } = options
  let shared: number | undefined = parallel ?? (ask ? undefined : slotsOfSilent)
  let askedAt: number | undefined

  const become = (count: number) => {
    if (shared === count) return
    shared = count
    onChange()
  }
  const learn = async (asking: NonNullable<typeof ask>) => {
    const signal = AbortSignal.timeout(longestAskMs)
    try {
      become((await untilAborted(asking(signal), signal)) ?? slotsOfSilent)
    } catch {
      // What it said before holds until it says something else.
      become(shared ?? slotsOfSilent)
    }
  }

  return {
    get shared() {
      return shared ?? 1
    },
    ofModel: (model) => (parallel === undefined ? options.parallelOf?.(model) : undefined),
    started() {
      if (!ask || parallel !== undefined) return
      if (askedAt !== undefined && now() - askedAt < askAgainMs) return
      askedAt = now()
      void learn(ask)
    },
    left() {
      if (shared === undefined && askedAt === undefined) become(slotsOfSilent)
    },
  }
}
