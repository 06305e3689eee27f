/** Clients that are written in Python: one process each, which is asked by lines of JSON. See `python/driver.py`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Client, ErrorTold, Extra, Said, StreamOptions, Thought, ToolRound } from './client.ts'

/** The environments that `run-tests.sh` makes. */
export type Environment = 'sdks' | 'litellm'

interface Reply {
  id: number
  text?: string
  result?: unknown
  error?: ErrorTold
}

interface Question {
  onText?: ((text: string) => void) | undefined
  resolve(result: unknown): void
  reject(error: Error): void
}

class ClientError extends Error {
  readonly told: ErrorTold

  constructor(told: ErrorTold) {
    super(`${told.name}: ${told.message}`)
    this.told = told
  }
}

interface Driver {
  ask(message: object, options: StreamOptions): Promise<unknown>
  close(): Promise<void>
}

export interface PythonOptions {
  environment: Environment
  /** Name of a module in `python/`. */
  module: string
  /** What the module is told besides, such as the dialect it is to speak. */
  variant: string
  address: string
  key?: string | undefined
  has: readonly Extra[]
}

/** One process for all clients of an environment: they take seconds to import. */
const drivers = new Map<string, { driver: Driver; users: number }>()

export async function openPython({ environment, module, variant, address, key, has }: PythonOptions): Promise<Client> {
  const place = `${environment} ${address}`
  const shared = drivers.get(place) ?? { driver: startDriver(environment, address), users: 0 }
  drivers.set(place, shared)
  shared.users += 1
  const ask = <Result>(op: string, args: object, options: StreamOptions = {}) =>
    shared.driver.ask({ module, variant, ...(key !== undefined && { key }), op, args }, options) as Promise<Result>
  const extras: Partial<Client> = {
    tools: (asked, options) => ask<ToolRound>('tools', { ...asked, ...options }),
    schema: (asked) => ask('schema', asked),
    see: (asked) => ask<Said>('see', asked),
    think: (asked, options) => ask<Thought>('think', { ...asked, ...options }),
    embed: (model, texts) => ask<number[][]>('embed', { model, texts }),
    count: (asked) => ask<number>('count', asked),
    models: () => ask<string[]>('models', {}),
    wrongField: (model) => ask('wrong_field', { model, prompt: 'Hi.' }),
  }
  return {
    ...Object.fromEntries(Object.entries(extras).filter(([name]) => has.some((each) => each === name))),
    chat: (asked) => ask<Said>('chat', asked),
    stream: (asked, options) => ask<Said>('stream', asked, options),
    describeError(error) {
      if (error instanceof ClientError) return error.told
      return { own: false, name: 'driver', message: String(error) }
    },
    async [Symbol.asyncDispose]() {
      shared.users -= 1
      if (shared.users > 0) return
      drivers.delete(place)
      await shared.driver.close()
    },
  }
}

function startDriver(environment: Environment, address: string): Driver {
  const folder = process.env[`LMAPP_CLIENTS_${environment.toUpperCase()}`]
  if (!folder) throw new Error('The Python environments are made by test/clients/run-tests.sh.')
  const driver = fileURLToPath(new URL('../python/driver.py', import.meta.url))
  const child = spawn(`${folder}/bin/python`, [driver, address], { stdio: ['pipe', 'pipe', 'pipe'] })
  const questions = new Map<number, Question>()
  const stderr: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text))
  child.stdin.on('error', () => {})
  let ended: Error | undefined
  const closed = once(child, 'close').then(() => {
    ended = new Error(`The driver ended: ${stderr.join('')}`)
    for (const { reject } of questions.values()) reject(ended)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, text, result, error }: Reply = JSON.parse(line)
    const question = questions.get(id)
    if (text !== undefined) return question?.onText?.(text)
    questions.delete(id)
    if (error) question?.reject(new ClientError(error))
    else question?.resolve(result)
  })
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`)
  let count = 0
  return {
    async ask(message, { onText, signal }) {
      if (ended) throw ended
      count += 1
      const id = count
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      questions.set(id, { onText, resolve, reject })
      signal?.addEventListener('abort', () => send({ id, op: 'leave' }))
      send({ id, ...message })
      return await promise
    },
    async close() {
      child.stdin.end()
      await closed
    },
  }
}
