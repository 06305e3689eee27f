import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitModel } from './fit.ts'

const gigabyte = 1e9
/** As a Llama 3.2 of three billion says of itself. */
const model = {
  sizeBytes: 2 * gigabyte,
  contextLength: 131_072,
  memory: {
    architecture: 'llama',
    layers: 28,
    embeddingLength: 3072,
    headCount: 24,
    headCountKv: 8,
    vocabularySize: 128_256,
  },
}

test('a model fits where its whole context does, and tightly where only a shorter one does', () => {
  const roomy = fitModel(model, 64 * gigabyte)
  assert.equal(roomy?.state, 'fits')
  assert.deepEqual([roomy.contextLength, roomy.longestContext, roomy.freeBytes], [131_072, 131_072, 64 * gigabyte])
  const tight = fitModel(model, 8 * gigabyte)
  assert.equal(tight?.state, 'tight')
  assert.ok((tight.longestContext ?? 0) > 2048 && (tight.longestContext ?? 0) < 131_072)
  assert.ok(tight.neededBytes > 8 * gigabyte)
})

test('a model that is too large says how much it needs for a short chat, and that no context fits', () => {
  const large = fitModel({ ...model, sizeBytes: 43 * gigabyte }, 8 * gigabyte)
  assert.equal(large?.state, 'too-large')
  assert.ok(large.neededBytes > 43 * gigabyte)
  assert.deepEqual([large.contextLength, large.longestContext], [2048, undefined])
})

test('of a model that says little only what is certain is said', () => {
  assert.equal(fitModel({ sizeBytes: gigabyte, memory: {} }, 8 * gigabyte), undefined)
  assert.equal(fitModel({ sizeBytes: gigabyte }, 8 * gigabyte), undefined)
  assert.equal(fitModel({ memory: model.memory }, 8 * gigabyte), undefined)
  assert.deepEqual(fitModel({ sizeBytes: 9 * gigabyte }, 8 * gigabyte), {
    state: 'too-large',
    neededBytes: 9 * gigabyte,
    freeBytes: 8 * gigabyte,
    contextLength: 0,
  })
  const { contextLength: _contextLength, ...untold } = model
  assert.equal(fitModel(untold, 8 * gigabyte)?.contextLength, 2048)
})
