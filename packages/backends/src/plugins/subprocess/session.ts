import { createConnection, createOutput, LmappError, type RequestId, unknownMethod, untilAborted } from 'lmapp-kit'
import type { Child, EngineLog } from '../../processes/index.ts'
import { describeExit, type Failure, type Stage, toError } from './failure.ts'
import { createLogLines } from './log-lines.ts'
import { parseRequestId } from './parse-parts.ts'
import { violation } from './shape.ts'
import type { SubprocessTimeouts } from './timeouts.ts'

/** One life of a plugin's process: requests, and what becomes of them when it ends. */
export interface Session {
  /** Sends a request whose notifications go to `listener` until the response is there. */
  open(method: string, params: unknown, listener?: Listener): Exchange
  /** Throws `cancelled` and `stalled`; the process is then asked to stop the work, unless it is `gentle`. */
  call(method: string, params: unknown, limits: CallLimits): Promise<unknown>
  notify(method: string, params: unknown): void
  /** Resolves when there is room to send more. */
  drained(): Promise<void>
  /** The end of the line, as the error of one call that it interrupted; any other error as it is. */
  explain(error: unknown, stage: Stage): Promise<unknown>
  /** Cancels all requests, says `stop`, then climbs the exit ladder. Idempotent. */
  close(): Promise<void>
  /** At once, because of what the message says. */
  kill(message: string): void
  /** Resolves when the process is gone, with the reason. Never rejects. */
  readonly ended: Promise<Failure>
}

export interface CallLimits {
  signal?: AbortSignal | undefined
  deadlineMs: number
  /** For the error when the process dies. Default: `before-first-token`. */
  stage?: Stage
  /** When the deadline passes, the request is not cancelled. */
  gentle?: boolean
}

/** Hears the notifications of one request. What it throws ends the session. */
export type Listener = (method: string, params: unknown) => void

export interface Exchange {
  id: RequestId
  response: Promise<unknown>
  /** Asks for an early end; when the response does not come in time, the process is killed. Idempotent. */
  cancel(): void
}

export interface SessionOptions {
  /** As people know the backend. */
  name: string
  child: Child
  log: EngineLog
  timeouts: SubprocessTimeouts
  /** Called when the process is gone, before anyone learns of it. */
  cleanUp(): Promise<void>
}

export function createSession({ name, child, log, timeouts, cleanUp }: SessionOptions): Session {
  const exchanges = new Map<RequestId, Exchange & { listener: Listener }>()
  const logLines = createLogLines(log)
  let killedBecause: string | undefined
  let closing: Promise<void> | undefined
  const connection = createConnection({
    input: child.stdout,
    output: createOutput(child.stdin),
    onRequest: (method) => {
      throw unknownMethod(method)
    },
    onNotification: hear,
  })
  const ended = watch().finally(() => logLines.written().then(cleanUp))

  async function watch(): Promise<Failure> {
    const broken = await connection.closed
    if (closing) return { kind: 'stopped', message: `The backend "${name}" was stopped.`, report: await child.exited }
    if (!broken) {
      const report = await child.end({ stdinMs: timeouts.exitMs, terminateMs: timeouts.terminateMs })
      return { kind: 'died', message: killedBecause ?? describeExit(name, report), report }
    }
    child.kill()
    const message = `The backend "${name}" broke the protocol: ${broken.message}`
    return { kind: 'violation', message, cause: broken, report: await child.exited }
  }

  function hear(method: string, params: unknown): void {
    if (method === 'log') logLines.add(params)
    if (method !== 'parts' && method !== 'pull_progress') return
    const exchange = exchanges.get(parseRequestId(params) ?? '')
    if (exchange) exchange.listener(method, params)
    else if (method === 'parts')
      throw violation('Parts came for a chat that does not run.', { path: 'id', value: params })
  }

  function open(method: string, params: unknown, listener: Listener = () => {}): Exchange {
    if (closing) throw new LmappError('backend-stopped', `The backend "${name}" is being stopped.`)
    return send(method, params, listener)
  }

  function send(method: string, params: unknown, listener: Listener): Exchange {
    const { id, response } = connection.call(method, params)
    let deadline: NodeJS.Timeout | undefined
    const cancel = () => {
      if (deadline || !exchanges.has(id)) return
      connection.cancel(id)
      deadline = setTimeout(() => kill(slowCancel(name, method, timeouts.cancelMs)), timeouts.cancelMs)
    }
    const settle = () => {
      exchanges.delete(id)
      clearTimeout(deadline)
    }
    const exchange = { id, response, cancel, listener }
    exchanges.set(id, exchange)
    response.then(settle, settle)
    return exchange
  }

  function kill(message: string): void {
    killedBecause ??= message
    child.kill()
  }

  async function call(method: string, params: unknown, limits: CallLimits): Promise<unknown> {
    const { signal, deadlineMs, gentle, stage = 'before-first-token' } = limits
    if (signal?.aborted) throw cancelled(method, signal)
    const deadline = AbortSignal.timeout(deadlineMs)
    const { response, cancel } = open(method, params)
    try {
      return await untilAborted(response, signal ? AbortSignal.any([signal, deadline]) : deadline)
    } catch (error) {
      if (error === deadline.reason) {
        if (!gentle) cancel()
        throw new LmappError('stalled', `The backend "${name}" did not answer "${method}" within ${deadlineMs} ms.`)
      }
      if (!signal?.aborted || error !== signal.reason) throw await explain(error, stage)
      cancel()
      throw cancelled(method, signal)
    }
  }

  async function explain(error: unknown, stage: Stage): Promise<unknown> {
    return error === connection.endError ? toError(await ended, stage) : error
  }

  async function shutDown(): Promise<void> {
    const running = [...exchanges.values()]
    for (const { cancel } of running) cancel()
    await Promise.allSettled(running.map(({ response }) => response))
    const { response } = send('stop', {}, () => {})
    await untilAborted(response, AbortSignal.timeout(timeouts.exitMs)).catch(() => {})
    connection.close(new LmappError('backend-stopped', `The backend "${name}" was stopped.`))
    await child.end({ stdinMs: timeouts.exitMs, terminateMs: timeouts.terminateMs })
    await ended
  }

  return {
    open,
    call,
    notify: connection.notify,
    drained: connection.drained,
    explain,
    close: () => {
      closing ??= shutDown()
      return closing
    },
    kill,
    ended,
  }
}

function slowCancel(name: string, method: string, milliseconds: number): string {
  return `The backend "${name}" was killed: it did not end a cancelled "${method}" within ${milliseconds} ms.`
}

function cancelled(method: string, signal: AbortSignal): LmappError {
  return new LmappError('cancelled', `"${method}" was cancelled.`, { cause: signal.reason })
}
