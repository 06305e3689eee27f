import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createThreadGovernor, type ProcessorTimes } from './thread-governor.ts'

/** A machine whose time passes when it is told to. */
function createMachine(cores: number, most: number) {
  const times: ProcessorTimes = { nowMs: 0, cores, everyoneMs: 0, oursMs: 0 }
  const applied: number[] = []
  const governor = createThreadGovernor({ most, apply: (threads) => applied.push(threads), read: () => ({ ...times }) })
  return {
    governor,
    applied,
    /** `ours` and `others`: cores in use. */
    pass(ms: number, ours: number, others: number): void {
      times.nowMs += ms
      times.oursMs += ours * ms
      times.everyoneMs += (ours + others) * ms
      governor.pace()
    },
  }
}

test('alone: all threads', () => {
  const { pass, applied } = createMachine(2, 2)
  pass(300, 2, 0.1)
  assert.deepEqual(applied, [2, 2])
})

test('what others use is left to them, and taken back when they are gone; one thread is always there', () => {
  const { pass, applied } = createMachine(4, 4)
  pass(300, 3, 1)
  pass(300, 0, 6)
  pass(300, 1, 0)
  assert.deepEqual(applied, [4, 3, 1, 4])
})

test('nothing is concluded from a short moment, or where the system tells nothing', () => {
  const { pass, applied } = createMachine(2, 2)
  pass(50, 0, 2)
  assert.deepEqual(applied, [2])
  const silent = createMachine(0, 2)
  silent.pass(300, 0, 0)
  assert.deepEqual(silent.applied, [2])
})

test('never more than allowed, however many cores are free', () => {
  const { pass, applied } = createMachine(64, 2)
  pass(300, 2, 0)
  assert.deepEqual(applied, [2, 2])
})

test('what has to see all threads sees them, whatever happens meanwhile', async () => {
  const { governor, pass, applied } = createMachine(2, 2)
  pass(300, 1, 1)
  const result = await governor.withAll(async () => {
    pass(300, 1, 1)
    return 'made'
  })
  assert.equal(result, 'made')
  assert.deepEqual(applied, [2, 1, 2, 1])
})
