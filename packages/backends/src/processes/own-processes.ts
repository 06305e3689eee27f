import { readdir, readFile } from 'node:fs/promises'

/** Environment variable by which a process of ours, and whatever it starts, is known as ours. */
export const nonceVariable = 'LMAPP_ENGINE_NONCE'

/**
 * Processes that carry this nonce in the environment that they were started with. Only Linux tells, and only of the
 * user's own processes; elsewhere none is found.
 */
export async function findByNonce(nonce: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const entries = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(entries.map(async (name) => ((await carries(name, nonce)) ? [Number(name)] : [])))
  return found.flat().filter((pid) => pid !== process.pid)
}

async function carries(pid: string, nonce: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1')
    return environment.split('\0').includes(`${nonceVariable}=${nonce}`)
  } catch {
    return false
  }
}

/** Ends all that carry the nonce, also those that left their group. Returns how many there were. */
export async function killByNonce(nonce: string): Promise<number> {
  const pids = await findByNonce(nonce)
  for (const pid of pids) killIfThere(pid)
  return pids.length
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
