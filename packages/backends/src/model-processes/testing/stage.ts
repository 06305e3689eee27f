import type { Status } from 'lmapp-kit'
import type { Held } from '../../processes/index.ts'
import { createMemoryBudget, type MemoryBudget } from '../memory-budget.ts'
import type { ModelFile } from '../model-file.ts'
import type { LaunchOptions } from '../model-process.ts'
import { createModelProcesses, type ModelProcesses } from '../model-processes.ts'
import type { MemoryPlan } from '../plan-memory.ts'

export const mebibyte = 1024 * 1024

/** An engine of which the test says when it is up and when it ends. */
export interface StagedEngine extends Held {
  model: string
  plan: MemoryPlan
  die(): void
  closed: boolean
}

export interface Start {
  model: string
  plan: MemoryPlan
  onStatus: (status: Status) => void
  /** It is loaded. */
  succeed(): StagedEngine
  fail(error: Error): void
  /** Whether its start was given up. */
  readonly aborted: boolean
}

export interface Stage {
  budget: MemoryBudget
  processes: ModelProcesses<StagedEngine>
  /** Another backend with the same budget. */
  another: ModelProcesses<StagedEngine>
  starts: Start[]
  /** Resolves with the start of that number, from 0, once it was begun. */
  started(index: number): Promise<Start>
}

export interface StageOptions {
  limitBytes?: number
  freeBytes?: () => number
  /** Starts that succeed by themselves. */
  easy?: boolean
  /** Resolves when an engine may end. */
  beforeEnd?: Promise<void>
  slots?: number
  longestSilenceMs?: number
  now?: () => number
}

export function openStage(options: StageOptions = {}): Stage {
  const { limitBytes, freeBytes = () => Number.MAX_SAFE_INTEGER, easy = false, slots = 1 } = options
  const { longestSilenceMs, now } = options
  const budget = createMemoryBudget({ limitBytes: () => limitBytes, freeBytes })
  const starts: Start[] = []
  const waiting = new Set<() => void>()

  const launch = (file: ModelFile, plan: MemoryPlan, { signal, onStatus }: LaunchOptions): Promise<StagedEngine> => {
    const { promise, resolve, reject } = Promise.withResolvers<StagedEngine>()
    signal.addEventListener('abort', () => reject(signal.reason))
    const start: Start = {
      model: file.id,
      plan,
      onStatus,
      succeed() {
        const engine = createEngine(file.id, plan, options.beforeEnd)
        resolve(engine)
        return engine
      },
      fail: reject,
      get aborted() {
        return signal.aborted
      },
    }
    starts.push(start)
    for (const wake of waiting) wake()
    if (easy) start.succeed()
    return promise
  }
  const open = (name: string) =>
    createModelProcesses<StagedEngine>({ name, budget, launch, slots, wait: async () => {}, longestSilenceMs, now })
  return {
    budget,
    processes: open('box'),
    another: open('other'),
    starts,
    async started(index) {
      for (;;) {
        const found = starts[index]
        if (found) return found
        await new Promise<void>((resolve) => waiting.add(resolve))
      }
    },
  }
}

function createEngine(model: string, plan: MemoryPlan, beforeEnd: Promise<void> | undefined): StagedEngine {
  const { promise, resolve } = Promise.withResolvers<{ kind: string; message: string }>()
  const engine: StagedEngine = {
    model,
    plan,
    closed: false,
    ended: promise,
    die: () => resolve({ kind: 'died', message: `${model} ended (signal SIGKILL)` }),
    async close() {
      engine.closed = true
      await beforeEnd
      resolve({ kind: 'stopped', message: 'It was stopped.' })
    },
  }
  return engine
}

/** 4 MiB, and 1 MiB for each 1,024 tokens of its context. */
export function file(id: string): ModelFile {
  const memory = { sizeBytes: 4 * mebibyte, layers: 1, embeddingLength: 256, headCount: 1, vocabularySize: 0 }
  return { id, path: `/models/${id}.gguf`, sizeBytes: 4 * mebibyte, memory }
}

/** Lets everything happen that can happen by itself. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
