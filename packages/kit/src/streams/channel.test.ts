import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Channel, createChannel } from './channel.ts'
import { holdBackPartialCharacter } from './hold-back-partial-character.ts'

/** Pushes 1, 2, 3 … until the reader leaves; `pushed` tells how far it came. */
async function produce(channel: Channel<number>, progress: { pushed: number; stopped: boolean }): Promise<void> {
  while (!channel.closed.aborted) {
    progress.pushed++
    await channel.push(progress.pushed)
  }
  await turn()
  progress.stopped = true
  channel.end()
}

describe('createChannel', () => {
  it('keeps the order, of what came before the reader and after', async () => {
    const channel = createChannel<number | undefined>({ capacity: 2 })
    const reading = Array.fromAsync(channel.items)
    for (const item of [1, undefined, 3, 4, 5]) await channel.push(item)
    channel.end()
    assert.deepEqual(await reading, [1, undefined, 3, 4, 5])
  })

  it('gives what was pushed before the end, and before a failure', async () => {
    const ended = createChannel<number>({ capacity: 9 })
    await ended.push(1)
    ended.end()
    await ended.push(2)
    assert.deepEqual(await Array.fromAsync(ended.items), [1])

    const failed = createChannel<number>({ capacity: 9 })
    await failed.push(1)
    failed.fail(new Error('broken'))
    const reader = failed.items[Symbol.asyncIterator]()
    assert.deepEqual(await reader.next(), { value: 1, done: false })
    await assert.rejects(reader.next(), { message: 'broken' })
    assert.deepEqual(await reader.next(), { value: undefined, done: true })
  })

  it('makes the producer wait at the mark', async () => {
    const channel = createChannel<number>({ capacity: 3 })
    const progress = { pushed: 0, stopped: false }
    const producing = produce(channel, progress)
    await turn()
    assert.equal(progress.pushed, 3)
    const reader = channel.items[Symbol.asyncIterator]()
    await reader.next()
    await turn()
    assert.equal(progress.pushed, 4)
    await reader.return?.()
    await producing
  })

  it('lets the reader leave only after the producer stopped', async () => {
    const channel = createChannel<number>({ capacity: 2 })
    const progress = { pushed: 0, stopped: false }
    const producing = produce(channel, progress)
    for await (const item of channel.items) if (item === 5) break
    assert.ok(progress.stopped)
    await producing
    await channel.push(6)
    assert.deepEqual(await channel.items[Symbol.asyncIterator]().next(), { value: undefined, done: true })
  })

  it('lets the reader leave while it waits', async () => {
    const channel = createChannel<number>({ capacity: 2 })
    channel.closed.addEventListener('abort', () => channel.fail(new Error('too late to matter')))
    const reader = channel.items[Symbol.asyncIterator]()
    const waiting = reader.next()
    await reader.return?.()
    assert.deepEqual(await waiting, { value: undefined, done: true })
  })

  it("gives the caller's reason, whatever the producer ends with", async () => {
    for (const before of [true, false]) {
      const caller = new AbortController()
      const reason = new Error('changed my mind')
      if (before) caller.abort(reason)
      const channel = createChannel<number>({ capacity: 2, signal: caller.signal })
      const reader = channel.items[Symbol.asyncIterator]()
      const waiting = reader.next()
      caller.abort(reason)
      assert.equal(channel.closed.reason, reason)
      channel.fail(new Error('the socket was closed'))
      await assert.rejects(waiting, reason)
      assert.deepEqual(await reader.next(), { value: undefined, done: true })
    }
  })

  it('does not lose what was pushed when the caller aborts after the end', async () => {
    const caller = new AbortController()
    const channel = createChannel<number>({ capacity: 2, signal: caller.signal })
    await channel.push(1)
    channel.end()
    caller.abort()
    assert.deepEqual(await Array.fromAsync(channel.items), [1])
  })
})

describe('holdBackPartialCharacter', () => {
  it('holds back half a character, and only that', () => {
    assert.deepEqual(holdBackPartialCharacter('a😀'), { ready: 'a😀', held: '' })
    assert.deepEqual(holdBackPartialCharacter('a\ud83d'), { ready: 'a', held: '\ud83d' })
    assert.deepEqual(holdBackPartialCharacter(''), { ready: '', held: '' })
  })
})
