import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Backend, Embedding } from 'lmapp-kit'
import { createEmbeddedBackend } from './backend.ts'
import { keepAlive } from './fixtures/keep-alive.ts'
import { ask, realConfig, user } from './fixtures/real-model.ts'

keepAlive()

interface Recorded {
  texts: { text: string; repeat: number; tokens: number; vector: number[] }[]
}

/** Free for models, in bytes. */
let availableMemory = Number.MAX_SAFE_INTEGER
let backend: Backend

before(async () => {
  backend = createEmbeddedBackend(realConfig, { availableMemory: () => availableMemory })
  await backend.start()
})
after(() => backend[Symbol.asyncDispose]())

async function embed(input: string[], signal?: AbortSignal): Promise<Embedding> {
  assert.ok(backend.embed)
  return await backend.embed({ model: 'smol', input }, signal ? { signal } : {})
}

function cosine(one: ArrayLike<number>, other: ArrayLike<number>): number {
  const products = Array.from(one, (value, index) => value * (other[index] ?? 0))
  return (
    products.reduce((sum, value) => sum + value, 0) /
    (Math.hypot(...Array.from(one)) * Math.hypot(...Array.from(other)))
  )
}

describe('vectors', () => {
  test('are what llama-server gives with pooling by the last token, of length 1, also of several batches', async () => {
    const recorded: Recorded = JSON.parse(
      await readFile(join(import.meta.dirname, 'fixtures/embedding-last.json'), 'utf8'),
    )
    const { vectors, inputTokens } = await embed(recorded.texts.map(({ text, repeat }) => text.repeat(repeat)))
    assert.equal(
      inputTokens,
      recorded.texts.reduce((sum, { tokens }) => sum + tokens, 0),
    )
    for (const [index, { tokens, vector: expected }] of recorded.texts.entries()) {
      const vector = vectors[index] ?? new Float32Array()
      assert.equal(vector.length, 576)
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5)
      assert.ok(cosine(vector, expected) > 0.999, `cosine ${cosine(vector, expected)} of ${tokens} tokens`)
    }
  })

  test('come in the order of the texts, the same for the same text, whatever is beside it', async () => {
    const [sea, gull, bread] = (await embed(['The sea is wide.', 'A gull cried.', 'Bread is baked in an oven.']))
      .vectors
    const [alone] = (await embed(['Bread is baked in an oven.'])).vectors
    assert.ok(sea && gull && bread && alone)
    assert.ok(cosine(bread, alone) > 0.9999)
    assert.ok(cosine(sea, bread) < 0.999)
  })

  test('of no text are none', async () => {
    assert.deepEqual(await embed([]), { vectors: [], inputTokens: 0 })
  })

  test('are made while the same model chats', async () => {
    const [answer, { vectors }] = await Promise.all([
      ask(backend, { messages: [user('Why is the sky blue?')] }),
      embed(['The sea is wide.', 'Bread is baked in an oven.']),
    ])
    assert.equal(answer.finish.reason, 'length')
    assert.equal(vectors.length, 2)
  })
})

describe('what cannot be embedded', () => {
  test('a text longer than the model reads: context-overflow with which and how long, and none was read', async () => {
    await assert.rejects(
      embed(['short', 'A gull cried. '.repeat(3000)]),
      (error: { code?: string; details?: Record<string, unknown> }) => {
        assert.equal(error.code, 'context-overflow')
        const { index, inputTokens, contextLength } = error.details ?? {}
        assert.deepEqual([index, contextLength], [1, 8192])
        assert.ok(Number(inputTokens) > 8192)
        return true
      },
    )
  })

  test('an empty text is bad-input, and named', async () => {
    await assert.rejects(embed(['a', '']), { code: 'bad-input', details: { index: 1 } })
  })

  test('an unknown model is model-not-found', async () => {
    await assert.rejects(async () => backend.embed?.({ model: 'none', input: ['a'] }), { code: 'model-not-found' })
  })

  test('a context that does not fit in memory is model-too-large, and the model goes on', async () => {
    availableMemory = 98_362_432 + 130 * 1024 ** 2
    await assert.rejects(embed(['A gull cried. '.repeat(1200)]), { code: 'model-too-large' })
    availableMemory = Number.MAX_SAFE_INTEGER
    assert.equal((await embed(['The sea.'])).vectors.length, 1)
  })
})

describe('stopping', () => {
  test('an abort before and while it works is cancelled, and the next one is whole', async () => {
    await assert.rejects(embed(['a'], AbortSignal.abort()), { code: 'cancelled' })
    const controller = new AbortController()
    const working = embed(
      Array.from({ length: 2000 }, (_, index) => `Text number ${index} of a gull.`),
      controller.signal,
    )
    setImmediate(() => controller.abort())
    await assert.rejects(working, { code: 'cancelled' })
    assert.equal((await embed(['The sea.'])).vectors.length, 1)
  })

  test('a backend that is not running is backend-stopped, also in the middle', async () => {
    await using other = createEmbeddedBackend(realConfig)
    await assert.rejects(async () => other.embed?.({ model: 'smol', input: ['a'] }), { code: 'backend-stopped' })
    await other.start()
    const texts = Array.from({ length: 2000 }, (_, index) => `Text number ${index} of a gull.`)
    const working = assert.rejects(async () => other.embed?.({ model: 'smol', input: texts }), {
      code: 'backend-stopped',
    })
    while ((await other.isRunning()).models[0]?.state !== 'ready') await new Promise(setImmediate)
    await other.stop()
    await working
  })
})
