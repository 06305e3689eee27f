import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConversationFilter, Store } from './index.ts'
import { converse, openTemporary, owner, rejectsWith, toAsk, toEnd, toRetry } from './testing/temporary-store.ts'

/** Conversations `a`, `b` … in that order. */
async function openWith(count: number) {
  const temporary = await openTemporary()
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const title = String.fromCharCode(97 + index)
    ids.push((await converse(temporary.store, toAsk('Hello', { title }), 'Hi')).conversationId)
  }
  return { ...temporary, ids }
}

async function titles(store: Store, filter: Partial<ConversationFilter> = {}): Promise<string> {
  return (await store.listConversations({ owner, ...filter })).map(({ title }) => title).join('')
}

describe('pins', () => {
  test('come first, among themselves the one used last first, and pages go on where they ended', async () => {
    await using history = await openWith(6)
    const { store, ids } = history
    for (const index of [1, 3]) await store.setPinned(ids[index] ?? '', true, owner)
    assert.equal(await titles(store), 'dbfeca')
    let paged = ''
    for (let before: string | undefined; ; ) {
      const page = await store.listConversations({ owner, limit: 2, ...(before !== undefined && { before }) })
      if (page.length === 0) break
      paged += `${page.map(({ title }) => title).join('')} `
      before = page.at(-1)?.id
    }
    assert.equal(paged, 'db fe ca ')
    assert.equal(await titles(store, { pinned: true }), 'db')
    assert.equal(await titles(store, { pinned: false }), 'feca')
    assert.equal(await titles(store, { pinned: false, before: ids[4] ?? '' }), 'ca')
    await converse(store, toAsk('More', { conversationId: ids[1] ?? '' }), 'x')
    await store.setPinned(ids[3] ?? '', false, owner)
    assert.equal(await titles(store), 'bfedca')
  })
})

describe('tags', () => {
  test('are in the summary in their order, each once, and choose what is listed', async () => {
    await using history = await openWith(3)
    const { store, ids } = history
    await store.setTags(ids[0] ?? '', ['work', 'art', 'work'], owner)
    await store.setTags(ids[2] ?? '', ['work'], owner)
    const list = await store.listConversations({ owner })
    assert.deepEqual(
      list.map(({ tags }) => tags),
      [['work'], [], ['art', 'work']],
    )
    assert.deepEqual((await store.getConversation(ids[0] ?? '', owner)).tags, ['art', 'work'])
    assert.equal(await titles(store, { tag: 'work' }), 'ca')
    assert.equal(await titles(store, { tag: 'art', pinned: false }), 'a')
    assert.equal(await titles(store, { tag: 'none' }), '')
    await store.setTags(ids[0] ?? '', [], owner)
    assert.equal(await titles(store, { tag: 'work' }), 'c')
    await store.deleteConversation(ids[2] ?? '', owner)
    assert.equal(await titles(store, { tag: 'work' }), '')
  })
})

test('a list that was asked for before is the new one after every change', async () => {
  await using history = await openWith(2)
  const { store, ids } = history
  const [a = ''] = ids
  assert.equal(await titles(store), 'ba')
  const before = await store.listConversations({ owner })
  before.pop()
  assert.equal(await titles(store), 'ba')
  await store.renameConversation(a, 'A', owner)
  assert.equal(await titles(store), 'bA')
  const both = [titles(store), store.setPinned(a, true, owner), titles(store)]
  assert.deepEqual(await Promise.all(both), ['bA', undefined, 'Ab'])
  const ask = toAsk('x', { title: 'c' })
  await store.beginRun(ask)
  assert.equal(await titles(store), 'Acb')
  await store.endRun(toEnd(ask))
  assert.equal((await store.listConversations({ owner }))[1]?.model, 'mock/tiny')
  assert.equal(await titles(store, { owner: 'key:1' }), '')
})

describe('a title that a model found', () => {
  test('replaces the first words, and is replaced by a newer one', async () => {
    await using history = await openWith(1)
    const { store, ids } = history
    const [id = ''] = ids
    assert.equal((await store.search('a', { owner })).length, 1)
    assert.equal(await store.setAutomaticTitle(id, 'Of pelicans'), true)
    assert.equal(await store.setAutomaticTitle(id, 'Of flamingos'), true)
    assert.equal(await titles(store), 'Of flamingos')
    assert.equal((await store.search('flamingos', { owner })).length, 1)
    assert.deepEqual(await store.search('pelicans', { owner }), [])
  })

  test('never replaces what a person wrote, in the conversation and in its forks', async () => {
    await using history = await openWith(1)
    const { store, ids } = history
    const [id = ''] = ids
    const untitled = await store.forkConversation(id, owner)
    const titled = await store.forkConversation(id, owner, { title: 'By me' })
    await store.renameConversation(id, 'Mine', owner)
    assert.equal(await store.setAutomaticTitle(id, 'Other'), false)
    assert.equal(await store.setAutomaticTitle(titled, 'Other'), false)
    assert.equal(await store.setAutomaticTitle(untitled, 'Other'), true)
    await store.deleteConversation(id, owner)
    assert.equal(await store.setAutomaticTitle(id, 'Other'), false)
  })
})

test('the whole tree has all branches, parents before their children, and a running answer as far as it came', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('Hello'), 'first')
  await converse(store, toAsk('More', { conversationId: ask.conversationId }), 'third')
  const retry = toRetry(ask, ask.question?.id ?? '')
  await store.beginRun(retry)
  await store.appendEvents(retry.runId, 1, [{ type: 'text-delta', text: 'second' }])
  const tree = await store.getConversation(ask.conversationId, owner, { branches: true })
  assert.deepEqual(
    tree.messages.map(({ text }) => text),
    ['Hello', 'first', 'second', 'More', 'third'],
  )
  assert.deepEqual([tree.head, tree.messageCount], [retry.answer.id, 2])
})

test('what an id stands for is told without reading a message', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('Hello'), 'Hi')
  const { conversationId } = ask
  assert.deepEqual(await store.findConversation(conversationId, owner), { conversationId })
  assert.deepEqual(await store.findConversation(ask.answer.id, owner), { conversationId, messageId: ask.answer.id })
  await rejectsWith(store.findConversation('ffffffff', owner), 'not-found')
})

test('pins, tags, titles and forks are their owner’s only', async () => {
  await using history = await openWith(1)
  const { store, ids } = history
  const [id = ''] = ids
  await rejectsWith(store.setPinned(id, true, 'key:1'), 'not-found')
  await rejectsWith(store.setTags(id, ['x'], 'key:1'), 'not-found')
  await rejectsWith(store.findConversation(id, 'key:1'), 'not-found')
})
