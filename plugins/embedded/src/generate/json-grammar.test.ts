import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LlamaModel } from 'node-llama-cpp'
import { modelPath } from '../fixtures/real-model.ts'
import { openRuntime, type Runtime } from '../runtime/open-runtime.ts'
import { createJsonGrammar } from './json-grammar.ts'

let runtime: Runtime
let model: LlamaModel
before(async () => {
  runtime = await openRuntime({ threads: 1, log: () => {} })
  model = await runtime.llama.loadModel({ modelPath, vocabOnly: true })
})
after(() => model.dispose())

test('a schema becomes a state for the sampler, and a warning for each keyword without effect', async () => {
  const { state, warnings } = await createJsonGrammar(
    { runtime, model },
    { type: 'array', items: { type: 'integer', multipleOf: 3 }, uniqueItems: true },
  )
  assert.ok(state instanceof runtime.library.LlamaGrammarEvaluationState)
  assert.deepEqual(
    warnings.map(({ code, setting }) => [code, setting]),
    [
      ['unsupported-setting', 'schema.uniqueItems'],
      ['unsupported-setting', 'schema.multipleOf'],
    ],
  )
})

test('a schema of which none can be made is bad-input, with the place and the reason', async () => {
  await assert.rejects(createJsonGrammar({ runtime, model }, { type: 'object', properties: { a: { type: 'text' } } }), {
    code: 'bad-input',
    message: 'No grammar can be made of this JSON schema: "text" is no type (at #/a/type).',
    details: { setting: 'schema', path: '#/a/type' },
  })
})

test('a schema that is too much for llama.cpp, or for this program, is bad-input', async () => {
  const nested = { const: JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) }
  const counted = { type: 'string', pattern: '^((((ab){1,99}c){1,99}d){1,99}e){1,99}$' }
  for (const schema of [nested, counted]) {
    const made = await createJsonGrammar({ runtime, model }, schema).catch((error: unknown) => error)
    if (made instanceof Error) assert.equal((made as { code?: string }).code, 'bad-input')
  }
})
