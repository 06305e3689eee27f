import assert from 'node:assert/strict'
import { test } from 'node:test'
import { estimateMemory, largestContext, type MemoryFields } from './memory-estimate.ts'

const mebibyte = 1024 ** 2

/** SmolLM2-135M-Instruct, as its head has it. */
const small: MemoryFields = {
  sizeBytes: 98_362_432,
  architecture: 'llama',
  layers: 30,
  embeddingLength: 576,
  headCount: 9,
  headCountKv: 3,
  vocabularySize: 49_152,
}

/** Gemma 3 4B: most of its layers see 1,024 tokens. */
const windowed: MemoryFields = {
  sizeBytes: 2_489_757_760,
  architecture: 'gemma3',
  layers: 34,
  embeddingLength: 2560,
  headCount: 8,
  headCountKv: 4,
  keyLength: 256,
  valueLength: 256,
  slidingWindow: 1024,
  vocabularySize: 262_144,
}

test('what llama.cpp logs for SmolLM2: 180 MiB of cache and 98.25 MiB of compute buffer at 8,192 tokens', () => {
  const estimate = estimateMemory({ ...small, contextLength: 8192 })
  assert.deepEqual(estimate, {
    weightsBytes: 98_362_432,
    contextBytes: (180 + 98.25) * mebibyte,
    totalBytes: 98_362_432 + (180 + 98.25) * mebibyte,
  })
})

test('each conversation that is kept has its own cache; the compute buffer is shared', () => {
  const one = estimateMemory({ ...small, contextLength: 4096 })?.contextBytes ?? 0
  const two = estimateMemory({ ...small, contextLength: 4096, sequences: 2 })?.contextBytes ?? 0
  assert.equal(two - one, 90 * mebibyte)
})

test('the cache grows in steps of 256 tokens', () => {
  const bytes = (contextLength: number) => estimateMemory({ ...small, contextLength })?.contextBytes
  assert.equal(bytes(1), bytes(256))
  assert.notEqual(bytes(257), bytes(256))
})

test('layers with a sliding window keep the window only, by architecture or by the pattern in the head', () => {
  const bytesOfLayer = 4 * (256 + 256) * 2
  const compute = 512 * 4 * (262_144 + 2 * 2560)
  const cache = (fields: MemoryFields) =>
    (estimateMemory({ ...fields, contextLength: 32_768 })?.contextBytes ?? 0) - compute
  assert.equal(cache(windowed), bytesOfLayer * (5 * 32_768 + 29 * 1536))
  assert.equal(cache({ ...windowed, slidingWindowPattern: 2 }), bytesOfLayer * (17 * 32_768 + 17 * 1536))
  const onlyFirst = [false, ...Array.from({ length: 33 }, () => true)]
  assert.equal(cache({ ...windowed, slidingWindowPattern: onlyFirst }), bytesOfLayer * (32_768 + 33 * 1536))
})

test('where nobody says which layers have the window, it is as if none had it', () => {
  const all = 34 * 4 * (256 + 256) * 2 * 32_768 + 512 * 4 * (262_144 + 2 * 2560)
  assert.equal(estimateMemory({ ...windowed, architecture: 'new', contextLength: 32_768 })?.contextBytes, all)
})

test('heads may differ by layer, also be none', () => {
  const fields = { ...small, layers: 4, headCountKv: [3, 0, 0, 3] }
  const same = { ...small, layers: 2 }
  assert.deepEqual(estimateMemory({ ...fields, contextLength: 4096 }), estimateMemory({ ...same, contextLength: 4096 }))
})

test('without a vocabulary a large one is taken, without heads of the cache all heads', () => {
  const { vocabularySize, headCountKv, ...rest } = small
  const estimate = estimateMemory({ ...rest, contextLength: 256 })
  assert.equal(estimate?.contextBytes, 30 * 9 * 128 * 2 * 256 + 512 * 4 * (151_936 + 2 * 576))
})

test('the largest context that fits is the last step whose estimate fits', () => {
  for (const fields of [small, windowed, { ...small, sequences: 2 }]) {
    const available = fields.sizeBytes + 1000 * mebibyte
    const contextLength = largestContext(fields, available) ?? 0
    const total = (tokens: number) => estimateMemory({ ...fields, contextLength: tokens })?.totalBytes ?? 0
    assert.ok(total(contextLength) <= available)
    assert.ok(total(contextLength + 1) > available)
  }
})

test('none fits: 0; the model says nothing of its layers: undefined', () => {
  assert.equal(largestContext(small, 100 * mebibyte), 0)
  assert.equal(largestContext({ sizeBytes: 1 }, 100 * mebibyte), undefined)
  assert.equal(estimateMemory({ sizeBytes: 1, contextLength: 1 }), undefined)
})

test('a head that says nonsense is undefined, at once', () => {
  for (const nonsense of [
    { layers: 2 ** 40 },
    { layers: 1.5 },
    { layers: Number.NaN },
    { headCount: 0 },
    { embeddingLength: -576 },
    { headCountKv: -1 },
    { headCountKv: [3, Number.NaN] },
    { keyLength: Number.POSITIVE_INFINITY },
    { keyLength: -1000 },
    { sizeBytes: Number.NaN },
  ]) {
    assert.equal(estimateMemory({ ...small, ...nonsense, contextLength: 4096 }), undefined, JSON.stringify(nonsense))
    assert.equal(largestContext({ ...small, ...nonsense }, 1000 * mebibyte), undefined)
  }
})
