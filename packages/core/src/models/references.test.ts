import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError, type LmappError } from 'lmapp-kit'
import { type ListedBackend, parseReference, resolveReference } from './references.ts'

const backends: ListedBackend[] = [
  { id: 'embedded', models: ['smollm2-135m', 'qwen3-0.6b'] },
  { id: 'ollama', models: ['tiny:latest', 'qwen3:4b', 'hf.co/someone/model:Q4_K_M'], ollamaLike: true },
  { id: 'box2', models: ['tiny', 'org/tiny-chat'] },
  { id: 'down', models: [] },
]

const resolve = (reference: string, aliases: Record<string, string[]> = {}) =>
  resolveReference(reference, { aliases, backends })

function failure(run: () => unknown): LmappError {
  try {
    run()
  } catch (error) {
    if (isLmappError(error)) return error
    throw error
  }
  assert.fail('it did not throw')
}

test('the text before the first slash names a backend only if one has that id', () => {
  const options = { aliases: {}, backendIds: ['box2'] }
  assert.deepEqual(parseReference('box2/org/tiny-chat', options), [{ backend: 'box2', model: 'org/tiny-chat' }])
  assert.deepEqual(parseReference('org/tiny-chat', options), [{ backend: undefined, model: 'org/tiny-chat' }])
  assert.deepEqual(resolve('box2/org/tiny-chat').candidates, [{ backend: 'box2', model: 'org/tiny-chat' }])
  assert.deepEqual(resolve('org/tiny-chat').candidates, [{ backend: 'box2', model: 'org/tiny-chat' }])
})

test('a bare name that several backends have gives several candidates, in their order', () => {
  assert.deepEqual(resolve('tiny'), {
    candidates: [
      { backend: 'ollama', model: 'tiny:latest' },
      { backend: 'box2', model: 'tiny' },
    ],
  })
})

test('with Ollama a name without a tag means :latest, also after the id', () => {
  assert.deepEqual(resolve('ollama/tiny').candidates, [{ backend: 'ollama', model: 'tiny:latest' }])
  assert.deepEqual(resolve('tiny:latest').candidates, [{ backend: 'ollama', model: 'tiny:latest' }])
  const silent = [{ id: 'ollama', models: [], ollamaLike: true }]
  const unlisted = resolveReference('ollama/host:80/tiny', { aliases: {}, backends: silent })
  assert.deepEqual(unlisted.candidates, [{ backend: 'ollama', model: 'host:80/tiny:latest' }])
})

test('one unambiguous prefix is completed, with a notice', () => {
  assert.deepEqual(resolve('smol'), {
    candidates: [{ backend: 'embedded', model: 'smollm2-135m' }],
    notice: '"smol" is taken as "smollm2-135m".',
  })
  assert.equal(resolve('hf.co/someone').notice, '"hf.co/someone" is taken as "hf.co/someone/model:Q4_K_M".')
})

test('a prefix of one name that several backends have is no ambiguity', () => {
  const both = [
    { id: 'ollama', models: ['tiny:latest'], ollamaLike: true },
    { id: 'box2', models: ['tiny'] },
  ]
  assert.equal(resolveReference('tin', { aliases: {}, backends: both }).candidates.length, 2)
})

test('a prefix of several names is refused, and lists them', () => {
  const error = failure(() => resolve('qwen3'))
  assert.equal(error.code, 'model-ambiguous')
  assert.deepEqual(error.details?.known, ['qwen3-0.6b', 'qwen3:4b'])
  const many = [{ id: 'gateway', models: Array.from({ length: 20 }, (_, index) => `gpt-${index}`) }]
  assert.match(failure(() => resolveReference('gpt', { aliases: {}, backends: many })).message, /and 12 more/)
})

test('a model that is not there names the nearest, and is never guessed by its spelling', () => {
  const error = failure(() => resolve('smolm2-135m'))
  assert.equal(error.code, 'model-not-found')
  assert.match(error.hint, /"smollm2-135m"/)
  assert.equal((error.details?.known as string[])[0], 'smollm2-135m')
  const far = failure(() => resolve('gpt-5-ultra'))
  assert.match(far.hint, /lmapp models pull/)
})

test('a model that is not on the named backend names the nearest there, with the id', () => {
  const error = failure(() => resolve('ollama/tyny'))
  assert.equal(error.code, 'model-not-found')
  assert.equal((error.details?.known as string[])[0], 'ollama/tiny')
})

test('a backend that lists nothing now is believed to have what is asked of it by name', () => {
  assert.deepEqual(resolve('down/anything').candidates, [{ backend: 'down', model: 'anything' }])
  const nothing = failure(() => resolveReference('anything', { aliases: {}, backends: [] }))
  assert.equal(nothing.code, 'model-not-found')
})

test('the id of a backend alone means its only model', () => {
  const one = [
    { id: 'box4', models: ['mistral'] },
    { id: 'box5', models: [] },
  ]
  const options = { aliases: {}, backends: one }
  assert.deepEqual(resolveReference('box4', options).candidates, [{ backend: 'box4', model: 'mistral' }])
  assert.deepEqual(resolveReference('box5', options).candidates, [{ backend: 'box5', model: 'box5' }])
  assert.equal(failure(() => resolve('box2')).code, 'model-ambiguous')
})

test('an alias names its candidates in order, through other aliases, each once', () => {
  const aliases = { best: ['box2/tiny', 'small', 'box2/tiny'], small: ['smollm2-135m'] }
  assert.deepEqual(resolve('best', aliases).candidates, [
    { backend: 'box2', model: 'tiny' },
    { backend: 'embedded', model: 'smollm2-135m' },
  ])
  assert.deepEqual(resolve('both', { both: ['tiny', 'box2/tiny'] }).candidates.length, 2)
})

test('a candidate of an alias that is not there is passed over, as long as another is', () => {
  assert.deepEqual(resolve('best', { best: ['gone', 'box2/tiny'] }).candidates, [{ backend: 'box2', model: 'tiny' }])
  assert.equal(failure(() => resolve('best', { best: ['gone', 'box2/gone'] })).code, 'model-not-found')
})

test('aliases that lead back to themselves are refused, and the way is shown', () => {
  const error = failure(() => resolve('a', { a: ['b'], b: ['box2/tiny', 'a'] }))
  assert.equal(error.code, 'config-invalid')
  assert.deepEqual(error.details?.aliases, ['a', 'b', 'a'])
})

test('names of object members are names like any other', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal(failure(() => resolve(name)).code, 'model-not-found')
  }
})

test('an empty reference is refused; a backend without a model is no backend', () => {
  assert.equal(failure(() => resolve('  ')).code, 'bad-input')
  assert.equal(failure(() => resolve('box2/')).code, 'model-not-found')
})
