import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  converse,
  openTemporary,
  owner,
  rejectsWith,
  toAsk,
  toContinue,
  toEnd,
  toRetry,
} from './testing/temporary-store.ts'

test('a fork is a conversation of its own with a copy of the path, with new ids', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('Hello', { title: 'Greeting' }), 'first')
  await converse(store, toRetry(ask, ask.question?.id ?? ''), 'second')
  await store.setSystem(ask.conversationId, 'Be brief.', owner)
  await store.setTags(ask.conversationId, ['work'], owner)
  await store.setPinned(ask.conversationId, true, owner)
  const before = await store.getConversation(ask.conversationId, owner)
  const id = await store.forkConversation(ask.conversationId, owner)
  const fork = await store.getConversation(id, owner, { branches: true })
  assert.deepEqual(
    fork.messages.map(({ text, state, model }) => [text, state, model]),
    before.messages.map(({ text, state, model }) => [text, state, model]),
  )
  assert.deepEqual(
    [fork.title, fork.system, fork.model, fork.tags, fork.pinned, fork.head],
    ['Greeting', 'Be brief.', 'mock/tiny', ['work'], false, fork.messages.at(-1)?.id],
  )
  const ids = new Set([...fork.messages, ...before.messages].map((message) => message.id))
  assert.equal(ids.size, 4)
  await converse(store, toAsk('More', { conversationId: id }), 'yes')
  assert.deepEqual(await store.getConversation(ask.conversationId, owner), before)
  await store.deleteConversation(ask.conversationId, owner)
  assert.equal((await store.getConversation(id, owner)).messages.length, 4)
  assert.equal((await store.search('second', { owner })).length, 1)
})

test('a fork takes along what is above the message that is named, and the title that is given', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('Hello'), 'Hi')
  await converse(store, toAsk('More', { conversationId: ask.conversationId }), 'Yes')
  const id = await store.forkConversation(ask.conversationId, owner, { messageId: ask.answer.id, title: 'Another' })
  const fork = await store.getConversation(id, owner)
  assert.deepEqual([fork.title, fork.messages.map(({ text }) => text)], ['Another', ['Hello', 'Hi']])
  const [first] = await store.listConversations({ owner })
  assert.equal(first?.id, id)
})

test('an answer that is being written is copied as far as it came, as stopped, and can be continued', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = toAsk('Tell me')
  await store.beginRun({ ...ask, snapshot: { ...ask.snapshot, options: { seed: 7 } } })
  await store.appendEvents(ask.runId, 1, [{ type: 'text-delta', text: 'Once upon' }])
  const id = await store.forkConversation(ask.conversationId, owner)
  const answer = (await store.getConversation(id, owner)).messages.at(-1)
  assert.deepEqual([answer?.state, answer?.text], ['stopped', 'Once upon'])
  assert.deepEqual((await store.getRunSnapshot(answer?.id ?? ''))?.options, { seed: 7 })
  const more = { ...toContinue(ask), conversationId: id, answer: { kind: 'continue', id: answer?.id ?? '' } } as const
  await store.beginRun(more)
  await store.appendEvents(more.runId, 1, [{ type: 'text-delta', text: ' a time' }])
  await store.endRun(toEnd(more))
  await store.appendEvents(ask.runId, 2, [{ type: 'text-delta', text: ' a midnight' }])
  await store.endRun(toEnd(ask))
  const last = async (conversation: string) => (await store.getConversation(conversation, owner)).messages.at(-1)?.text
  assert.deepEqual([await last(id), await last(ask.conversationId)], ['Once upon a time', 'Once upon a midnight'])
})

test('nothing is forked of another owner, or at a message from elsewhere; a fork may be empty', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('Hello'), 'Hi')
  const other = await converse(store, toAsk('Other'), 'x')
  await rejectsWith(store.forkConversation(ask.conversationId, 'key:1'), 'not-found')
  const elsewhere = { messageId: other.answer.id }
  await rejectsWith(store.forkConversation(ask.conversationId, owner, elsewhere), 'not-found')
  await store.setHead(ask.conversationId, null, owner)
  const fork = await store.getConversation(await store.forkConversation(ask.conversationId, owner), owner)
  assert.deepEqual([fork.head, fork.messages], [null, []])
  assert.equal((await store.listConversations({ owner })).length, 3)
})
