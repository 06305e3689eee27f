import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { LmappError, parseErrorData } from 'lmapp-kit'
import { deleteInPieces, importInPieces, pruneInPieces } from './in-pieces.ts'
import { createListMemo } from './list-memo.ts'
import type { Store } from './store.ts'
import type {
  Answer,
  Failure,
  FromWorker,
  StoreCalls,
  StoreMethods,
  StoreRequest,
  ToWorker,
  WorkerOptions,
} from './store-protocol.ts'

export interface OpenStoreOptions {
  /** The database file; it and its folder are made when they are missing, for their owner only. */
  path: string
  /** Where images are kept, as files; default: `attachments` beside the database. Made when it is first needed. */
  attachmentsDir?: string
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
  const { attachmentsDir = join(dirname(path), 'attachments') } = options
  const workerData: WorkerOptions = { path, attachmentsDir, now: now(), ...(maxPages !== undefined && { maxPages }) }
  const line = createLine(new Worker(workerUrl, { workerData, name: 'lmapp-store' }), now)
  const setAside = await line.opened
  return createStore(line, setAside)
}

interface Line extends StoreCalls {
  /** Where a damaged history was put, if it was. */
  opened: Promise<string | undefined>
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
  let asked: StoreRequest[] = []
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
  /** All that was asked in one turn of the event loop: a message costs as much as what is in it. */
  const flush = () => {
    const requests = asked
    asked = []
    if (requests.length === 0 || ended) return
    try {
      send(requests)
    } catch {
      for (const request of requests) sendAlone(request)
    }
  }
  const sendAlone = (request: StoreRequest) => {
    try {
      send([request])
    } catch (cause) {
      settle(request.id)?.reject(new Error('A request to the history cannot be sent.', { cause }))
    }
  }
  const take = (answer: Answer) => {
    if ('failure' in answer) settle(answer.id)?.reject(toError(answer.failure))
    else settle(answer.id)?.resolve(answer.value)
  }
  const receive = (message: FromWorker) => {
    if (message.type === 'opened') opening.resolve(message.setAside)
    else if (message.type === 'not-opened') end(toError(message.failure))
    else for (const answer of message.answers) take(answer)
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
        if (asked.length === 0) setImmediate(flush)
        asked.push({ id: lastId, at: now().toISOString(), method, args } as StoreRequest)
      }
      return promise as ReturnType<StoreMethods[typeof method]>
    },
    async close() {
      flush()
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
  const calls = createListMemo(line)
  return {
    ...(setAside !== undefined && { setAside }),
    beginRun: (run) => calls.call('beginRun', run),
    appendEvents: (runId, fromSeq, events) => calls.call('appendEvents', runId, fromSeq, events),
    recordAttempt: (runId, attempt) => calls.call('recordAttempt', runId, attempt),
    endRun: (end) => calls.call('endRun', end),
    recoverCrashed: () => calls.call('recoverCrashed'),
    listConversations: (filter) => calls.list(filter),
    getConversation: (id, owner, options) => calls.call('getConversation', id, owner, options),
    listReplies: (messageId, owner, limit) => calls.call('listReplies', messageId, owner, limit),
    findConversation: (id, owner) => calls.call('findConversation', id, owner),
    renameConversation: (id, title, owner) => calls.call('renameConversation', id, title, owner),
    setAutomaticTitle: (id, title) => calls.call('setAutomaticTitle', id, title),
    setPinned: (id, pinned, owner) => calls.call('setPinned', id, pinned, owner),
    setTags: (id, tags, owner) => calls.call('setTags', id, tags, owner),
    deleteConversation: (id, owner) => deleteInPieces(calls, id, owner),
    setHead: (id, head, owner) => calls.call('setHead', id, head, owner),
    setSystem: (id, system, owner) => calls.call('setSystem', id, system, owner),
    forkConversation: (id, owner, point) => calls.call('forkConversation', id, owner, point),
    importConversations: (conversations, owner) => importInPieces(calls, conversations, owner),
    pruneConversations: (filter) => pruneInPieces(calls, filter),
    vacuum: () => calls.call('vacuum'),
    search: (query, filter) => calls.call('search', query, filter),
    lastConversation: (terminal, owner) => calls.call('lastConversation', terminal, owner),
    noteTerminal: (terminal, conversationId, owner) => calls.call('noteTerminal', terminal, conversationId, owner),
    getRunSnapshot: (messageId) => calls.call('getRunSnapshot', messageId),
    getFact: (key) => calls.call('getFact', key),
    setFact: (key, value) => calls.call('setFact', key, value),
    addKey: (key) => calls.call('addKey', key),
    listKeys: () => calls.call('listKeys'),
    revokeKey: (id, revokedAt) => calls.call('revokeKey', id, revokedAt),
    noteKeyUse: (id, usedAt) => calls.call('noteKeyUse', id, usedAt),
    [Symbol.asyncDispose]: () => line.close(),
  }
}
