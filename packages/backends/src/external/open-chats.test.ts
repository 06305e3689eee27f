import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batches, fromBatches, isLmappError, LmappError, type Part } from 'lmapp-kit'
import { afterSteps, type PartSteps } from '../openai-wire/index.ts'
import { createOpenChats } from './index.ts'

const connecting: Part = { type: 'status', phase: 'connecting' }
const text = (word: string): Part => ({ type: 'text-delta', text: word })
const finish: Part = { type: 'finish', reason: 'stop', usage: {} }
const cancelled: Part = { type: 'finish', reason: 'cancelled', usage: {} }

function open(given: readonly (readonly Part[])[], signal?: AbortSignal) {
  const chats = createOpenChats()
  const seen: string[] = []
  async function* answer() {
    try {
      yield* given
      throw new LmappError('engine-died', 'It is gone.')
    } finally {
      seen.push('left')
    }
  }
  async function* steps(): PartSteps {
    yield [connecting]
    return answer()
  }
  const start = () => fromBatches(afterSteps(steps()))
  return { chats, seen, chat: chats.run('m', signal, start) }
}

describe('a chat of batches', () => {
  it('gives the same parts in both ways, and is then over', async () => {
    const given = [
      [text('a'), text('b')],
      [text('c'), finish],
    ]
    const single = open(given)
    assert.deepEqual(await Array.fromAsync(single.chat), [connecting, ...given.flat()])
    const whole = open(given)
    assert.deepEqual(await Array.fromAsync(whole.chat[batches]()), [[connecting], ...given])
    for (const { chats, seen } of [single, whole]) assert.deepEqual([chats.list, seen], [[], ['left']])
  })

  it('is counted while it runs, and known to answer from its first token', async () => {
    const { chats, chat } = open([[connecting, text('a'), connecting], [finish]])
    const told: unknown[] = []
    for await (const _ of chat[batches]()) told.push(chats.list.map(({ answering }) => answering))
    assert.deepEqual(told, [[false], [true], [true]])
  })

  it('ends cancelled at the next batch after the caller aborts, and is left', async () => {
    const abort = new AbortController()
    const { seen, chat } = open([[text('a')], [text('b')]], abort.signal)
    const given: (readonly Part[])[] = []
    for await (const batch of chat[batches]()) {
      given.push(batch)
      if (given.length === 2) abort.abort()
    }
    assert.deepEqual(given, [[connecting], [text('a')], [cancelled]])
    assert.deepEqual(seen, ['left'])
  })

  it('throws when the backend is stopped, and what its engine fails with', async () => {
    const { chats, chat } = open([[text('a')], [text('b')]])
    const stopping = async () => {
      for await (const batch of chat[batches]()) if (batch[0]?.type === 'text-delta') chats.stop('The engine')
    }
    await assert.rejects(stopping, (error) => isLmappError(error, 'backend-stopped'))
    await assert.rejects(Array.fromAsync(open([]).chat[batches]()), (error) => isLmappError(error, 'engine-died'))
  })

  it('is left by who leaves, in its steps and after them', async () => {
    for (const last of [connecting, text('a')]) {
      const { seen, chat } = open([[text('a')], [finish]])
      for await (const [part] of chat[batches]()) if (part?.type === last.type) break
      assert.deepEqual(seen, last === connecting ? [] : ['left'])
    }
  })
})
