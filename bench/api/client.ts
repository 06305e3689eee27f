import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** One piece of work: so many clients ask so many times in all, or for so long. */
export interface Order {
  url: string
  headers?: Record<string, string>
  model: string
  stream: boolean
  /** Each on a connection of its own, which it keeps. */
  clients: number
  count?: number
  forMs?: number
  /** Each stream stays open after its first token, until `release`. */
  hold?: boolean
  /** That an answer must have. */
  tokens: number
}

/** Times are in milliseconds, one for each answer that came whole. */
export interface Report {
  first: number[]
  whole: number[]
  tokens: number
  held: number
  failed: number
  /** Of the last one that failed. */
  reason?: string
  tookMs: number
}

/** The process that asks: the clients live in it, so that they cost the bench nothing. */
export interface LoadClient extends AsyncDisposable {
  pid: number
  carryOut(order: Order): Promise<Report>
  /** Leaves all streams that are held. */
  release(): Promise<void>
}

/** `load` is the built program. */
export function openLoadClient(load: string): LoadClient {
  const child = spawn(load, ['client'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (order: object): Promise<Report> => {
    child.stdin.write(`${JSON.stringify(order)}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error('The load client has ended')
    const report = JSON.parse(value)
    return { ...report, first: report.first ?? [], whole: report.whole ?? [] }
  }
  return {
    pid: child.pid ?? 0,
    carryOut: ask,
    async release() {
      await ask({ release: true })
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await closed
    },
  }
}
