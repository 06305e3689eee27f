import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { answerRequests } from './answer-requests.ts'
import { createAttachments } from './attachments.ts'
import { type Id, openStore } from './index.ts'
import { loadSqlite } from './load-sqlite.ts'
import { migrate } from './migrate.ts'
import { createScrubber } from './scrub.ts'
import { createSql } from './sql.ts'
import { createHandlers } from './store-handlers.ts'
import type { Answer, StoreHandlers, StoreMethod, StoreRequest } from './store-protocol.ts'
import { createFolder, openTemporary, owner, rejectsWith, toAsk, toEnd } from './testing/temporary-store.ts'

/** What a worker has, in this thread; `path` is that of its database. */
async function openRoom() {
  const folder = await createFolder()
  mkdirSync(dirname(folder.file))
  const { DatabaseSync } = loadSqlite()
  const sql = createSql(new DatabaseSync(folder.file, { enableForeignKeyConstraints: true }))
  sql.exec('PRAGMA journal_mode = WAL')
  migrate(sql, folder.file)
  const attachments = createAttachments(join(folder.path, 'attachments'))
  const handlers = createHandlers({ sql, attachments, scrubber: createScrubber(sql), path: folder.file })
  return {
    path: folder.file,
    sql,
    /** The answers, a list for each commit. */
    answer: (requests: readonly StoreRequest[], others: Partial<StoreHandlers> = {}, longestMs = 60_000) => [
      ...answerRequests(requests, { sql, path: folder.file, handlers: { ...handlers, ...others }, longestMs }),
    ],
    async [Symbol.asyncDispose]() {
      sql.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

let lastId = 0

function toRequest<M extends StoreMethod>(method: M, ...args: StoreRequest<M>['args']): StoreRequest {
  lastId += 1
  return { id: lastId, at: '2026-01-02T03:04:05.678Z', method, args } as StoreRequest
}

const codesOf = (answers: Answer[]) =>
  answers.map((answer) => {
    if (!('failure' in answer)) return 'done'
    return 'error' in answer.failure ? answer.failure.error.code : 'bug'
  })

describe('requests that wait', () => {
  test('share one commit, in their order; a read between them sees what came before it', async () => {
    await using room = await openRoom()
    const [one, two] = [toAsk('One'), toAsk('Two')]
    const groups = room.answer([
      toRequest('getFact', 'a'),
      toRequest('beginRun', one),
      toRequest('setFact', 'a', 'b'),
      toRequest('getFact', 'a'),
      toRequest('beginRun', two),
      toRequest('endRun', toEnd(one)),
      toRequest('listConversations', { owner }),
    ])
    assert.deepEqual(
      groups.map((answers) => answers.length),
      [1, 5, 1],
    )
    const [, together, last] = groups
    assert.deepEqual(together?.[2], { id: together?.[2]?.id, value: 'b' })
    const [list] = last ?? []
    assert.equal(list && 'value' in list && (list.value as unknown[]).length, 2)
  })

  test('do not share it with what must be alone', async () => {
    await using room = await openRoom()
    const ask = toAsk('One')
    const groups = room.answer([
      toRequest('beginRun', ask),
      toRequest('endRun', toEnd(ask)),
      toRequest('vacuum'),
      toRequest('beginRun', toAsk('Two')),
      toRequest('setFact', 'a', 'b'),
      toRequest('settle'),
    ])
    assert.deepEqual(groups.map(codesOf), [['done', 'done'], ['done'], ['done', 'done'], ['done']])
  })

  test('are undone alone where they fail', async () => {
    await using room = await openRoom()
    const [good, other] = [toAsk('Good'), toAsk('Other')]
    const nowhere = { ...toAsk('Lost'), path: { below: 'nowhere', system: null, messages: [] } }
    const wrong: unknown = { runId: 'x' }
    const [answers = []] = room.answer([
      toRequest('beginRun', good),
      toRequest('beginRun', nowhere),
      toRequest('recordAttempt', 'nobody', { number: 1, backend: 'b', model: 'm', outcome: 'running' }),
      toRequest('beginRun', wrong as never),
      toRequest('beginRun', other),
    ])
    assert.deepEqual(codesOf(answers), ['done', 'not-found', 'not-found', 'bug', 'done'])
    const ids = room.sql.all('SELECT id FROM conversations ORDER BY seq').map(({ id }) => id)
    assert.deepEqual(ids, [good.conversationId, other.conversationId])
  })

  test('are each done once more where their commit fails, so that only what is wrong fails', async () => {
    await using room = await openRoom()
    const [good, other] = [toAsk('Good'), toAsk('Other')]
    const groups = room.answer(
      [toRequest('beginRun', good), toRequest('setFact', 'a', 'b'), toRequest('beginRun', other)],
      {
        // what is referred to is checked at the commit
        setFact: () => room.sql.transaction('normal', () => room.sql.run("UPDATE conversations SET head = 'nowhere'")),
      } as Partial<StoreHandlers>,
    )
    assert.deepEqual(groups.map(codesOf), [['done', 'store-failed', 'done']])
    const heads = room.sql.all('SELECT head FROM conversations ORDER BY seq').map(({ head }) => head)
    assert.deepEqual(heads, [good.answer.id, other.answer.id])
  })

  test('are all told where another program holds the file', async () => {
    await using room = await openRoom()
    const { DatabaseSync } = loadSqlite()
    using other = new DatabaseSync(room.path)
    other.exec('BEGIN IMMEDIATE')
    const requests = () => [toRequest('beginRun', toAsk('One')), toRequest('beginRun', toAsk('Two'))]
    assert.deepEqual(room.answer(requests()).map(codesOf), [['store-failed', 'store-failed']])
    other.exec('ROLLBACK')
    assert.deepEqual(room.answer(requests()).map(codesOf), [['done', 'done']])
    assert.equal(room.sql.all('SELECT id FROM conversations').length, 2)
  })

  test('do not wait for all that comes behind them', async () => {
    await using room = await openRoom()
    const requests = Array.from({ length: 3 }, () => toRequest('beginRun', toAsk('Long')))
    assert.deepEqual(room.answer(requests, {}, 0).map(codesOf), [['done'], ['done'], ['done']])
  })
})

test('nothing durable is done in a transaction that is not', async () => {
  await using room = await openRoom()
  const { sql } = room
  assert.throws(() => sql.together('normal', () => sql.transaction('durable', () => {})))
  assert.equal(
    sql.together('durable', () => sql.transaction('normal', () => 1)),
    1,
  )
  assert.equal(sql.isInTransaction, false)
})

describe('a full disk and many requests at a time', () => {
  test('rejects those that do not fit and keeps the others', async () => {
    await using folder = await createFolder()
    const small = Array.from({ length: 12 }, (_, n) => toAsk(`Small ${n}`))
    const large = Array.from({ length: 4 }, () => toAsk('large '.repeat(200_000)))
    const [first, second, third, ...others] = small
    assert.ok(first && second && third)
    const asked = [first, ...large.slice(0, 2), second, ...large.slice(2), third, ...others]
    {
      await using store = await openStore({ path: folder.file, maxPages: 150 })
      const results = await Promise.allSettled(asked.map((ask) => store.beginRun(ask)))
      const stored = new Set((await store.listConversations({ owner })).map(({ id }) => id))
      for (const [index, { status }] of results.entries()) {
        const ask = asked[index]
        assert.equal(status, ask && large.includes(ask) ? 'rejected' : 'fulfilled')
        assert.equal(stored.has(ask?.conversationId ?? ''), status === 'fulfilled')
      }
    }
    await using again = await openStore({ path: folder.file })
    assert.equal((await again.listConversations({ owner })).length, small.length)
    await Promise.all(large.map((ask) => again.beginRun(ask)))
  })

  test('rejects all of them where there is no room for any, and nothing of them is there', async () => {
    await using temporary = await openTemporary({ maxPages: 120 })
    const { store } = temporary
    const asked = Array.from({ length: 8 }, () => toAsk('large '.repeat(200_000)))
    await Promise.all(asked.map((ask) => rejectsWith(store.beginRun(ask), 'disk-full')))
    assert.deepEqual(await store.listConversations({ owner }), [])
    const ended = asked.map((ask) => rejectsWith(store.endRun(toEnd(ask)), 'not-found'))
    await Promise.all(ended)
  })
})

describe('a message that cannot be sent to the worker', () => {
  test('is rejected by itself', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const wrong = { ...toAsk('No'), snapshot: { candidates: [], system: null, options: { no: () => {} }, request: {} } }
    const ask = toAsk('Yes')
    const refused = assert.rejects(store.beginRun(wrong))
    await Promise.all([store.beginRun(ask), refused, store.setFact('a', 'b')])
    const ids: Id[] = (await store.listConversations({ owner })).map(({ id }) => id)
    assert.deepEqual(ids, [ask.conversationId])
  })
})
