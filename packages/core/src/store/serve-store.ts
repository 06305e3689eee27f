import { statSync } from 'node:fs'
import type { MessagePort } from 'node:worker_threads'
import { LmappError } from 'lmapp-kit'
import { createAttachments } from './attachments.ts'
import { type OpenedDatabase, openDatabase } from './open-database.ts'
import type { Room } from './room.ts'
import { createScrubber } from './scrub.ts'
import { indexSome } from './search-index.ts'
import { toStoreError } from './store-error.ts'
import { createHandlers } from './store-handlers.ts'
import type { Failure, FromWorker, StoreHandlers, StoreRequest, ToWorker, WorkerOptions } from './store-protocol.ts'

/** What nobody waits for is done so long after a request, and so long after a piece of it was done. */
const pauseMs = 100
const breathMs = 10
const checkpointBytes = 4 * 1024 * 1024

/** The worker's side: opens the database, answers one request after the other, closes it when it is told to. */
export function serveStore(port: MessagePort, options: WorkerOptions): void {
  const send = (message: FromWorker) => port.postMessage(message)
  let opened: OpenedDatabase
  try {
    opened = openDatabase(options)
  } catch (error) {
    send({ type: 'not-opened', failure: toFailure(error, options.path) })
    return
  }
  const { sql, setAside } = opened
  const room = {
    sql,
    attachments: createAttachments(options.attachmentsDir),
    scrubber: createScrubber(sql),
    path: options.path,
  }
  const handlers = createHandlers(room)
  const chores = createChores(room)
  port.on('message', (message: ToWorker) => {
    if (message === 'close') {
      chores.stop()
      sql.close()
      port.close()
      return
    }
    send(answer(handlers, message, options.path))
    chores.later()
  })
  send({ type: 'opened', ...(setAside !== undefined && { setAside }) })
  chores.later()
}

function answer(handlers: StoreHandlers, { id, at, method, args }: StoreRequest, path: string): FromWorker {
  try {
    const handle = handlers[method] as (at: string, ...args: unknown[]) => unknown
    return { type: 'done', id, value: handle(at, ...args) }
  } catch (error) {
    return { type: 'failed', id, failure: toFailure(error, path) }
  }
}

function toFailure(thrown: unknown, path: string): Failure {
  const error = toStoreError(thrown, path)
  if (error instanceof LmappError) return { error: error.toData() }
  return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

/** Indexing, scrubbing and checkpoints: some messages at a time, between requests. One that fails is tried again after the next request. */
function createChores({ sql, scrubber, path }: Room) {
  let timer: NodeJS.Timeout | undefined
  const later = (ms = pauseMs) => {
    timer ??= setTimeout(work, ms)
  }
  const work = () => {
    timer = undefined
    try {
      const wal = statSync(`${path}-wal`, { throwIfNoEntry: false })
      if (wal && wal.size > checkpointBytes) sql.exec('PRAGMA wal_checkpoint(PASSIVE)')
      if (indexSome(sql) || scrubber.some()) later(breathMs)
    } catch (error) {
      if (!(toStoreError(error, path) instanceof LmappError)) throw error
    }
  }
  return { later, stop: () => clearTimeout(timer) }
}
