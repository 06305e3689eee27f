import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
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
  env?: NodeJS.ProcessEnv
}

/** In characters. */
const keptOfStderr = 4096

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
  const { guard, reason } = spawnGuarded(command, options)
  const [line] = await Promise.race([
    once(createInterface({ input: guard.stdout }), 'line'),
    once(guard, 'close').then(() => {
      throw new Error(`it ended: ${reason()}`)
    }),
  ])
  return { address: String(line).trim(), ...toProgram(guard) }
}

/** Starts a server that is told its port; it is there when `path` answers. Throws with what it wrote when it is not. */
export async function openServerAtPort(
  toCommand: (port: number) => string[],
  { path, withinMs, ...options }: ProgramOptions & { path: string; withinMs: number },
): Promise<Server> {
  const port = await findPort()
  const { guard, reason } = spawnGuarded(toCommand(port), options)
  guard.stdout.resume()
  const address = `http://127.0.0.1:${port}`
  const until = performance.now() + withinMs
  while (!(await answers(address + path))) {
    if (guard.exitCode === null && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      continue
    }
    await endOf(guard)
    throw new Error(`it did not start: ${reason()}`)
  }
  return { address, ...toProgram(guard) }
}

interface Guarded {
  guard: ChildProcessWithoutNullStreams
  /** Says why it ended, as far as it wrote that. */
  reason(): string
}

/** Closing its stdin is what makes the guard end the program. */
function spawnGuarded(command: string[], { load, env = process.env }: ProgramOptions): Guarded {
  const guard = spawn(load, ['guard', ...command], { env })
  let said = ''
  guard.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-keptOfStderr)
  })
  const reason = () => {
    const line = said.split('\n').findLast((one) => /error/i.test(one)) ?? said
    return line.trim().slice(0, 200) || 'it does not say why'
  }
  return { guard, reason }
}

function toProgram(guard: Guarded['guard']): Program {
  const pid = childOf(guard.pid ?? 0)
  if (pid === undefined) throw new Error('A program ended as soon as it had started')
  return { pid, [Symbol.asyncDispose]: () => endOf(guard) }
}

async function endOf(guard: Guarded['guard']): Promise<void> {
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
