import { statSync } from 'node:fs'
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { LmappError } from 'lmapp-kit'
import { answerRequests, toFailure } from './answer-requests.ts'
import { createAttachments } from './attachments.ts'
import { type OpenedDatabase, openDatabase } from './open-database.ts'
import type { Room } from './room.ts'
import { createScrubber } from './scrub.ts'
import { indexSome } from './search-index.ts'
import { toStoreError } from './store-error.ts'
import { createHandlers } from './store-handlers.ts'
import type { FromWorker, StoreRequest, ToWorker, WorkerOptions } from './store-protocol.ts'

/**
 * What nobody waits for is done when no request has come for so long, and so long after a piece of it was done. While
 * requests keep coming a piece is put off as long as this.
 */
const pauseMs = 100
const breathMs = 10
const longestPutOffMs = 250
const checkpointBytes = 4 * 1024 * 1024

/** The worker's side: opens the database, does what waits together, closes it when it is told to. */
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
  const answering = { sql, handlers, path: options.path }
  port.on('message', (message: ToWorker) => {
    const { requests, isLast } = takeAll(port, message)
    for (const answers of answerRequests(requests, answering)) send({ type: 'answers', answers })
    if (!isLast) return chores.later()
    chores.stop()
    sql.close()
    port.close()
  })
  send({ type: 'opened', ...(setAside !== undefined && { setAside }) })
  chores.later()
}

/** What waits besides, up to the end. */
function takeAll(port: MessagePort, first: ToWorker): { requests: StoreRequest[]; isLast: boolean } {
  const requests: StoreRequest[] = []
  let next: { message: ToWorker } | undefined = { message: first }
  while (next) {
    if (next.message === 'close') return { requests, isLast: true }
    requests.push(...next.message)
    next = receiveMessageOnPort(port) as { message: ToWorker } | undefined
  }
  return { requests, isLast: false }
}

/** Indexing, scrubbing and checkpoints: some messages at a time, between requests. One that fails is tried again after the next request. */
function createChores({ sql, scrubber, path }: Room) {
  let timer: NodeJS.Timeout | undefined
  let quietAt = 0
  let latestAt = 0
  const arm = (ms: number) => {
    timer = setTimeout(work, ms)
  }
  const work = () => {
    const now = performance.now()
    const waitMs = Math.min(quietAt, latestAt) - now
    if (waitMs > 0) return arm(waitMs)
    timer = undefined
    latestAt = now + longestPutOffMs
    try {
      const wal = statSync(`${path}-wal`, { throwIfNoEntry: false })
      if (wal && wal.size > checkpointBytes) sql.exec('PRAGMA wal_checkpoint(PASSIVE)')
      if (indexSome(sql) || scrubber.some()) arm(breathMs)
    } catch (error) {
      if (!(toStoreError(error, path) instanceof LmappError)) throw error
    }
  }
  return {
    later() {
      quietAt = performance.now() + pauseMs
      if (timer) return
      latestAt = performance.now() + longestPutOffMs
      arm(pauseMs)
    },
    stop: () => clearTimeout(timer),
  }
}
