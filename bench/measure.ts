import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface Figures {
  p50: number
  p99: number
}

export function toFigures(values: number[]): Figures {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`

/** User and system time of a whole process, in milliseconds. */
export function cpuOf(command: string[], env: NodeJS.ProcessEnv): number {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1 </dev/null'
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { env, encoding: 'utf8' })
  const [user = 0, system = 0] = stderr.trim().split(' ').map(Number)
  return 1000 * (user + system)
}

/** From the start of a process to its first byte on stdout, in milliseconds. */
export async function firstByteOf(command: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = command
  const startedAt = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  const tookMs = performance.now() - startedAt
  await closed
  return tookMs
}

/** Puts a terminal around a command. */
export function inTerminal(command: string[]): string[] {
  return ['script', '-qfec', command.map((word) => `'${word}'`).join(' '), '/dev/null']
}

/** Starts a server that prints its address as its first line. */
export async function startServer(command: string[]): Promise<{ address: string; child: ChildProcess }> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return { address: String(line).trim(), child }
}

/** One write of a page and an fsync, in milliseconds: what durability costs on this disk. */
export function fsyncOnce(folder: string): number {
  const file = join(folder, 'fsync-floor')
  const handle = openSync(file, 'a')
  const startedAt = performance.now()
  writeSync(handle, Buffer.alloc(4096))
  fsyncSync(handle)
  const tookMs = performance.now() - startedAt
  closeSync(handle)
  rmSync(file)
  return tookMs
}

/** Proportional set size of a process, in MB. */
export function pssOf(pid: number): number {
  const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}
