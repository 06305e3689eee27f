import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createMemoryBudget, type Tenant } from './memory-budget.ts'
import type { MemoryDemand } from './plan-memory.ts'
import { file, mebibyte } from './testing/stage.ts'

const idle: Tenant = { idle: true, end: async () => {} }
const busy: Tenant = { ...idle, idle: false }

/** 4 MiB of file, 1 that it computes in, and 1 for each 1,024 tokens. */
function demand(contextLength: number, more: Partial<MemoryDemand> = {}): MemoryDemand {
  const { id, sizeBytes = 0, memory } = file('one')
  return { model: id, sizeBytes, contextLength, slots: 1, ...(memory && { memory }), ...more }
}

function openBudget({ limit, free = 1_000_000 }: { limit?: number; free?: number }) {
  return createMemoryBudget({
    limitBytes: () => (limit === undefined ? undefined : limit * mebibyte),
    freeBytes: () => free * mebibyte,
  })
}

describe('the memory that a model gets', () => {
  it('is for the context that was wished for, and for several chats where there is room', async () => {
    const { plan } = await openBudget({ limit: 100 }).reserve(demand(4096, { slots: 2 }), idle)
    assert.deepEqual(plan, {
      contextLength: 4096,
      slots: 2,
      weightsBytes: 4 * mebibyte,
      contextBytes: 9 * mebibyte,
    })
    assert.equal((await openBudget({ limit: 10 }).reserve(demand(4096, { slots: 2 }), idle)).plan.slots, 1)
  })

  it('is for less context where there is not more, but not for less than makes sense', async () => {
    assert.equal((await openBudget({ limit: 8 }).reserve(demand(8192), idle)).plan.contextLength, 3072)
    await assert.rejects(openBudget({ limit: 6 }).reserve(demand(8192), idle), (error) =>
      isLmappError(error, 'model-too-large'),
    )
  })

  it('is a fifth beside the file where that says nothing of itself', async () => {
    const unknown: MemoryDemand = { model: 'x', sizeBytes: 10 * mebibyte, contextLength: 8192, slots: 1 }
    const { plan } = await openBudget({ limit: 12 }).reserve(unknown, idle)
    assert.deepEqual([plan.contextLength, plan.contextBytes], [8192, 2 * mebibyte])
    await assert.rejects(openBudget({ limit: 11 }).reserve(unknown, idle), (error) =>
      isLmappError(error, 'model-too-large'),
    )
  })

  it('is refused with all numbers, and with the context that would fit', async () => {
    await assert.rejects(openBudget({ free: 8 }).reserve(demand(8192, { exactly: true }), idle), (error) => {
      assert.ok(isLmappError(error, 'model-too-large'))
      assert.equal(
        error.message,
        '"one" needs 13 MiB of memory, 8 MiB are free: 4 MiB for the file, 9 MiB for a context of 8192 tokens.',
      )
      assert.equal(error.hint, 'A context of 3072 tokens fits: -o num_ctx=3072')
      assert.deepEqual(error.details, {
        model: 'one',
        fileBytes: 4 * mebibyte,
        contextLength: 8192,
        contextBytes: 9 * mebibyte,
        neededBytes: 13 * mebibyte,
        availableBytes: 8 * mebibyte,
        largestContextLength: 3072,
      })
      return true
    })
  })
})

describe('the memory that is there', () => {
  it('is what is free, less the files of loaded models, which the system counts as free', async () => {
    let free = 30
    const budget = createMemoryBudget({ limitBytes: () => undefined, freeBytes: () => free * mebibyte })
    const first = await budget.reserve(demand(4096), busy)
    // Not loaded yet: nothing of it is taken by the system's count.
    assert.equal((await budget.reserve(demand(16_384), busy)).plan.contextLength, 16_384)
    first.loaded()
    free -= 5
    const third = budget.reserve(demand(4096), busy)
    first[Symbol.dispose]()
    free += 5
    assert.equal((await third).plan.contextLength, 4096)
  })

  it('counts a loaded model as one that could make room', async () => {
    let free = 9
    const budget = createMemoryBudget({ limitBytes: () => undefined, freeBytes: () => free * mebibyte })
    let ended = false
    const tenant: Tenant = {
      idle: true,
      async end() {
        ended = true
        free += 5
      },
    }
    const first = await budget.reserve(demand(4096), tenant)
    first.loaded()
    free -= 5
    assert.equal(budget.best(demand(4096))?.contextLength, 4096)
    await budget.reserve(demand(4096), idle)
    assert.equal(ended, true)
  })

  it('ends nothing for a model that would not fit even then', async () => {
    const budget = openBudget({ limit: 20 })
    await budget.reserve(demand(4096), { idle: true, end: () => assert.fail('It was ended.') })
    await assert.rejects(budget.reserve(demand(32_768, { exactly: true }), idle), (error) =>
      isLmappError(error, 'model-too-large'),
    )
  })

  it('is refused when what made room left less than was thought', async () => {
    let free = 9
    const budget = createMemoryBudget({ limitBytes: () => undefined, freeBytes: () => free * mebibyte })
    const tenant: Tenant = {
      idle: true,
      async end() {
        free = 3
      },
    }
    await budget.reserve(demand(4096), tenant)
    await assert.rejects(budget.reserve(demand(4096), idle), (error) => isLmappError(error, 'model-too-large'))
  })

  it('is shared by what answers: less context now rather than waiting', async () => {
    const budget = openBudget({ limit: 17 })
    await budget.reserve(demand(4096), busy)
    assert.equal((await budget.reserve(demand(8192), busy)).plan.contextLength, 3072)
  })

  it('may be waited for as long as one likes', async () => {
    const budget = openBudget({ limit: 9 })
    await budget.reserve(demand(4096), busy)
    const abort = new AbortController()
    const waiting = budget.reserve(demand(4096), idle, { signal: abort.signal })
    const behind = budget.reserve(demand(4096), idle, { signal: abort.signal })
    const due = Promise.all([waiting, behind].map((each) => assert.rejects(each, { name: 'AbortError' })))
    abort.abort()
    await due
    await budget.afterWaiting()
    await assert.rejects(budget.reserve(demand(4096), idle, { signal: abort.signal }), { name: 'AbortError' })
  })
})
