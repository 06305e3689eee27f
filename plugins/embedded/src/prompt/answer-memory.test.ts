import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Token } from 'node-llama-cpp'
import { createAnswerMemory } from './answer-memory.ts'

const tokens = (...numbers: number[]) => numbers as Token[]

test('an answer is found by its text, and by any beginning that ends with a token', () => {
  const memory = createAnswerMemory()
  memory.keep({ text: 'one two', tokens: tokens(1, 2, 3), ends: [1, 3, 7] })
  assert.deepEqual(memory.find('one two'), [1, 2, 3])
  assert.deepEqual(memory.find('one'), [1, 2])
  assert.equal(memory.find('on'), undefined)
  assert.equal(memory.find('two'), undefined)
})

test('the newest one counts, and only the last ones are kept', () => {
  const memory = createAnswerMemory(2)
  memory.keep({ text: 'a', tokens: tokens(1), ends: [1] })
  memory.keep({ text: 'b', tokens: tokens(2), ends: [1] })
  memory.keep({ text: 'b', tokens: tokens(3), ends: [1] })
  memory.keep({ text: '', tokens: tokens(), ends: [] })
  assert.deepEqual(memory.find('b'), [3])
  assert.equal(memory.find('a'), undefined)
})
