import { LmappError } from 'lmapp-kit'
import type { Sql } from './sql.ts'
import { toStoreError } from './store-error.ts'
import type { Answer, Failure, StoreHandlers, StoreMethod, StoreRequest } from './store-protocol.ts'

/**
 * How a request is done when others wait. `durable` and `normal` ones, and the reads between them, share a transaction.
 * What takes long, mends the index, or cannot be within a transaction with others is done alone.
 */
const manners: Record<StoreMethod, 'durable' | 'normal' | 'read' | 'alone'> = {
  beginRun: 'durable',
  appendEvents: 'normal',
  recordAttempt: 'normal',
  endRun: 'durable',
  recoverCrashed: 'alone',
  listConversations: 'read',
  getConversation: 'read',
  listReplies: 'read',
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
}

const longestMs = 5

export interface AnswerOptions {
  sql: Sql
  handlers: StoreHandlers
  /** Of the database, for errors. */
  path: string
  /** Once it has taken so long, a transaction takes nothing more in: somebody waits for its first request. Default: 5. */
  longestMs?: number
}

/**
 * Does requests in their order; what waits together shares a transaction, and so one write to the disk. What it yields is
 * done, and as durable as was promised.
 */
export function* answerRequests(requests: readonly StoreRequest[], options: AnswerOptions): Generator<Answer[]> {
  let rest = requests
  while (rest.length > 0) {
    const first = rest.slice(0, countTogether(rest))
    const answers = first.length > 1 ? answerTogether(first, options) : answerEach(first, options)
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
  const isDurable = requests.some(({ method }) => manners[method] === 'durable')
  let begun = false
  try {
    return options.sql.together(isDurable ? 'durable' : 'normal', () => {
      begun = true
      return answerWithin(requests, options)
    })
  } catch (error) {
    if (begun) return answerEach(requests, options)
    return requests.map(({ id }) => ({ id, failure: toFailure(error, options.path) }))
  }
}

/** As many as there is time for. */
function answerWithin(requests: readonly StoreRequest[], options: AnswerOptions): Answer[] {
  const until = performance.now() + (options.longestMs ?? longestMs)
  const answers: Answer[] = []
  for (const request of requests) {
    answers.push(answerOne(request, options))
    if (!options.sql.isInTransaction) throw new Error('All of it was undone.')
    if (performance.now() >= until) break
  }
  return answers
}

function answerEach(requests: readonly StoreRequest[], options: AnswerOptions): Answer[] {
  return requests.map((request) => answerOne(request, options))
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
