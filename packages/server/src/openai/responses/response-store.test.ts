import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import type { Turn } from './conversation.ts'
import { createDraft } from './draft.ts'
import { createResponseStore, getResponse, type ResponseStore, type StoredResponse } from './response-store.ts'

const echo = { background: false } as Parameters<typeof createDraft>[0]['echo']

function create(key: string, owner = 'guest'): StoredResponse {
  const draft = createDraft({ key, id: `resp_${key}`, createdAt: 0, model: 'a/b', echo, summary: false, replay: false })
  return { key, owner, draft, background: false, input: [] }
}

function keep(
  store: ResponseStore,
  key: string,
  { owner = 'guest', bytes = 0, before }: Partial<Turn & { owner: string }> = {},
) {
  const response = create(key, owner)
  const turn: Turn = { before, messages: [], bytes }
  store.add(response)
  store.settle(response, turn, 0)
  return { response, turn }
}

const has = (store: ResponseStore, keys: string[], owner = 'guest') =>
  keys.map((key) => Boolean(store.find(key, owner)))

test('the oldest responses make room for new ones', () => {
  const store = createResponseStore({ mostResponses: 2 })
  for (const key of ['a', 'b', 'c']) keep(store, key)
  assert.deepEqual(has(store, ['a', 'b', 'c']), [false, true, true])
  assert.equal(store.size, 2)
})

test('so do they when they take up too much memory', () => {
  const store = createResponseStore({ mostBytes: 100 })
  keep(store, 'a', { bytes: 60 })
  keep(store, 'b', { bytes: 60 })
  assert.deepEqual(has(store, ['a', 'b']), [false, true])
  keep(store, 'whale', { bytes: 101 })
  assert.deepEqual([store.size, store.bytes], [0, 0], 'what is too large for all is not kept')
})

test('who has most gives first', () => {
  const store = createResponseStore({ mostResponses: 3, mostBytes: 1_000 })
  keep(store, 'small', { owner: 'one' })
  for (const key of ['a', 'b', 'c', 'd']) keep(store, key, { owner: 'two', bytes: 300 })
  assert.deepEqual(has(store, ['small'], 'one'), [true])
  assert.deepEqual(has(store, ['a', 'b', 'c', 'd'], 'two'), [false, false, true, true])
  keep(store, 'large', { owner: 'one', bytes: 700 })
  assert.deepEqual(has(store, ['small', 'large'], 'one'), [false, false])
})

test('what is still being written stays', () => {
  const store = createResponseStore({ mostResponses: 1 })
  store.add(create('a'))
  store.add(create('b'))
  keep(store, 'c')
  assert.deepEqual(has(store, ['a', 'b', 'c']), [true, true, false])
})

test('a conversation counts once, however many responses it has, and as long as one of them is there', () => {
  const store = createResponseStore({ mostBytes: 1_000 })
  const first = keep(store, 'a', { bytes: 100 })
  const second = keep(store, 'b', { bytes: 10, before: first.turn })
  const branch = keep(store, 'c', { bytes: 1, before: first.turn })
  assert.equal(store.bytes, 111)
  store.remove(first.response)
  assert.equal(store.bytes, 111, 'others go on from it')
  store.remove(first.response)
  store.remove(second.response)
  assert.equal(store.bytes, 101)
  store.remove(branch.response)
  assert.deepEqual([store.bytes, store.size], [0, 0])
  const late = keep(store, 'd', { bytes: 5, before: second.turn })
  assert.equal(store.bytes, 115, 'what was let go meanwhile is held again')
  store.remove(late.response)
  assert.equal(store.bytes, 0)
})

test('what was removed while it was written does not come back', () => {
  const store = createResponseStore()
  const response = create('a')
  store.add(response)
  store.remove(response)
  store.settle(response, { before: undefined, messages: [], bytes: 7 }, 7)
  assert.deepEqual([store.bytes, store.size, store.find('a', 'guest')], [0, 0, undefined])
})

test('ten thousand turns of one conversation are kept within the bounds, and quickly', () => {
  const store = createResponseStore({ mostResponses: 1_000, mostBytes: 1_000_000 })
  let before: Turn | undefined
  for (let index = 0; index < 10_000; index++) before = keep(store, `k${index}`, { bytes: 50, before }).turn
  assert.equal(store.size, 1_000)
  assert.equal(store.bytes, 500_000, 'the newest holds all that was said')
})

test('one that is not there is told by the name of the field', () => {
  const store = createResponseStore()
  keep(store, 'a')
  for (const [id, owner] of [
    ['resp_b', 'guest'],
    ['resp_a', 'other'],
    ['a', 'guest'],
  ] as const) {
    assert.throws(
      () => getResponse(store, id, owner, 'previous_response_id'),
      (error) => isLmappError(error) && error.code === 'not-found' && error.details?.field === 'previous_response_id',
    )
  }
  assert.equal(getResponse(store, 'resp_a', 'guest', 'x').key, 'a')
})
