import { Worker } from 'node:worker_threads'
import { LmappError, parseErrorData } from 'lmapp-kit'
import type { Store } from './store.ts'
import type {
  Failure,
  FromWorker,
  StoreMethod,
  StoreMethods,
  StoreRequest,
  ToWorker,
  WorkerOptions,
} from './store-protocol.ts'

export interface OpenStoreOptions {
  /** The database file; it and its folder are made when they are missing, for their owner only. */
  path: string
  /** For the times that people see, and the name of what is set aside. */
  now?: () => Date
  /** The worker's program; in a bundle it has another name than here. */
  workerUrl?: URL
  /** Upper bound of the file in pages of 4 KiB: beyond it the disk counts as full. */
  maxPages?: number
}

/**
 * Opens the history, or begins one. Only one process may: the one that owns the service's lock.
 * Rejects with `store-newer`, `disk-full`, `path-unusable` or `store-failed`; a damaged file is set aside and named.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { path, maxPages, now = () => new Date(), workerUrl = new URL('./worker.ts', import.meta.url) } = options
  const workerData: WorkerOptions = { path, now: now(), ...(maxPages !== undefined && { maxPages }) }
  const line = createLine(new Worker(workerUrl, { workerData, name: 'lmapp-store' }), now)
  const setAside = await line.opened
  return createStore(line, setAside)
}

interface Line {
  /** Where a damaged history was put, if it was. */
  opened: Promise<string | undefined>
  call<M extends StoreMethod>(method: M, ...args: Parameters<StoreMethods[M]>): ReturnType<StoreMethods[M]>
  close(): Promise<void>
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Requests to the worker and its answers. What waits when the worker ends is rejected. */
function createLine(worker: Worker, now: () => Date): Line {
  const waiting = new Map<number, Waiting>()
  const opening = Promise.withResolvers<string | undefined>()
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  let lastId = 0
  let ended: Error | undefined

  const end = (reason: Error) => {
    ended ??= reason
    opening.reject(ended)
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  const send = (message: ToWorker) => worker.postMessage(message)
  const settle = (id: number): Waiting | undefined => {
    const request = waiting.get(id)
    waiting.delete(id)
    return request
  }
  const receive = (message: FromWorker) => {
    if (message.type === 'opened') opening.resolve(message.setAside)
    else if (message.type === 'not-opened') end(toError(message.failure))
    else if (message.type === 'done') settle(message.id)?.resolve(message.value)
    else settle(message.id)?.reject(toError(message.failure))
  }
  worker.on('message', receive)
  worker.on('error', (cause) => end(new LmappError('store-failed', 'The worker of the history failed.', { cause })))
  worker.on('exit', () => end(closed()))

  return {
    opened: opening.promise,
    call(method, ...args) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      if (ended) reject(ended)
      else {
        lastId += 1
        waiting.set(lastId, { resolve, reject })
        send({ id: lastId, at: now().toISOString(), method, args } as StoreRequest)
      }
      return promise as ReturnType<StoreMethods[typeof method]>
    },
    async close() {
      if (!ended) send('close')
      await exited
    },
  }
}

function toError(failure: Failure): Error {
  if ('error' in failure) return parseErrorData(failure.error)
  return new Error('A bug in the worker of the history.', { cause: failure.bug })
}

function closed(): LmappError {
  return new LmappError('store-failed', 'The history is closed.')
}

function createStore(line: Line, setAside: string | undefined): Store {
  return {
    ...(setAside !== undefined && { setAside }),
    beginRun: (run) => line.call('beginRun', run),
    appendEvents: (runId, fromSeq, events) => line.call('appendEvents', runId, fromSeq, events),
    recordAttempt: (runId, attempt) => line.call('recordAttempt', runId, attempt),
    endRun: (end) => line.call('endRun', end),
    recoverCrashed: () => line.call('recoverCrashed'),
    listConversations: (filter) => line.call('listConversations', filter),
    getConversation: (id, owner) => line.call('getConversation', id, owner),
    renameConversation: (id, title, owner) => line.call('renameConversation', id, title, owner),
    deleteConversation: (id, owner) => line.call('deleteConversation', id, owner),
    setHead: (id, head, owner) => line.call('setHead', id, head, owner),
    setSystem: (id, system, owner) => line.call('setSystem', id, system, owner),
    search: (query, filter) => line.call('search', query, filter),
    lastConversation: (terminal, owner) => line.call('lastConversation', terminal, owner),
    noteTerminal: (terminal, conversationId, owner) => line.call('noteTerminal', terminal, conversationId, owner),
    getRunSnapshot: (messageId) => line.call('getRunSnapshot', messageId),
    getFact: (key) => line.call('getFact', key),
    setFact: (key, value) => line.call('setFact', key, value),
    [Symbol.asyncDispose]: () => line.close(),
  }
}
