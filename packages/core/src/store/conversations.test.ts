import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createId } from './index.ts'
import {
  converse,
  countRows,
  openTemporary,
  owner,
  rejectsWith,
  toAsk,
  toContinue,
  toRetry,
} from './testing/temporary-store.ts'

describe('branches', () => {
  test('a retry is a sibling; the first answer can be shown, and made the head again', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Hello'), 'first')
    const retry = await converse(store, toRetry(ask, ask.question?.id ?? ''), 'second')
    const path = async (id: string) => (await store.getConversation(id, owner)).messages.map((message) => message.text)
    assert.deepEqual(await path(ask.conversationId), ['Hello', 'second'])
    assert.deepEqual(await path(ask.answer.id), ['Hello', 'first'])
    const selected = await store.getConversation(ask.answer.id, owner)
    assert.deepEqual([selected.id, selected.head, selected.messageCount], [ask.conversationId, ask.answer.id, 2])
    await store.setHead(ask.conversationId, ask.answer.id, owner)
    assert.deepEqual(await path(ask.conversationId), ['Hello', 'first'])
    assert.deepEqual(await path(retry.answer.id), ['Hello', 'second'])
  })

  test('an edited question begins again where the old one stood, and destroys nothing', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Hello'), 'Hi')
    await store.setHead(ask.conversationId, null, owner)
    assert.deepEqual((await store.getConversation(ask.conversationId, owner)).messages, [])
    const edited = await converse(store, toAsk('Hello again', { conversationId: ask.conversationId }), 'Hi again')
    const { messages } = await store.getConversation(ask.conversationId, owner)
    assert.deepEqual(
      messages.map((message) => message.text),
      ['Hello again', 'Hi again'],
    )
    assert.equal((await store.getConversation(ask.answer.id, owner)).messages.length, 2)
    assert.equal(edited.conversationId, ask.conversationId)
  })

  test('neither head nor parent can be a message of another conversation', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Hello'), 'Hi')
    const other = await converse(store, toAsk('Other'), 'x')
    await rejectsWith(store.setHead(ask.conversationId, other.answer.id, owner), 'not-found')
    await rejectsWith(store.beginRun(toRetry(ask, other.question?.id ?? '')), 'not-found')
  })
})

describe('conversations', () => {
  test('the one used last comes first, whatever the clock says', async () => {
    const times = ['2026-01-03', '2026-01-02', '2026-01-01']
    await using temporary = await openTemporary({ now: () => new Date(times.shift() ?? '2025-01-01') })
    const { store } = temporary
    const [a, b, c] = [toAsk('a'), toAsk('b'), toAsk('c')]
    for (const ask of [a, b, c]) await converse(store, ask, 'x')
    await converse(store, toAsk('more', { conversationId: a.conversationId }), 'y')
    const list = await store.listConversations({ owner })
    assert.deepEqual(
      list.map((item) => item.id),
      [a.conversationId, c.conversationId, b.conversationId],
    )
    assert.deepEqual(
      list.map((item) => item.messageCount),
      [4, 2, 2],
    )
    const page = await store.listConversations({ owner, limit: 1, before: a.conversationId })
    assert.deepEqual(
      page.map((item) => item.id),
      [c.conversationId],
    )
    await rejectsWith(store.listConversations({ owner, before: createId() }), 'not-found')
  })

  test('are renamed and given another system prompt', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Hello'), 'Hi')
    await store.renameConversation(ask.conversationId, 'Greeting', owner)
    await store.setSystem(ask.conversationId, 'Be brief.', owner)
    const conversation = await store.getConversation(ask.conversationId, owner)
    assert.deepEqual([conversation.title, conversation.system], ['Greeting', 'Be brief.'])
    await store.setSystem(ask.conversationId, null, owner)
    assert.equal((await store.getConversation(ask.conversationId, owner)).system, null)
  })

  test('what is deleted is gone from every table, from the search and from the bytes of the file', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = await converse(store, toAsk('The zanzibarite', { title: 'Secret title' }), 'A quixotropic answer')
    await converse(store, toRetry(ask, ask.question?.id ?? ''), 'Another quixotropic answer')
    await store.recordAttempt(ask.runId, { number: 1, backend: 'mock', model: 'tiny', outcome: 'finished' })
    await store.noteTerminal('tty1', ask.conversationId, owner)
    const kept = await converse(store, toAsk('kept'), 'kept')
    assert.equal((await store.search('quixotropic', { owner })).length, 2)
    await store.deleteConversation(ask.conversationId, owner)
    await rejectsWith(store.getConversation(ask.conversationId, owner), 'not-found')
    assert.deepEqual(await store.search('quixotropic', { owner }), [])
    assert.equal(await store.lastConversation('tty1', owner), null)
    const tables = ['messages', 'runs', 'attempts', 'journal', 'terminals', 'conversations']
    assert.deepEqual(
      tables.map((table) => countRows(file, table)),
      [2, 1, 0, 0, 0, 1],
    )
    const { readFile } = await import('node:fs/promises')
    const bytes = Buffer.concat([await readFile(file), await readFile(`${file}-wal`)])
    for (const word of ['nzibarit', 'uixotropi', 'ecret titl']) assert.equal(bytes.includes(word), false, word)
    assert.equal((await store.getConversation(kept.conversationId, owner)).messages.length, 2)
  })

  test('a terminal remembers its last conversation', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const [a, b] = [await converse(store, toAsk('a'), 'x'), await converse(store, toAsk('b'), 'y')]
    assert.equal(await store.lastConversation('tty1', owner), null)
    await store.noteTerminal('tty1', a.conversationId, owner)
    await store.noteTerminal('tty1', b.conversationId, owner)
    assert.equal(await store.lastConversation('tty1', owner), b.conversationId)
    assert.equal(await store.lastConversation('tty2', owner), null)
    assert.equal(await store.lastConversation('tty1', 'key:1'), null)
  })

  test('small facts are remembered', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    assert.equal(await store.getFact('continue:ollama'), null)
    await store.setFact('continue:ollama', 'yes')
    await store.setFact('continue:ollama', 'no')
    assert.equal(await store.getFact('continue:ollama'), 'no')
  })
})

describe('finding by id', () => {
  test('the beginning of the id of a conversation or of a message is enough, in any case', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = { ...toAsk('a'), conversationId: 'aaaa1111-0000-7000-8000-000000000000' }
    const answer = { kind: 'new', id: 'bbbb2222-0000-7000-8000-000000000000' } as const
    await converse(store, { ...ask, answer }, 'x')
    assert.equal((await store.getConversation('AAAA', owner)).id, ask.conversationId)
    assert.equal((await store.getConversation('bbbb22', owner)).head, answer.id)
  })

  test('a beginning that fits several is refused and names them; a conversation is preferred to messages', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ids = ['aaaa1111-0000-7000-8000-000000000001', 'aaaa1111-0000-7000-8000-000000000002']
    for (const [index, conversationId] of ids.entries()) {
      const answer = { kind: 'new', id: `aaaa1111-0000-7000-8000-1${index}0000000000` } as const
      const question = { id: `cccc1111-0000-7000-8000-1${index}0000000000`, content: [], text: 'q' }
      await converse(store, { ...toAsk('a'), conversationId, answer, question }, 'x')
    }
    await assert.rejects(store.getConversation('aaaa', owner), (error) => {
      assert.ok(isLmappError(error, 'bad-input'))
      assert.deepEqual(error.details?.candidates, ids)
      assert.equal(error.hint, `Give more of it: ${ids.map((id) => `${id} "A title"`).join(', ')}`)
      return true
    })
    await rejectsWith(store.getConversation('cccc', owner), 'bad-input')
    assert.equal((await store.getConversation(ids[0] ?? '', owner)).messages.length, 2)
  })

  test('of many that it fits some are named, each by the shortest beginning that is its own', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    for (const digit of [1, 2, 3, 4, 5, 6]) {
      const answer = { kind: 'new', id: `eeee${digit}000-0000-7000-8000-000000000000` } as const
      const question = { id: `dddd${digit}000-0000-7000-8000-000000000000`, content: [], text: 'q' }
      const conversationId = `aaaa${digit}000-0000-7000-8000-000000000000`
      await converse(store, { ...toAsk('a'), conversationId, answer, question }, 'x')
    }
    await assert.rejects(
      store.getConversation('aaaa', owner),
      (error) =>
        isLmappError(error) &&
        error.hint.endsWith(': aaaa1 "A title", aaaa2 "A title", aaaa3 "A title", aaaa4 "A title", aaaa5 "A title", …'),
    )
  })

  test('what is too short is refused, what fits nothing is not found', async () => {
    await using temporary = await openTemporary()
    await assert.rejects(
      temporary.store.getConversation('aaa', owner),
      (error) => isLmappError(error, 'bad-input') && error.hint.includes('lmapp history list'),
    )
    await rejectsWith(temporary.store.getConversation('%%%%', owner), 'not-found')
  })
})

test('whatever belongs to another owner is not found', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('private zebra', { title: 'zebra' }), 'Hi')
  const guest = 'key:1'
  const id = ask.conversationId
  await rejectsWith(store.getConversation(id, guest), 'not-found')
  await rejectsWith(store.getConversation(id.slice(0, 8), guest), 'not-found')
  await rejectsWith(store.getConversation(ask.answer.id, guest), 'not-found')
  await rejectsWith(store.renameConversation(id, 'x', guest), 'not-found')
  await rejectsWith(store.deleteConversation(id, guest), 'not-found')
  await rejectsWith(store.setHead(id, null, guest), 'not-found')
  await rejectsWith(store.setSystem(id, 'x', guest), 'not-found')
  await rejectsWith(store.noteTerminal('tty1', id, guest), 'not-found')
  await rejectsWith(store.beginRun(toAsk('x', { conversationId: id, owner: guest })), 'not-found')
  await rejectsWith(store.beginRun({ ...toContinue(ask), owner: guest }), 'not-found')
  await rejectsWith(store.listConversations({ owner: guest, before: id }), 'not-found')
  assert.deepEqual(await store.listConversations({ owner: guest }), [])
  assert.deepEqual(await store.search('zebra', { owner: guest }), [])
  assert.equal((await store.getConversation(id, owner)).messages.length, 2)
})
