import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config.ts'

test('an empty configuration, and none, give the defaults', () => {
  const defaults = { models: {}, idleUnloadMs: 300_000, parallel: 2 }
  assert.deepEqual(parseConfig({}), defaults)
  assert.deepEqual(parseConfig(undefined), defaults)
})

test('what is given is kept, what is unknown is ignored', () => {
  const given = {
    modelsDir: '/models',
    models: { small: 'small.gguf', 'hf.co/a/b:Q4_K_M': '/blobs/sha256-1' },
    modelsFile: '/state/models.json',
    runtimeDir: '/runtime',
    threads: 2,
    idleUnloadMs: 0,
    parallel: 1,
    contextLength: 512,
  }
  assert.deepEqual(parseConfig({ ...given, later: true }), given)
})

for (const [name, value] of [
  ['modelsDir', 7],
  ['runtimeDir', ''],
  ['modelsFile', ''],
  ['threads', 0],
  ['parallel', 1.5],
  ['idleUnloadMs', -1],
  ['contextLength', 'large'],
  ['models', ['small.gguf']],
] as const) {
  test(`a wrong ${name} is config-invalid and named`, () => {
    assert.throws(() => parseConfig({ [name]: value }), { code: 'config-invalid', details: { setting: name } })
  })
}

test('a model without a path is config-invalid', () => {
  assert.throws(() => parseConfig({ models: { small: 1 } }), { details: { setting: 'models.small' } })
})
