import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNear, nearestNames } from './nearest.ts'

test('the nearest names come first, by single letters and swapped neighbours', () => {
  assert.deepEqual(nearestNames('stalMs', ['loadMs', 'stallMs', 'connectMs'], 2), ['stallMs', 'loadMs'])
  assert.deepEqual(nearestNames('ollmaa', ['llamafile', 'ollama'], 1), ['ollama'])
})

test('a name that begins with what was typed, or holds it, beats one that is spelled alike', () => {
  const known = ['llava', 'qwen2.5:0.5b', 'tinyllama', 'llama3.2:1b']
  assert.deepEqual(nearestNames('llama', known, 3), ['llama3.2:1b', 'llava', 'tinyllama'])
  assert.deepEqual(nearestNames('LLAMA3', known, 1), ['llama3.2:1b'])
})

test('names are listed once, and none is made up', () => {
  assert.deepEqual(nearestNames('a', ['a', 'a'], 5), ['a'])
  assert.deepEqual(nearestNames('anything', [], 3), [])
  assert.deepEqual(nearestNames('', ['model', 'x'], 1), ['x'])
})

test('very long names cost no time and still compare', () => {
  assert.deepEqual(nearestNames('x'.repeat(1e6), ['y'.repeat(1e6), 'x'.repeat(1e6)], 1), ['x'.repeat(1e6)])
})

test('only what is close is worth a "Did you mean"', () => {
  assert.equal(isNear('smolm2-135m', 'smollm2-135m'), true)
  assert.equal(isNear('smol', 'smollm2-135m'), true)
  assert.equal(isNear('gpt-5', 'smollm2-135m'), false)
})
