import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createEndedRuns, type EndedRunsOptions } from './ended-runs.ts'

function open(options: Partial<EndedRunsOptions> = {}) {
  const forgotten: string[] = []
  const ended = createEndedRuns({ forget: (id) => void forgotten.push(id), ...options })
  return { ended, forgotten }
}

describe('the runs that ended', () => {
  it('are kept up to a number, the oldest forgotten first', () => {
    const { ended, forgotten } = open({ mostRuns: 2 })
    for (const id of ['a', 'b', 'c', 'd']) ended.add({ id, bytes: 1 })
    assert.deepEqual(forgotten, ['a', 'b'])
  })

  it('are kept up to a size: a large one makes room for itself, and one that is too large stays for nobody', () => {
    const { ended, forgotten } = open({ mostBytes: 100 })
    ended.add({ id: 'a', bytes: 30 })
    ended.add({ id: 'b', bytes: 30 })
    ended.add({ id: 'c', bytes: 60 })
    assert.deepEqual(forgotten, ['a'])
    ended.add({ id: 'huge', bytes: 101 })
    assert.deepEqual(forgotten, ['a', 'b', 'c', 'huge'])
    ended.add({ id: 'd', bytes: 100 })
    assert.equal(forgotten.length, 4)
  })

  it('are forgotten once, where that is said early', () => {
    const { ended, forgotten } = open({ mostRuns: 1 })
    ended.add({ id: 'a', bytes: 1 })
    ended.remove('a')
    ended.remove('a')
    ended.add({ id: 'b', bytes: 1 })
    assert.deepEqual(forgotten, ['a'])
  })

  it('are forgotten when their time is over, each at its own', (test) => {
    test.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const { ended, forgotten } = open({ keepMs: 1_000 })
    ended.add({ id: 'a', bytes: 1 })
    test.mock.timers.tick(600)
    ended.add({ id: 'b', bytes: 1 })
    test.mock.timers.tick(400)
    assert.deepEqual(forgotten, ['a'])
    test.mock.timers.tick(600)
    assert.deepEqual(forgotten, ['a', 'b'])
    ended.add({ id: 'c', bytes: 1 })
    test.mock.timers.tick(1_000)
    assert.deepEqual(forgotten, ['a', 'b', 'c'])
  })
})
