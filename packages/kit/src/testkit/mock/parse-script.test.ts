import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isLmappError } from '../../errors/lmapp-error.ts'
import { defaultMockModels } from './default-models.ts'
import { createMockBackend } from './mock-backend.ts'
import { parseMockBehaviour, parseMockModels } from './parse-script.ts'

it('reads every default model', () => {
  assert.equal(parseMockModels(defaultMockModels).size, Object.keys(defaultMockModels).length)
})

const wrong: [script: unknown, path: string][] = [
  [{ repyl: 'Hi.' }, 'models.m.repyl'],
  [{ constructor: 1 }, 'models.m.constructor'],
  [{ load: { steps: 1, stepMs: 1, slow: true } }, 'models.m.load.slow'],
  [{ reply: 7 }, 'models.m.reply'],
  [{ repeatTokens: 0 }, 'models.m.repeatTokens'],
  [{ paceMs: -1 }, 'models.m.paceMs'],
  [{ tokensPerSecond: 0 }, 'models.m.tokensPerSecond'],
  [{ paceMs: 1, tokensPerSecond: 1 }, 'models.m.tokensPerSecond'],
  [{ load: { steps: 1 } }, 'models.m.load.stepMs'],
  [{ load: 3 }, 'models.m.load'],
  [{ fault: { kind: 'sulk' } }, 'models.m.fault.kind'],
  [{ fault: { kind: 'drop', code: 'no-such-code' } }, 'models.m.fault.code'],
  [{ fault: { kind: 'drop', afterTokens: 1.5 } }, 'models.m.fault.afterTokens'],
  [{ toolCall: { name: 'x', arguments: [] } }, 'models.m.toolCall.arguments'],
  [{ seesImages: 'yes' }, 'models.m.seesImages'],
  ['echo', 'models.m'],
]

for (const [script, path] of wrong) {
  it(`refuses ${JSON.stringify(script)}, and names ${path}`, () => {
    assert.throws(
      () => createMockBackend({ models: { m: script } }),
      (error) => isLmappError(error, 'config-invalid') && error.details?.path === path,
    )
  })
}

it('names the keys that it knows', () => {
  assert.throws(
    () => parseMockModels({ m: { repyl: '' } }),
    (error) => isLmappError(error) && error.hint.includes('reply'),
  )
})

it('refuses models and behaviour that are no objects', () => {
  assert.throws(() => parseMockModels([]), { code: 'config-invalid' })
  assert.throws(() => parseMockBehaviour(null), { code: 'config-invalid' })
  assert.throws(() => parseMockBehaviour({ startMs: 'soon' }), { code: 'config-invalid' })
})
