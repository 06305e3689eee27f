import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError, type LmappError } from 'lmapp-kit'
import { createDefaultConfigText, getConfigValue, parseConfig, setConfigValue, unsetConfigValue } from './index.ts'

function failure(run: () => unknown): LmappError {
  try {
    run()
  } catch (error) {
    if (isLmappError(error)) return error
    throw error
  }
  assert.fail('it did not throw')
}

const commented = `// mine
{
  "model": "best", // the good one

  /* names */
  "aliases": {
    "best": "box1/tiny", // quick
    "other": ["a", "b"]  // slow
  },
  "failover": { "retries": 2 }
}
`

test('a value is replaced in its place; comments and order stay', () => {
  assert.equal(setConfigValue(commented, 'model', 'tiny'), commented.replace('"best", // the', '"tiny", // the'))
  assert.equal(setConfigValue(commented, 'failover.retries', '5'), commented.replace('"retries": 2', '"retries": 5'))
  assert.equal(setConfigValue(commented, 'aliases.other', '["x","y"]'), commented.replace('["a", "b"]', '["x", "y"]'))
})

test('a new key comes last, behind the comment of the one before', () => {
  assert.equal(
    setConfigValue(commented, 'aliases.new', 'c'),
    commented.replace('["a", "b"]  // slow', '["a", "b"],  // slow\n    "new": "c"'),
  )
  assert.equal(
    setConfigValue(commented, 'failover.enabled', 'false'),
    commented.replace('{ "retries": 2 }', '{ "retries": 2, "enabled": false }'),
  )
  const trailing = '{\n\t"model": "a", /* one */ // two\n\t// about nothing\n}\n'
  assert.equal(
    setConfigValue(trailing, 'serve.allowPull', true),
    '{\n\t"model": "a", /* one */ // two\n\t"serve": {\n\t\t"allowPull": true\n\t},\n\t// about nothing\n}\n',
  )
})

test('objects on the way are made', () => {
  assert.equal(
    setConfigValue('{}\n', 'backends.box1', '{"type":"ollama","args":[],"models":{}}'),
    '{\n  "backends": {\n    "box1": {\n      "type": "ollama",\n      "args": [],\n      "models": {}\n    }\n  }\n}\n',
  )
  const one = setConfigValue('', 'backends.box1.type', 'ollama')
  assert.equal(one, '{\n  "backends": {\n    "box1": {\n      "type": "ollama"\n    }\n  }\n}\n')
  assert.equal(
    setConfigValue(one, 'backends.box1.url', 'http://h:1'),
    one.replace('"ollama"', '"ollama",\n      "url": "http://h:1"'),
  )
  assert.equal(setConfigValue('{ // later\n}', 'model', 'm'), '{ // later\n  "model": "m"\n}')
  assert.equal(setConfigValue('// only a comment', 'model', 'm'), '// only a comment\n{\n  "model": "m"\n}\n')
})

test('line ends, indentation and byte order mark of the file are kept', () => {
  const windows = '\uFEFF{\r\n    "model": "a"\r\n}\r\n'
  assert.equal(
    setConfigValue(windows, 'failover.retries', 3),
    '\uFEFF{\r\n    "model": "a",\r\n    "failover": {\r\n        "retries": 3\r\n    }\r\n}\r\n',
  )
  assert.equal(unsetConfigValue(windows, 'model'), '\uFEFF{\r\n}\r\n')
})

test('the commented starter can be filled in', () => {
  const filled = setConfigValue(createDefaultConfigText(), 'model', 'smollm2-135m')
  const { config, problems } = parseConfig(filled, '')
  assert.deepEqual([config.model, problems], ['smollm2-135m', []])
  for (const line of createDefaultConfigText()
    .split('\n')
    .filter((text) => text.includes('//'))) {
    assert.ok(filled.includes(line), line)
  }
})

test('a text is read as what the key holds', () => {
  const read = (key: string, value: unknown) => getConfigValue(setConfigValue('{}', key, value), key)
  assert.equal(read('model', '5'), '5')
  assert.equal(read('model', '"quoted"'), 'quoted')
  assert.equal(read('model', 'true'), 'true')
  assert.equal(read('failover.enabled', 'false'), false)
  assert.equal(read('timeouts.stallMs', '5000'), 5000)
  assert.equal(read('service.keepAlive', '10m'), '10m')
  assert.equal(read('service.keepAlive', '1000'), 1000)
  assert.deepEqual(read('aliases.best', '["a", "b"]'), ['a', 'b'])
  assert.equal(read('aliases.best', 'a,b'), 'a,b')
  assert.deepEqual(read('personas.p', '{ "system": "x" }'), { system: 'x' })
  assert.equal(read('personas.p', 'words'), 'words')
  assert.equal(read('personas.p.system.deep', 'x'), 'x')
})

test('names may hold dots where nothing can be below them', () => {
  const text = setConfigValue('{}', 'aliases.qwen2.5', 'ollama/qwen2.5:7b')
  assert.deepEqual(JSON.parse(text), { aliases: { 'qwen2.5': 'ollama/qwen2.5:7b' } })
  assert.equal(getConfigValue(text, 'aliases.qwen2.5'), 'ollama/qwen2.5:7b')
  assert.deepEqual(JSON.parse(unsetConfigValue(text, 'aliases.qwen2.5')), { aliases: {} })
  const models = setConfigValue('{"backends":{"b":{"type":"x"}}}', 'backends.b.models.v1.0', '/m.gguf')
  assert.deepEqual(JSON.parse(models).backends.b.models, { 'v1.0': '/m.gguf' })
})

test('an unknown key is refused, and the nearest is named', () => {
  const error = failure(() => setConfigValue('{}', 'timeouts.stallMS2', '1'))
  assert.equal(error.code, 'bad-input')
  assert.equal(error.details?.nearest, 'timeouts.stallMs')
  assert.match(error.hint, /"timeouts\.stallMs"/)
  assert.equal(failure(() => setConfigValue('{}', 'backends.b.urll', 'x')).details?.nearest, 'backends.b.url')
  assert.equal(failure(() => getConfigValue('{}', 'modle')).details?.nearest, 'model')
  assert.equal(failure(() => unsetConfigValue('{}', 'modle')).code, 'bad-input')
  for (const key of ['', '.', 'model.', 'model.x', 'backends.Box.type', 'constructor', '__proto__.x', 'aliases']) {
    assert.equal(failure(() => setConfigValue('{}', key, 'x')).code, 'bad-input', key)
  }
})

test('a value that does not fit is refused, and what is expected is said', () => {
  const error = failure(() => setConfigValue('{}', 'failover.retries', 'many'))
  assert.equal(error.code, 'bad-input')
  assert.match(error.hint, /whole number from 0 to 10/)
  for (const [key, value] of [
    ['failover.enabled', 'yes'],
    ['backends.b', '{"type":"ollama","urll":"x"}'],
    ['backends.b', '{"url":"http://x"}'],
    ['backends', '[]'],
    ['model', undefined],
    ['model', 5],
    ['aliases.a', '[]'],
  ] as const) {
    const refused = failure(() => setConfigValue('{}', key, value))
    assert.equal(refused.code, 'bad-input', `${key} ${value}`)
  }
})

test('an edit that would leave an engine without its type is refused, and names what to set first', () => {
  const error = failure(() => setConfigValue('{}', 'backends.box1.url', 'http://h:1'))
  assert.equal(error.code, 'bad-input')
  assert.equal(error.hint, 'Set it first: lmapp config set backends.box1.type VALUE')
  const whole = '{ "backends": { "box1": { "type": "ollama" } } }'
  assert.equal(failure(() => unsetConfigValue(whole, 'backends.box1.type')).code, 'bad-input')
  assert.deepEqual(JSON.parse(unsetConfigValue(whole, 'backends.box1')), { backends: {} })
})

test('a file with a wrong value can be mended by an edit; one that is no JSON cannot', () => {
  const wrong = '{ "model": 5, "failover": 1, "modle": 2 }'
  assert.equal(getConfigValue(setConfigValue(wrong, 'model', 'm'), 'model'), 'm')
  assert.deepEqual(JSON.parse(setConfigValue(wrong, 'failover.retries', '1')).failover, { retries: 1 })
  const error = failure(() => setConfigValue('{\n "model": \n}', 'model', 'm'))
  assert.deepEqual([error.code, error.details?.line], ['config-invalid', 3])
  assert.equal(failure(() => setConfigValue('[]', 'model', 'm')).code, 'config-invalid')
  assert.equal(failure(() => unsetConfigValue('{', 'model')).code, 'config-invalid')
})

test('a key is removed with the comment in its line, and nothing else', () => {
  assert.equal(unsetConfigValue(commented, 'model'), commented.replace('\n  "model": "best", // the good one', ''))
  assert.equal(
    unsetConfigValue(commented, 'aliases.other'),
    commented.replace(', // quick\n    "other": ["a", "b"]  // slow', ' // quick'),
  )
  assert.equal(unsetConfigValue(commented, 'failover.retries'), commented.replace('{ "retries": 2 }', '{ }'))
  assert.equal(unsetConfigValue('{ "model": "a", "failover": {} }', 'model'), '{ "failover": {} }')
  assert.equal(unsetConfigValue('{ "failover": {}, "model": "a" }', 'model'), '{ "failover": {} }')
  assert.equal(unsetConfigValue('{"model":"a"}', 'model'), '{}')
})

test('a key that lmapp does not know can be removed; one that is not there changes nothing', () => {
  assert.deepEqual(JSON.parse(unsetConfigValue('{ "modle": 1, "model": "m" }', 'modle')), { model: 'm' })
  assert.equal(unsetConfigValue(commented, 'serve.allowPull'), commented)
  assert.equal(unsetConfigValue('', 'model'), '')
})

test('what the file leaves out is answered with its default', () => {
  assert.equal(getConfigValue('', 'timeouts.stallMs'), 60_000)
  assert.equal(getConfigValue('{}', 'model'), undefined)
  assert.equal(getConfigValue('{}', 'backends.none.url'), undefined)
  assert.equal(getConfigValue('{"backends":{"b":{"type":"x"}}}', 'backends.b.enabled'), true)
  const all = getConfigValue('{ "model": "m" }') as Record<string, unknown>
  assert.deepEqual(all.service, { keepAlive: '5m' })
  assert.equal(all.model, 'm')
})
