import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { killByNonce, nonceVariable } from './own-processes.ts'

/** A process that was started here, as it is written down: enough to prove later that it is still the same one. */
export interface ProcessRecord {
  /** Of its group, too. */
  pid: number
  /** As the system counts it; on Linux ticks since boot, elsewhere a date. */
  startedAt: string
  nonce: string
  /** For people. */
  program: string
}

/** Which processes were started here. Who reads them after a sudden end knows what was left behind. */
export interface ProcessRecords {
  add(record: Omit<ProcessRecord, 'startedAt'>): Promise<void>
  remove(nonce: string): Promise<void>
  /**
   * Ends what an earlier service left behind: only what pid, start and nonce together prove to be one of ours, and what
   * carries the same nonce. Resolves with the programs that were ended.
   */
  reap(): Promise<string[]>
}

/** Creating it touches nothing. A folder that cannot be written costs the proof, and nothing else. */
export function createProcessRecords({ dir }: { dir: string }): ProcessRecords {
  const fileOf = (nonce: string) => join(dir, `${nonce}.json`)
  return {
    async add(record) {
      const startedAt = await startOf(record.pid)
      if (startedAt === undefined) return
      const aside = `${fileOf(record.nonce)}.new`
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 })
        await writeFile(aside, JSON.stringify({ ...record, startedAt }), { mode: 0o600 })
        await rename(aside, fileOf(record.nonce))
      } catch {
        await rm(aside, { force: true }).catch(() => {})
      }
    },
    async remove(nonce) {
      await rm(fileOf(nonce), { force: true }).catch(() => {})
    },
    async reap() {
      const names = await readdir(dir).catch(() => [])
      const ended = await Promise.all(names.map((name) => reapOne(join(dir, name))))
      return ended.flat()
    },
  }
}

async function reapOne(file: string): Promise<string[]> {
  const record = parseRecord(await readFile(file, 'utf8').catch(() => ''))
  const ended = record && (await endIfOurs(record))
  await rm(file, { force: true }).catch(() => {})
  return ended ? [record.program] : []
}

async function endIfOurs({ pid, startedAt, nonce }: ProcessRecord): Promise<boolean> {
  const same = (await startOf(pid)) === startedAt && (await environmentOf(pid)).includes(`${nonceVariable}=${nonce}`)
  if (same) killGroup(pid)
  return (await killByNonce(nonce)) > 0 || same
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

function parseRecord(text: string): ProcessRecord | undefined {
  try {
    const { pid, startedAt, nonce, program } = JSON.parse(text)
    const whole = Number.isSafeInteger(pid) && pid > 1 && [startedAt, nonce, program].every(isText)
    return whole ? { pid, startedAt, nonce, program } : undefined
  } catch {
    return undefined
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** When a process started, as a text that no other process of that id has. Undefined where it is gone. */
export async function startOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform !== 'linux') return await askPs(pid, 'lstart=')
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; the start is the 20th field after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

async function environmentOf(pid: number): Promise<string> {
  try {
    if (process.platform !== 'linux') return await askPs(pid, 'command=', 'eww')
    return await readFile(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

/** As macOS and the BSDs have it. */
async function askPs(pid: number, column: string, ...flags: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', [...flags, '-p', `${pid}`, '-o', column])
  return stdout.trim()
}
