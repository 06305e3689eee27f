import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LlamaModel } from 'node-llama-cpp'
import { keepAlive } from '../fixtures/keep-alive.ts'
import { modelPath } from '../fixtures/real-model.ts'
import { openRuntime, type Runtime } from '../runtime/open-runtime.ts'
import { createSequencePool } from './sequence-pool.ts'

keepAlive()

let runtime: Runtime
let model: LlamaModel

before(async () => {
  runtime = await openRuntime({ threads: 2, log: () => {} })
  model = await runtime.llama.loadModel({ modelPath, gpuLayers: 0 })
})
after(() => model.dispose())

test('where the memory is too small for so many chats, they take turns on one sequence', async () => {
  let asked = 0
  const makeRoom = async () => asked++ === 0
  await using pool = createSequencePool({ runtime, model, parallel: 10_000, makeRoom })
  const tokens = model.tokenize('One two three four five', false)
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

test('a context that no memory holds is model-load-failed, and the next one is made all the same', async () => {
  await using pool = createSequencePool({ runtime, model, parallel: 1, makeRoom: async () => false })
  const tokens = model.tokenize('One', false)
  await assert.rejects(pool.lease({ tokens, least: 3e6, wanted: 3e6 }), {
    code: 'model-load-failed',
    details: { contextTokens: 3e6 },
  })
  assert.equal((await pool.lease({ tokens, least: 10, wanted: 100 })).contextSize, 4096)
})

test('each conversation finds the sequence that has read it', async () => {
  await using pool = createSequencePool({ runtime, model, parallel: 2, makeRoom: async () => false })
  const texts = ['The sea is wide and blue and cold', 'Bread is made of flour and water']
  for (const text of texts) {
    const tokens = model.tokenize(text, false)
    const lease = await pool.lease({ tokens, least: 20, wanted: 100 })
    await lease.sequence.evaluateWithoutGeneratingNewTokens(tokens)
    lease.release()
  }
  for (const text of texts) {
    const tokens = model.tokenize(`${text}, they say`, false)
    const lease = await pool.lease({ tokens, least: 20, wanted: 100 })
    assert.equal(lease.cachedTokens, model.tokenize(text, false).length)
    lease.release()
  }
})
