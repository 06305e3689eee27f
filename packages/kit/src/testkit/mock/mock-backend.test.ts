import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask } from '../fixtures/ask-mock.ts'
import { createInstantClock } from '../fixtures/instant-clock.ts'
import { readChat } from '../read-chat.ts'
import { defaultMockModels } from './default-models.ts'
import { createMockBackend } from './mock-backend.ts'

describe('the default models', () => {
  it('are all there but the one to pull, and echo and story answer', async () => {
    await using mock = createMockBackend({ clock: createInstantClock() })
    await mock.start()
    const ids = (await mock.listModels()).map(({ id }) => id)
    assert.deepEqual(
      ids,
      Object.keys(defaultMockModels).filter((id) => id !== 'to-pull'),
    )
    assert.equal((await readChat(mock.chat({ ...ask('Hi.'), model: 'echo' }))).text, 'Hi.')
    assert.ok((await readChat(mock.chat({ ...ask('Hi.'), model: 'story' }))).text.startsWith('Once'))
  })

  it('may be pulled, is told so far, and again when it is there', async () => {
    await using mock = createMockBackend()
    const steps = await Array.fromAsync(mock.pullModel('to-pull'))
    assert.deepEqual(steps.at(-1), { status: 'success', done: true })
    assert.equal(steps.length, 6)
    assert.equal((await Array.fromAsync(mock.pullModel('to-pull'))).length, 1)
    const controller = new AbortController()
    await mock.removeModel('to-pull')
    await assert.rejects(
      async () => {
        for await (const _ of mock.pullModel('to-pull', { signal: controller.signal })) controller.abort()
      },
      { code: 'cancelled' },
    )
    await assert.rejects(mock.embed({ model: 'to-pull', input: [] }), { code: 'backend-stopped' })
  })

  it('embed what a person gives them', async () => {
    await using mock = createMockBackend()
    await mock.start()
    const { vectors, inputTokens } = await mock.embed({ model: 'embedder', input: ['one two', ''] })
    assert.deepEqual(
      vectors.map((vector) => vector.length),
      [64, 64],
    )
    assert.equal(inputTokens, 2)
    await assert.rejects(mock.embed({ model: 'echo', input: ['one'] }), { code: 'unsupported' })
  })
})
