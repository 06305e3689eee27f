import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createId } from './index.ts'
import {
  converse,
  countRows,
  openTemporary,
  owner,
  rejectsWith,
  snapshot,
  toAsk,
  toContinue,
  toEnd,
} from './testing/temporary-store.ts'

describe('a question and its answer', () => {
  test('the question is there as soon as the run has begun, above an answer that is running', async () => {
    await using temporary = await openTemporary({ now: () => new Date('2026-01-02T03:04:05.678Z') })
    const { store } = temporary
    const ask = toAsk('Why is the sky blue?', { title: 'Sky' })
    await store.beginRun(ask)
    const conversation = await store.getConversation(ask.conversationId, owner)
    assert.equal(conversation.title, 'Sky')
    assert.equal(conversation.head, ask.answer.id)
    assert.equal(conversation.createdAt, '2026-01-02T03:04:05.678Z')
    const [question, answer] = conversation.messages
    assert.deepEqual(question, {
      id: ask.question?.id,
      parentId: null,
      role: 'user',
      text: 'Why is the sky blue?',
      parts: [{ type: 'text', text: 'Why is the sky blue?' }],
      state: 'complete',
      model: null,
      reason: null,
      error: null,
      usage: null,
      timings: null,
      createdAt: '2026-01-02T03:04:05.678Z',
    })
    assert.deepEqual([answer?.parentId, answer?.state, answer?.text], [ask.question?.id, 'running', ''])
  })

  test('what was journalled shows while the run lasts, and is folded into the message at its end', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = toAsk('Hello')
    await store.beginRun(ask)
    await store.appendEvents(ask.runId, 1, [
      { type: 'start', run: ask.runId, message: ask.answer.id, model: 'mock/tiny' },
      { type: 'status', phase: 'generating' },
      { type: 'reasoning-delta', text: 'Hm' },
      { type: 'reasoning-delta', text: 'm.' },
    ])
    await store.appendEvents(ask.runId, 5, [
      { type: 'text-delta', text: 'Hel', logprobs: [{ token: 'Hel', logprob: -1 }] },
      { type: 'text-delta', text: 'lo' },
      { type: 'tool-call', id: '1', name: 'now', arguments: '{}', vendor: { x: 1 } },
    ])
    await store.appendEvents(ask.runId, 8, [{ type: 'text-delta', text: ' there' }])
    const parts = [
      { type: 'reasoning', text: 'Hmm.' },
      { type: 'text', text: 'Hello' },
      { type: 'tool-call', id: '1', name: 'now', arguments: '{}' },
      { type: 'text', text: ' there' },
    ]
    const before = (await store.getConversation(ask.conversationId, owner)).messages.at(-1)
    assert.deepEqual([before?.state, before?.text, before?.parts], ['running', 'Hello there', parts])
    await store.endRun(
      toEnd(ask, {
        state: 'length',
        reason: 'length',
        usage: { outputTokens: 3 },
        timings: { totalMs: 12, loadMs: 1 },
      }),
    )
    const conversation = await store.getConversation(ask.conversationId, owner)
    const after = conversation.messages.at(-1)
    assert.deepEqual([after?.state, after?.text, after?.parts], ['length', 'Hello there', parts])
    assert.deepEqual(after?.usage, { outputTokens: 3 })
    assert.deepEqual(after?.timings, { totalMs: 12, loadMs: 1 })
    assert.deepEqual([after?.reason, after?.error, after?.model], ['length', null, 'mock/tiny'])
    assert.equal(conversation.model, 'mock/tiny')
    assert.equal(countRows(file, 'journal'), 0)
  })

  test('calls need not wait for each other, and keep their order', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = toAsk('Count')
    const words = Array.from({ length: 500 }, (_, index) => `${index} `)
    const calls = [
      store.beginRun(ask),
      ...words.map((text, index) => store.appendEvents(ask.runId, index + 1, [{ type: 'text-delta', text }])),
      store.endRun(toEnd(ask)),
    ]
    const conversation = await store.getConversation(ask.conversationId, owner)
    assert.equal(conversation.messages.at(-1)?.text, words.join(''))
    await Promise.all(calls)
  })

  test('a batch that is sent once more replaces itself, and one that comes late stands in its place', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = toAsk('Hello')
    await store.beginRun(ask)
    await store.appendEvents(ask.runId, 3, [{ type: 'text-delta', text: 'c' }])
    await store.appendEvents(ask.runId, 1, [{ type: 'text-delta', text: 'a' }])
    await store.appendEvents(ask.runId, 1, [
      { type: 'text-delta', text: 'a' },
      { type: 'text-delta', text: 'b' },
    ])
    await store.endRun(toEnd(ask))
    assert.equal((await store.getConversation(ask.conversationId, owner)).messages.at(-1)?.text, 'abc')
  })

  test('the first end of a run counts; after it nothing is appended', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Hello'), 'Hi')
    await store.endRun(toEnd(ask, { state: 'failed', model: 'other/model' }))
    const answer = (await store.getConversation(ask.conversationId, owner)).messages.at(-1)
    assert.deepEqual([answer?.state, answer?.model, answer?.text], ['complete', 'mock/tiny', 'Hi'])
    await rejectsWith(store.appendEvents(ask.runId, 9, [{ type: 'text-delta', text: '!' }]), 'not-found')
  })

  test('an answer that failed keeps why, and the model of the conversation', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Hello'), 'Hi')
    const second = toAsk('More', { conversationId: ask.conversationId })
    await store.beginRun(second)
    const error = { code: 'no-backend', message: 'Nothing there.' } as const
    await store.recordAttempt(second.runId, { number: 1, backend: 'mock', model: 'tiny', outcome: 'running' })
    await store.recordAttempt(second.runId, { number: 1, backend: 'mock', model: 'tiny', outcome: 'failed', error })
    await store.endRun(toEnd(second, { state: 'failed', model: null, error }))
    const conversation = await store.getConversation(ask.conversationId, owner)
    assert.equal(conversation.model, 'mock/tiny')
    assert.deepEqual(conversation.messages.at(-1)?.error, error)
    assert.deepEqual(
      conversation.messages.map((message) => message.text),
      ['Hello', 'Hi', 'More', ''],
    )
  })

  test('a run that does not exist, or whose conversation was deleted, is not found', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    await rejectsWith(store.endRun(toEnd(toAsk('Hello'))), 'not-found')
    const ask = toAsk('Hello')
    await store.beginRun(ask)
    await store.deleteConversation(ask.conversationId, owner)
    await rejectsWith(store.appendEvents(ask.runId, 1, [{ type: 'text-delta', text: 'x' }]), 'not-found')
    await rejectsWith(
      store.recordAttempt(ask.runId, { number: 1, backend: 'b', model: 'm', outcome: 'running' }),
      'not-found',
    )
  })

  test('any text comes back as it was: NUL, emoji, megabytes', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const text = `a\0b 👩‍👩‍👧 \u2028 ${'ä'.repeat(2_000_000)}`
    const ask = await converse(store, toAsk(text), text)
    const conversation = await store.getConversation(ask.conversationId, owner)
    assert.ok(conversation.messages.every((message) => message.text === text))
  })

  test('an id that is taken is refused, and nothing of that run stays', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = toAsk('Hello')
    await store.beginRun(ask)
    await rejectsWith(store.beginRun({ ...toAsk('Again'), runId: ask.runId }), 'store-failed')
    assert.equal(countRows(file, 'messages'), 2)
    assert.equal(countRows(file, 'conversations'), 1)
  })
})

describe('continuing', () => {
  test('adds to the same message, whose text stays; text that meets text becomes one part', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = toAsk('Tell me')
    await store.beginRun(ask)
    await store.appendEvents(ask.runId, 1, [{ type: 'text-delta', text: 'Once upon' }])
    await store.endRun(
      toEnd(ask, { state: 'stopped', reason: 'cancelled', error: { code: 'cancelled', message: 'x' } }),
    )
    const more = toContinue(ask)
    await store.beginRun(more)
    const during = (await store.getConversation(ask.conversationId, owner)).messages.at(-1)
    assert.deepEqual([during?.state, during?.text], ['running', 'Once upon'])
    await store.appendEvents(more.runId, 1, [{ type: 'text-delta', text: ' a time' }])
    await store.endRun(toEnd(more, { reason: 'stop', model: 'other/model' }))
    const { messages, head } = await store.getConversation(ask.conversationId, owner)
    assert.deepEqual(messages.at(-1)?.parts, [{ type: 'text', text: 'Once upon a time' }])
    assert.deepEqual(
      [messages.length, head, messages.at(-1)?.state, messages.at(-1)?.error, messages.at(-1)?.model],
      [2, ask.answer.id, 'complete', null, 'other/model'],
    )
    assert.equal(countRows(file, 'runs'), 2)
  })

  test('is refused while the answer is being written, for a question, and for a message from elsewhere', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = toAsk('Tell me')
    await store.beginRun(ask)
    await rejectsWith(store.beginRun(toContinue(ask)), 'busy')
    const question = { kind: 'continue', id: ask.question?.id ?? '' } as const
    await rejectsWith(store.beginRun({ ...toContinue(ask), answer: question }), 'bad-input')
    const other = await converse(store, toAsk('Other'), 'x')
    await rejectsWith(store.beginRun({ ...toContinue(ask), answer: other.answer }), 'store-failed')
    const elsewhere = { kind: 'continue', id: other.answer.id } as const
    await rejectsWith(store.beginRun({ ...toContinue(ask), answer: elsewhere }), 'not-found')
  })

  test('the snapshot of the newest run of a message tells what it meant', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('Tell me'), 'Once')
    assert.deepEqual(await store.getRunSnapshot(ask.answer.id), snapshot)
    const newer = { ...snapshot, candidates: ['a/b', 'c/d'], options: { temperature: 0 } }
    await store.beginRun({ ...toContinue(ask), snapshot: newer })
    assert.deepEqual(await store.getRunSnapshot(ask.answer.id), newer)
    assert.equal(await store.getRunSnapshot(ask.question?.id ?? ''), null)
  })
})

describe('a whole prompt', () => {
  const say = (role: 'system' | 'user' | 'assistant' | 'tool', text: string) => ({
    ...{ id: createId(), role, text },
    content: [{ type: 'text' as const, text }],
  })

  test('is written with its answer below it, and more of it below any message', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const { question: _, ...ask } = toAsk('')
    const messages = [say('user', 'One?'), say('assistant', 'Two.'), say('user', 'Three?')]
    await store.beginRun({ ...ask, path: { below: null, system: null, messages } })
    await store.endRun(toEnd(ask, { rest: { fromSeq: 1, events: [{ type: 'text-delta', text: 'Four.' }] } }))
    const told = async (id: string) => (await store.getConversation(id, owner)).messages.map(({ text }) => text)
    assert.deepEqual(await told(ask.conversationId), ['One?', 'Two.', 'Three?', 'Four.'])
    const { newConversation: __, ...base } = ask
    const more = { ...base, runId: createId(), answer: { kind: 'new' as const, id: createId() } }
    const [, second] = messages
    await store.beginRun({ ...more, path: { below: second?.id ?? '', system: null, messages: [say('user', 'Else?')] } })
    const { head, messageCount, messages: path } = await store.getConversation(ask.conversationId, owner)
    assert.deepEqual([head, messageCount, path.at(-2)?.text], [more.answer.id, 4, 'Else?'])
    const third = { ...base, runId: createId(), answer: { kind: 'new' as const, id: createId() } }
    await store.beginRun({ ...third, path: { below: second?.id ?? '', system: null, messages: [] } })
    assert.deepEqual(await told(third.answer.id), ['One?', 'Two.', ''])
    const replies = await store.listReplies(second?.id ?? '', owner, 2)
    assert.deepEqual(
      replies.map(({ id }) => id),
      [third.answer.id, path.at(-2)?.id],
    )
  })

  test('goes nowhere but where its owner has something', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const other = await converse(store, toAsk('Mine'), 'yes')
    const { question: _, ...ask } = toAsk('')
    await rejectsWith(
      store.beginRun({ ...ask, path: { below: other.answer.id, system: null, messages: [] } }),
      'not-found',
    )
    await rejectsWith(store.getConversation(ask.conversationId, owner), 'not-found')
    const { newConversation: __, ...more } = { ...ask, conversationId: other.conversationId }
    const path = { below: other.answer.id, system: 'Be brief.', messages: [] }
    await rejectsWith(store.beginRun({ ...more, path }), 'not-found')
    await rejectsWith(store.listReplies(other.answer.id, 'key:1', 9), 'not-found')
    await rejectsWith(store.listReplies('nowhere', owner, 9), 'not-found')
  })
})

describe('the rest that comes with the end', () => {
  test('follows what was journalled, and replaces what it brings once more', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = toAsk('Tell me')
    const text = (value: string) => ({ type: 'text-delta', text: value }) as const
    await store.beginRun(ask)
    await store.appendEvents(ask.runId, 1, [text('Once ')])
    await store.appendEvents(ask.runId, 2, [text('lost')])
    await store.endRun(toEnd(ask, { rest: { fromSeq: 2, events: [text('upon '), text('a time')] } }))
    const answer = (await store.getConversation(ask.conversationId, owner)).messages.at(-1)
    assert.deepEqual([answer?.text, answer?.parts.length], ['Once upon a time', 1])
    assert.equal(countRows(temporary.file, 'journal'), 0)
    assert.equal((await store.search('upon', { owner })).length, 1)
  })
})
