import assert from 'node:assert/strict'
import { type CapabilityName, capabilityNames } from '../../capability.ts'
import { assertRejects, missingModel, type Proof } from '../proof.ts'

export const infoProofs = {
  'info.identity': async ({ backend }) => {
    const info = await backend.getInfo()
    assert.ok(info.name, 'It has no name.')
    assert.ok(info.version, 'It has no version.')
    assert.match(info.interfaceVersion, /^1\.\d+$/)
  },

  'info.capabilities': async ({ backend }) => {
    const { capabilities } = await backend.getInfo()
    for (const name of capabilityNames) {
      const support = capabilities[name]
      assert.ok(support === undefined || ['yes', 'no', 'unknown'].includes(support), `${name} is ${support}.`)
    }
    assert.ok(capabilities.chat === 'yes' || capabilities.chat === 'unknown', `chat is ${capabilities.chat}.`)
    const { parallel } = capabilities
    assert.ok(parallel === undefined || (Number.isInteger(parallel) && parallel >= 1), `parallel is ${parallel}.`)
  },

  'info.methods': async ({ backend }) => {
    const { capabilities } = await backend.getInfo()
    for (const [capability, method] of optionalMethods) {
      const there = typeof backend[method] === 'function'
      assert.ok(capabilities[capability] !== 'yes' || there, `${capability} is yes, but ${method} is missing.`)
    }
  },

  'models.listed': async ({ backend, model }) => {
    const ids = (await backend.listModels()).map(({ id }) => id)
    assert.ok(ids.includes(model), `${model} is not listed, only: ${ids.join(', ')}.`)
    assert.deepEqual(ids, [...new Set(ids)], 'An id is listed twice.')
  },

  'models.shown': async ({ backend, model }) => {
    if (!backend.showModel) return
    const shown = await backend.showModel(model)
    assert.equal(shown.id, model)
    await assertRejects(async () => backend.showModel?.(missingModel), ['model-not-found'])
  },
} satisfies Record<string, Proof>

const optionalMethods: [
  CapabilityName,
  'embed' | 'countTokens' | 'loadModel' | 'unloadModel' | 'pullModel' | 'removeModel',
][] = [
  ['embed', 'embed'],
  ['count-tokens', 'countTokens'],
  ['load', 'loadModel'],
  ['unload', 'unloadModel'],
  ['pull', 'pullModel'],
  ['remove', 'removeModel'],
]
