import type { ProcessRecords } from '../processes/index.ts'
import { killByNonce } from '../processes/own-processes.ts'

/** The processes that run in one run of the judge. Disposing ends them, and any that is started afterwards. */
export interface RunningProcesses extends AsyncDisposable {
  /** For whoever starts one. */
  records: ProcessRecords
  /** Of the process with this id, while it runs. */
  nonceOf(pid: number): string
}

export function createRunningProcesses(): RunningProcesses {
  const running = new Map<string, number>()
  let isOver = false

  async function end(nonce: string, pid: number): Promise<void> {
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
    await killByNonce(nonce)
  }

  return {
    records: {
      async add({ nonce, pid }) {
        running.set(nonce, pid)
        if (isOver) await end(nonce, pid)
      },
      async remove(nonce) {
        running.delete(nonce)
      },
      reap: async () => [],
    },
    nonceOf: (pid) => [...running].find(([, known]) => known === pid)?.[0] ?? '',
    async [Symbol.asyncDispose]() {
      isOver = true
      for (const [nonce, pid] of running) await end(nonce, pid)
    },
  }
}
