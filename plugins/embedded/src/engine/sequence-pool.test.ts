import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LlamaModel } from 'node-llama-cpp'
import { keepAlive } from '../fixtures/keep-alive.ts'
import { modelPath } from '../fixtures/real-model.ts'
import type { ModelFile } from '../models/describe-model.ts'
import { createModelFolder } from '../models/model-folder.ts'
import { openRuntime, type Runtime } from '../runtime/open-runtime.ts'
import { contextBytesOf } from './memory.ts'
import { createSequencePool, type SequencePool, type SequencePoolOptions } from './sequence-pool.ts'

keepAlive()

let runtime: Runtime
let model: LlamaModel
let file: ModelFile

before(async () => {
  runtime = await openRuntime({ threads: 2, log: () => {} })
  model = await runtime.llama.loadModel({ modelPath, gpuLayers: 0 })
  file = await createModelFolder({ models: { smol: modelPath }, log: () => {} }).find('smol')
})
after(() => model.dispose())

function createPool(options: Partial<SequencePoolOptions>): SequencePool {
  return createSequencePool({
    runtime,
    model,
    file,
    parallel: 1,
    makeRoom: async () => false,
    availableBytes: async () => Number.MAX_SAFE_INTEGER,
    ...options,
  })
}

const tokensOf = (text: string) => model.tokenize(text, false)

test('where the memory is too small for so many chats, they take turns on one sequence', async () => {
  let asked = 0
  const makeRoom = async () => asked++ === 0
  await using pool = createPool({ parallel: 10_000, makeRoom })
  const tokens = tokensOf('One two three four five')
  const first = await pool.lease({ tokens, least: 10, wanted: 100 })
  assert.equal(asked, 2, 'room was made as long as there was something to give up')
  const leaving = new AbortController()
  const left = pool.lease({ tokens, least: 10, wanted: 100, signal: leaving.signal })
  leaving.abort(new Error('enough'))
  await assert.rejects(left, { message: 'enough' })
  const second = pool.lease({ tokens, least: 10, wanted: 100 })
  first.release()
  assert.equal((await second).sequence, first.sequence)
})

test('a context that no memory holds is model-too-large with the numbers, and the next one is made all the same', async () => {
  const availableBytes = async () => contextBytesOf(file, 6000)
  await using pool = createPool({ availableBytes })
  const tokens = tokensOf('One')
  const size = { tokens, least: 10, wanted: 8192, demanded: true }
  await assert.rejects(
    pool.lease(size),
    (error: { code?: string; hint?: string; details?: Record<string, unknown> }) => {
      assert.equal(error.code, 'model-too-large')
      assert.equal(error.hint, 'A context of 6144 tokens fits: -o num_ctx=6144')
      const { fileBytes, contextLength, contextBytes, neededBytes, largestContextLength } = error.details ?? {}
      assert.deepEqual([fileBytes, contextLength, contextBytes], [98_362_432, 8192, contextBytesOf(file, 8192)])
      assert.deepEqual([neededBytes, largestContextLength], [98_362_432 + contextBytesOf(file, 8192), 6144])
      return true
    },
  )
  await assert.rejects(pool.lease({ tokens, least: 7000, wanted: 8192 }), { code: 'model-too-large' })
  assert.equal((await pool.lease({ tokens, least: 10, wanted: 100 })).contextSize, 4096)
})

test('a context that was not asked for shrinks to what fits, and is kept until it can grow', async () => {
  let free = contextBytesOf(file, 3000)
  await using pool = createPool({ parallel: 2, availableBytes: async () => free })
  const first = await pool.lease({ tokens: tokensOf('One'), least: 10, wanted: 8192 })
  assert.equal(first.contextSize, 3072)
  first.release()
  free = 0
  const again = await pool.lease({ tokens: tokensOf('One'), least: 10, wanted: 8192 })
  assert.equal(again.contextSize, 3072)
  assert.equal(again.sequence, first.sequence)
  again.release()
  free = contextBytesOf(file, 8192)
  const larger = await pool.lease({ tokens: tokensOf('One'), least: 10, wanted: 8192 })
  assert.equal(larger.contextSize, 8192)
  larger.release()
})

test('less than 2,048 tokens is no context, unless no more is wanted', async () => {
  await using pool = createPool({ availableBytes: async () => contextBytesOf(file, 1024) })
  const tokens = tokensOf('One')
  await assert.rejects(pool.lease({ tokens, least: 10, wanted: 4096 }), { code: 'model-too-large' })
  assert.equal((await pool.lease({ tokens, least: 10, wanted: 1000 })).contextSize, 1024)
})

test('each conversation finds the sequence that has read it', async () => {
  await using pool = createPool({ parallel: 2 })
  const texts = ['The sea is wide and blue and cold', 'Bread is made of flour and water']
  for (const text of texts) {
    const tokens = tokensOf(text)
    const lease = await pool.lease({ tokens, least: 20, wanted: 100 })
    await lease.sequence.evaluateWithoutGeneratingNewTokens(tokens)
    lease.release()
  }
  for (const text of texts) {
    const tokens = tokensOf(`${text}, they say`)
    const lease = await pool.lease({ tokens, least: 20, wanted: 100 })
    assert.equal(lease.cachedTokens, tokensOf(text).length)
    lease.release()
  }
})
