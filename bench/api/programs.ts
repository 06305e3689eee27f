import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { childOf } from './usage.ts'

/** A program that ends with the bench, however that ends. Disposing asks it to end, and kills it after five seconds. */
export interface Program extends AsyncDisposable {
  /** Of the program itself. */
  pid: number
}

export interface Server extends Program {
  /** Without a path. */
  address: string
}

export interface ProgramOptions {
  /** The built `load`. */
  load: string
  name: string
  /** For logs. */
  folder: string
  env?: NodeJS.ProcessEnv
}

/** Builds the upstream, the bare proxy, the clients and the guard: one program. Throws without Go. */
export function buildLoad(folder: string): string {
  const program = join(folder, 'load')
  const cwd = fileURLToPath(new URL('load', import.meta.url))
  const { status, error, stderr } = spawnSync('go', ['build', '-o', program, '.'], { cwd, encoding: 'utf8' })
  if (error) throw new Error('The bench of the API needs Go', { cause: error })
  if (status !== 0) throw new Error(`The load program did not build: ${stderr}`)
  return program
}

/** Starts a server that prints its address as its first line. */
export async function openServer(command: string[], options: ProgramOptions): Promise<Server> {
  const child = spawnGuarded(command, options)
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'close').then(() => {
      throw new Error(`${options.name} ended: ${tailOf(options)}`)
    }),
  ])
  return { address: String(line).trim(), ...toProgram(child) }
}

/** Starts a server that is told its port; it is there when `path` answers. Throws with what it wrote when it is not. */
export async function openServerAtPort(
  toCommand: (port: number) => string[],
  { path, withinMs, ...options }: ProgramOptions & { path: string; withinMs: number },
): Promise<Server> {
  const port = await findPort()
  const child = spawnGuarded(toCommand(port), options)
  child.stdout.resume()
  const address = `http://127.0.0.1:${port}`
  const until = performance.now() + withinMs
  while (!(await answers(address + path))) {
    if (child.exitCode === null && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      continue
    }
    await endOf(child)
    throw new Error(`${options.name} did not start: ${tailOf(options)}`)
  }
  return { address, ...toProgram(child) }
}

type Guard = ChildProcessByStdio<Writable, Readable, null>

/** Closing its stdin is what makes the guard end the program. */
function spawnGuarded(command: string[], { load, env = process.env, ...options }: ProgramOptions): Guard {
  const log = openSync(logOf(options), 'w')
  const guard = spawn(load, ['guard', ...command], { stdio: ['pipe', 'pipe', log], env })
  closeSync(log)
  return guard
}

function toProgram(guard: Guard): Program {
  const pid = childOf(guard.pid ?? 0)
  if (pid === undefined) throw new Error('A program ended as soon as it had started')
  return { pid, [Symbol.asyncDispose]: () => endOf(guard) }
}

async function endOf(guard: Guard): Promise<void> {
  if (guard.exitCode !== null || guard.signalCode !== null) return
  const closed = once(guard, 'close')
  guard.stdin.end()
  await closed
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined)
  await answer?.arrayBuffer()
  return answer?.ok ?? false
}

const logOf = ({ folder, name }: Pick<ProgramOptions, 'folder' | 'name'>) => join(folder, `${name}.log`)

function tailOf(options: Pick<ProgramOptions, 'folder' | 'name'>): string {
  const lines = readFileSync(logOf(options), 'utf8').split('\n')
  return (
    lines
      .findLast((line) => /error/i.test(line))
      ?.trim()
      .slice(0, 200) ?? 'it does not say why'
  )
}
