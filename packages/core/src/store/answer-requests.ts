import { LmappError } from 'lmapp-kit'
import type { Sql } from './sql.ts'
import { toStoreError } from './store-error.ts'
import type { Answer, Failure, StoreHandlers, StoreMethod, StoreRequest } from './store-protocol.ts'

/**
 * How a request is done when others wait. `durable` and `normal` ones, and the small reads between them, share a
 * transaction, and so one write to the disk. What takes long, mends the index or cannot be within a transaction is
 * done alone.
 */
const manners = {
  beginRun: 'durable',
  appendEvents: 'normal',
  recordAttempt: 'normal',
  endRun: 'durable',
  recoverCrashed: 'alone',
  listConversations: 'read',
  getConversation: 'read',
  findConversation: 'read',
  renameConversation: 'alone',
  setAutomaticTitle: 'alone',
  setPinned: 'durable',
  setTags: 'durable',
  deleteConversation: 'alone',
  setHead: 'durable',
  setSystem: 'durable',
  forkConversation: 'durable',
  checkImport: 'read',
  importConversation: 'alone',
  settle: 'alone',
  listPrunable: 'read',
  pruneSome: 'alone',
  scrubSome: 'alone',
  vacuum: 'alone',
  search: 'alone',
  lastConversation: 'read',
  noteTerminal: 'normal',
  getRunSnapshot: 'read',
  getFact: 'read',
  setFact: 'normal',
  addKey: 'durable',
  listKeys: 'read',
  revokeKey: 'durable',
  noteKeyUse: 'normal',
} as const satisfies Record<StoreMethod, 'durable' | 'normal' | 'read' | 'alone'>

/** Once it has taken so long, a transaction takes nothing more in: somebody waits for its first request. */
const longestMs = 5

export interface AnswerOptions {
  sql: Sql
  handlers: StoreHandlers
  /** Of the database, for errors. */
  path: string
}

/** Does requests in their order. What it yields is done, and as durable as was promised. */
export function* answerRequests(requests: readonly StoreRequest[], options: AnswerOptions): Generator<Answer[]> {
  let rest = requests
  while (rest.length > 0) {
    const count = countTogether(rest)
    const answers = count > 1 ? answerTogether(rest.slice(0, count), options) : [answerOne(rest[0], options)]
    yield answers
    rest = rest.slice(answers.length)
  }
}

/** So many of the first ones share a transaction: it begins and ends with something that writes. */
function countTogether(requests: readonly StoreRequest[]): number {
  if (!requests[0] || !writes(requests[0])) return 1
  const alone = requests.findIndex(({ method }) => manners[method] === 'alone')
  return requests.slice(0, alone === -1 ? requests.length : alone).findLastIndex(writes) + 1
}

function writes({ method }: StoreRequest): boolean {
  return manners[method] === 'durable' || manners[method] === 'normal'
}

/**
 * One that fails is undone alone. Where all of them are undone, since the commit failed or what one of them met undid
 * the whole, each is done once more by itself, so that each is told what became of it.
 */
function answerTogether(requests: readonly StoreRequest[], options: AnswerOptions): Answer[] {
  const { sql, path } = options
  const durable = requests.some(({ method }) => manners[method] === 'durable')
  let begun = false
  try {
    return sql.together(durable ? 'durable' : 'normal', () => {
      begun = true
      return answerWithin(requests, options)
    })
  } catch (error) {
    if (begun) return requests.map((request) => answerOne(request, options))
    return requests.map(({ id }) => ({ id, failure: toFailure(error, path) }))
  }
}

/** As many as there is time for. */
function answerWithin(requests: readonly StoreRequest[], options: AnswerOptions): Answer[] {
  const until = performance.now() + longestMs
  const answers: Answer[] = []
  for (const request of requests) {
    answers.push(answerOne(request, options))
    if (!options.sql.isInTransaction) throw new Error('All of it was undone.')
    if (performance.now() > until) break
  }
  return answers
}

function answerOne({ id, at, method, args }: StoreRequest, { handlers, path }: AnswerOptions): Answer {
  try {
    const handle = handlers[method] as (at: string, ...args: unknown[]) => unknown
    return { id, value: handle(at, ...args) }
  } catch (error) {
    return { id, failure: toFailure(error, path) }
  }
}

export function toFailure(thrown: unknown, path: string): Failure {
  const error = toStoreError(thrown, path)
  if (error instanceof LmappError) return { error: error.toData() }
  return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
