import { LmappError } from '../errors/lmapp-error.ts'
import { createLineSplitter } from '../streams/line-splitter.ts'
import { maxLineBytes, type RequestId, type RpcMessage } from './messages.ts'
import type { Output } from './output.ts'
import { type Incoming, isRequestId, isTooDeep, maxNesting, parseMessage } from './parse-message.ts'
import { parseRpcError, toRpcError } from './rpc-error.ts'

/** A request that came in. */
export interface IncomingCall {
  id: RequestId
  /** Aborted when the other side cancels it, or has gone. */
  signal: AbortSignal
}

export interface ConnectionOptions {
  input: AsyncIterable<Uint8Array>
  output: Output
  /** Answers a request; what it throws becomes the error. Throw `unknownMethod(method)` for what is not known. */
  onRequest(method: string, params: unknown, call: IncomingCall): unknown
  /** An error thrown here breaks the connection: the other side broke the protocol. */
  onNotification(method: string, params: unknown): void
}

/** One side of a line. Both sides are alike: each may ask, answer and notify. */
export interface Connection {
  /** Sends a request. `response` rejects with the other side's error, or with what ended the connection. */
  call(method: string, params?: unknown): { id: RequestId; response: Promise<unknown> }
  /** False when it is better to wait for `drained` before the next one. Throws `bad-input` when it is too long for a line. */
  notify(method: string, params?: unknown): boolean
  /** Asks the other side to end a request; the response still comes. */
  cancel(id: RequestId): void
  /** Resolves when the other side has read enough for more to be sent. */
  drained(): Promise<void>
  /** The longest line the other side takes, where it said so. */
  setOutgoingLimit(bytes: number): void
  /** Ends it from this side: nothing more is read, and every open call rejects with `reason`. */
  close(reason: LmappError): void
  /** What open calls were rejected with when the line ended; undefined while it lasts. */
  readonly endError: LmappError | undefined
  /** Resolves when nothing more comes: with what was wrong, or undefined after a plain end. Never rejects. */
  readonly closed: Promise<LmappError | undefined>
}

export function unknownMethod(method: string): LmappError {
  return new LmappError('method-not-found', `The method "${method}" is not known here.`, { details: { method } })
}

/** Reads at once and until the end. */
export function createConnection({ input, output, onRequest, onNotification }: ConnectionOptions): Connection {
  const open = new Map<RequestId, PromiseWithResolvers<unknown>>()
  const incoming = new Map<RequestId, AbortController>()
  const end = Promise.withResolvers<LmappError | undefined>()
  let endError: LmappError | undefined
  let lastId = 0
  let outgoingLimit = maxLineBytes

  function finish(reason: LmappError | undefined): void {
    if (endError) return
    endError = reason ?? endOfInput()
    for (const call of open.values()) call.reject(endError)
    open.clear()
    for (const controller of incoming.values()) controller.abort(endError)
    end.resolve(reason)
  }

  function send(message: RpcMessage): boolean {
    const line = JSON.stringify(message)
    if (line.length * 3 > outgoingLimit && Buffer.byteLength(line) > outgoingLimit) throw tooLong(outgoingLimit)
    if (isTooDeep(line)) throw new LmappError('bad-input', `A message is nested deeper than ${maxNesting} levels.`)
    return output.write(`${line}\n`)
  }

  function notify(method: string, params?: unknown): boolean {
    return endError !== undefined || send({ jsonrpc: '2.0', method, params })
  }

  function receive(message: Incoming): void {
    switch (message.kind) {
      case 'notification':
        if (message.method === 'cancel') abortIncoming(message.params)
        else onNotification(message.method, message.params)
        return
      case 'request':
        answer(message).catch(finishWith)
        return
      case 'result':
        open.get(message.id)?.resolve(message.result)
        open.delete(message.id)
        return
      case 'error':
        if (message.id === null) throw parseRpcError(message.error)
        open.get(message.id)?.reject(parseRpcError(message.error))
        open.delete(message.id)
        return
      default:
        message satisfies never
    }
  }

  function abortIncoming(params: unknown): void {
    const id = typeof params === 'object' && params !== null && 'id' in params ? params.id : undefined
    if (isRequestId(id)) incoming.get(id)?.abort(new LmappError('cancelled', 'The other side cancelled it.'))
  }

  async function answer({ id, method, params }: Incoming & { kind: 'request' }): Promise<void> {
    const controller = new AbortController()
    incoming.set(id, controller)
    try {
      const result = await onRequest(method, params, { id, signal: controller.signal })
      send({ jsonrpc: '2.0', id, result: result ?? null })
    } catch (error) {
      send({ jsonrpc: '2.0', id, error: toRpcError(error) })
    } finally {
      incoming.delete(id)
    }
  }

  function finishWith(error: unknown): void {
    finish(error instanceof LmappError ? error : new LmappError('protocol-violation', String(error), { cause: error }))
  }

  readMessages(input, (message) => {
    if (!endError) receive(message)
  }).then(() => finish(undefined), finishWith)

  return {
    call(method, params) {
      const id = ++lastId
      const call = Promise.withResolvers<unknown>()
      call.promise.catch(() => {})
      try {
        if (endError) throw endError
        open.set(id, call)
        send({ jsonrpc: '2.0', id, method, params })
      } catch (error) {
        open.delete(id)
        call.reject(error)
      }
      return { id, response: call.promise }
    },
    notify,
    cancel: (id) => {
      notify('cancel', { id })
    },
    drained: output.drained,
    setOutgoingLimit: (bytes) => {
      outgoingLimit = Math.min(bytes, maxLineBytes)
    },
    close: finish,
    get endError() {
      return endError
    },
    closed: end.promise,
  }
}

async function readMessages(input: AsyncIterable<Uint8Array>, receive: (message: Incoming) => void): Promise<void> {
  const splitter = createLineSplitter({ maxBytes: maxLineBytes })
  const take = (line: string | undefined) => {
    if (line) receive(parseMessage(line))
  }
  for await (const bytes of untilItBreaks(input)) {
    for (const line of splitter.push(bytes)) take(line)
  }
  take(splitter.end())
}

/** A broken pipe is an end like any other: what ended the other side is known elsewhere. */
async function* untilItBreaks(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* input
  } catch {
    return
  }
}

function endOfInput(): LmappError {
  return new LmappError('stream-incomplete', 'The other side closed the line without an answer.')
}

function tooLong(maxBytes: number): LmappError {
  return new LmappError('bad-input', `A message is longer than the ${maxBytes} bytes that a line may have.`, {
    details: { maxBytes },
  })
}
