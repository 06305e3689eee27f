import { cpus } from 'node:os'

/** Processor time since some beginning, in milliseconds over all cores. */
export interface ProcessorTimes {
  nowMs: number
  cores: number
  everyoneMs: number
  oursMs: number
}

export interface ThreadGovernor {
  /** To be called before each step of work. */
  pace(): void
  /** Runs something that has to see the full number of threads. */
  withAll<T>(work: () => Promise<T>): Promise<T>
}

export interface ThreadGovernorOptions {
  most: number
  apply(threads: number): void
  read?(): ProcessorTimes
}

const windowMs = 200

/**
 * Uses only the cores that others leave free. llama.cpp's threads spin while they wait for each other, so with one more
 * than there are free cores everything stands still for whole time slices: two engines on two cores wrote half a token
 * a second with two threads each, and 33 with one.
 */
export function createThreadGovernor({ most, apply, read = readTimes }: ThreadGovernorOptions): ThreadGovernor {
  let before = read()
  let threads = most
  let holds = 0
  apply(most)

  return {
    pace() {
      const now = read()
      const elapsedMs = now.nowMs - before.nowMs
      if (elapsedMs < windowMs || now.cores === 0) return
      const others = (now.everyoneMs - before.everyoneMs - (now.oursMs - before.oursMs)) / elapsedMs
      before = now
      threads = Math.max(1, Math.min(most, Math.round(now.cores - others)))
      if (holds === 0) apply(threads)
    },

    async withAll(work) {
      holds++
      apply(most)
      try {
        return await work()
      } finally {
        holds--
        if (holds === 0) apply(threads)
      }
    },
  }
}

function readTimes(): ProcessorTimes {
  const cores = cpus()
  const { user, system } = process.cpuUsage()
  return {
    nowMs: performance.now(),
    cores: cores.length,
    everyoneMs: cores.reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0),
    oursMs: (user + system) / 1000,
  }
}
