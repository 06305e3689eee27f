import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelPath } from '../fixtures/real-model.ts'
import type { ModelFile } from '../models/describe-model.ts'
import { createModelFolder } from '../models/model-folder.ts'
import { assertFits, contextBytesOf } from './memory.ts'

const mebibyte = 1024 ** 2
const processor = { gpu: false as const, getVramState: async () => ({ total: 0, used: 0, free: 0, unifiedSize: 0 }) }

function card(free: number, unifiedSize: number) {
  return { gpu: 'vulkan' as const, getVramState: async () => ({ total: free, used: 0, free, unifiedSize }) }
}

function file(id: string, megabytes: number): ModelFile {
  const head = { metadata: new Map(), parameterCount: 0, neededBytes: 0 }
  return { id, path: `/${id}.gguf`, sizeBytes: megabytes * mebibyte, modifiedAtMs: 0, parts: [], head, sidecar: {} }
}

const nothingIdle = async () => false

test('a model that fits is let in', async () => {
  await assertFits(file('a', 100), {
    llama: processor,
    availableMemory: () => 200 * mebibyte,
    loaded: () => [],
    makeRoom: nothingIdle,
  })
})

test('one that does not is model-too-large, with all numbers', async () => {
  const options = {
    llama: processor,
    availableMemory: () => 100 * mebibyte,
    loaded: () => [],
    makeRoom: nothingIdle,
  }
  await assert.rejects(assertFits(file('a', 1000), options), {
    code: 'model-too-large',
    details: {
      model: 'a',
      fileBytes: 1000 * mebibyte,
      contextLength: 2048,
      contextBytes: 64 * mebibyte,
      neededBytes: 1064 * mebibyte,
      availableBytes: 100 * mebibyte,
      largestContextLength: 0,
    },
    message:
      '"a" needs 1,064 MiB of memory, 100 MiB are free: 1,000 MiB for the file, 64 MiB for a context of 2048 tokens.',
    hint: 'Free some memory, or choose a smaller model: lmapp models list',
  })
})

test('idle models make room, one by one; files that are mapped count as taken', async () => {
  const loaded = [file('old', 300), file('new', 300)]
  const options = {
    llama: processor,
    availableMemory: () => 800 * mebibyte,
    loaded: () => loaded,
    makeRoom: async () => loaded.shift() !== undefined,
  }
  await assertFits(file('a', 400), options)
  assert.deepEqual(
    loaded.map(({ id }) => id),
    ['new'],
  )
})

test('the memory of a graphics card counts as well, unless it is the same memory', async () => {
  const options = { availableMemory: () => 100 * mebibyte, loaded: () => [], makeRoom: nothingIdle }
  await assertFits(file('a', 1000), { ...options, llama: card(1000 * mebibyte, 0) })
  await assert.rejects(assertFits(file('a', 1000), { ...options, llama: card(1000 * mebibyte, 1000 * mebibyte) }), {
    code: 'model-too-large',
  })
})

test('a context that was asked for counts; where a smaller one fits, the hint says which', async () => {
  const real = await createModelFolder({ models: { smol: modelPath }, log: () => {} }).find('smol')
  const options = { llama: processor, loaded: () => [], makeRoom: nothingIdle }
  const availableMemory = () => real.sizeBytes + contextBytesOf(real, 4096)
  await assertFits(real, { ...options, availableMemory, contextLength: 4096 })
  await assertFits(real, { ...options, availableMemory })
  await assert.rejects(assertFits(real, { ...options, availableMemory, contextLength: 8192 }), {
    code: 'model-too-large',
    hint: 'A context of 4096 tokens fits: -o num_ctx=4096',
  })
  const all = () => real.sizeBytes + contextBytesOf(real, 8192)
  await assertFits(real, { ...options, availableMemory: all, contextLength: 100_000 })
})
