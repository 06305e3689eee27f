import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigProblem } from './config.ts'
import { createDefaultConfigText, defaultConfig, parseConfig } from './index.ts'

const parse = (text: string) => parseConfig(text, '/etc/lmapp/config.json')

/** The only problem there is. */
function problemOf(text: string): ConfigProblem {
  const { problems } = parse(text)
  assert.equal(problems.length, 1, JSON.stringify(problems))
  return problems[0] as ConfigProblem
}

const example = `{
  "model": "best",                                      // default model reference
  "aliases": { "best": ["box1/tiny", "box2/tiny"], "one": "box1/tiny" },
  "backends": {                                         /* besides those found */
    "box1": { "type": "ollama", "url": "http://127.0.0.1:11434" },
    "box2": { "type": "openai-compatible", "url": "http://10.0.0.5:8000/v1", "apiKeyEnv": "BOX2_KEY" },
    "box3": { "type": "llama-server", "command": "/opt/llama-server", "args": ["-t", ""], "models": { "small": "/s.gguf" } },
    "old":  { "type": "ollama", "enabled": false },
    "mine": { "type": "my-plugin", "config": { "deep": { "er": [1, null] } } },
  },
  "failover": { "enabled": false, "retries": 0 },
  "timeouts": { "stallMs": 1000 },
  "service": { "keepAlive": "1h30m" },
  "serve": { "allowPull": true },
  "personas": { "pirate": { "system": "Arr" } },
}`

test('a file with comments and trailing commas is read, and what it leaves out has its default', () => {
  const { config, problems } = parse(example)
  assert.deepEqual(problems, [])
  assert.equal(config.model, 'best')
  assert.deepEqual({ ...config.aliases }, { best: ['box1/tiny', 'box2/tiny'], one: ['box1/tiny'] })
  assert.deepEqual(config.backends.box1, { type: 'ollama', url: 'http://127.0.0.1:11434', enabled: true })
  assert.equal(config.backends.box2?.apiKeyEnv, 'BOX2_KEY')
  assert.deepEqual(config.backends.box3?.args, ['-t', ''])
  assert.equal(config.backends.box3?.models?.small, '/s.gguf')
  assert.equal(config.backends.old?.enabled, false)
  assert.deepEqual({ ...config.backends.mine?.config }, { deep: { er: [1, null] } })
  assert.deepEqual(config.failover, { enabled: false, retries: 0 })
  assert.deepEqual(config.timeouts, { connectMs: 3000, stallMs: 1000, loadMs: 600_000 })
  assert.equal(config.service.keepAliveMs, 5_400_000)
  assert.equal(config.serve.allowPull, true)
  assert.deepEqual(config.personas.pirate, { system: 'Arr' })
})

test('an empty file, one of comments only, and the commented starter all mean the defaults', () => {
  for (const text of ['', ' \n', '// nothing yet', '\uFEFF{}', createDefaultConfigText()]) {
    assert.deepEqual(parse(text), { config: defaultConfig(), problems: [] })
  }
  assert.deepEqual(defaultConfig().service, { keepAliveMs: 300_000 })
  assert.match(createDefaultConfigText('/x/y.json'), /"\$schema": "\/x\/y.json"/)
})

test('an unknown key is one warning with its place and the nearest known key', () => {
  assert.deepEqual(problemOf('{\n  "modle": "x"\n}'), {
    kind: 'unknown-key',
    file: '/etc/lmapp/config.json',
    path: 'modle',
    message: '"modle" is no key that lmapp knows; did you mean "model"?',
    line: 2,
    column: 3,
    nearest: 'model',
  })
  const inside = problemOf('{ "timeouts": { "stall": 1 } }')
  assert.deepEqual([inside.path, inside.nearest], ['timeouts.stall', 'stallMs'])
  assert.match(problemOf('{ "telemetry_of_things": 1 }').message, /known here: model, aliases/)
})

test('a wrong value is an error that says what is expected, at its line and column', () => {
  const cases: [text: string, path: string, expected: RegExp][] = [
    ['{ "model": 5 }', 'model', /a text/],
    ['{ "model": "" }', 'model', /a text/],
    ['{ "model": null }', 'model', /a text/],
    ['{ "aliases": ["a"] }', 'aliases', /an object/],
    ['{ "aliases": { "a": [] } }', 'aliases.a', /a text or a list of texts/],
    ['{ "backends": [] }', 'backends', /an object/],
    ['{ "backends": { "b": [] } }', 'backends.b', /an object/],
    ['{ "backends": { "Box 1": { "type": "ollama" } } }', 'backends.Box 1', /lower-case/],
    ['{ "backends": { "b": {} } }', 'backends.b.type', /missing/],
    ['{ "backends": { "b": { "type": "ollama", "url": "ftp://x" } } }', 'backends.b.url', /a URL/],
    ['{ "backends": { "b": { "type": "ollama", "url": "http://" } } }', 'backends.b.url', /a URL/],
    ['{ "backends": { "b": { "type": "x", "args": [1] } } }', 'backends.b.args', /a list of texts/],
    ['{ "backends": { "b": { "type": "x", "apiKeyEnv": "sk-123" } } }', 'backends.b.apiKeyEnv', /not the key itself/],
    ['{ "backends": { "b": { "type": "x", "models": { "m": 1 } } } }', 'backends.b.models.m', /a text/],
    ['{ "failover": { "enabled": "yes" } }', 'failover.enabled', /true or false/],
    ['{ "failover": { "retries": 1.5 } }', 'failover.retries', /whole number from 0 to 10/],
    ['{ "timeouts": { "loadMs": -1 } }', 'timeouts.loadMs', /whole number from 1/],
    ['{ "timeouts": { "loadMs": 1e12 } }', 'timeouts.loadMs', /whole number from 1/],
    ['{ "service": { "keepAlive": "soon" } }', 'service.keepAlive', /a duration such as "5m"/],
    ['[]', '', /The configuration must be an object/],
    ['"text"', '', /must be an object/],
  ]
  for (const [text, path, expected] of cases) {
    const problem = problemOf(text)
    assert.deepEqual([problem.kind, problem.path], ['wrong-value', path], text)
    assert.match(problem.message, expected)
  }
  const { line, column } = problemOf('{\r\n  "timeouts": {\r\n    "loadMs": "long"\r\n  }\r\n}')
  assert.deepEqual([line, column], [3, 15])
})

test('what is wrong has its default, and the rest of the file holds', () => {
  const { config } = parse(
    '{ "model": 5, "timeouts": { "loadMs": "x", "stallMs": 7 }, "backends": { "b": { "type": 1 } } }',
  )
  assert.equal(config.model, undefined)
  assert.deepEqual(config.timeouts, { connectMs: 3000, stallMs: 7, loadMs: 600_000 })
})

test('durations are texts with units, or milliseconds', () => {
  const keepAlive = (value: string) => parse(`{ "service": { "keepAlive": ${value} } }`).config.service.keepAliveMs
  assert.equal(keepAlive('"90s"'), 90_000)
  assert.equal(keepAlive('"1.5h"'), 5_400_000)
  assert.equal(keepAlive('"250ms"'), 250)
  assert.equal(keepAlive('1234'), 1234)
  assert.equal(keepAlive('0'), 0)
  for (const wrong of ['"5"', '"-5m"', '"5 m"', '"1h30"', '-1', 'true', '"30d"', '"999h"', `"${'1'.repeat(100)}s"`]) {
    assert.equal(problemOf(`{ "service": { "keepAlive": ${wrong} } }`).kind, 'wrong-value', wrong)
  }
})

test('broken JSON is an error at its place, and what could be read still holds', () => {
  const { config, problems } = parse('{\n  "model": "best"\n  "failover": { "retries": 3 }\n}')
  assert.deepEqual([problems[0]?.kind, problems[0]?.line, problems[0]?.column], ['syntax', 3, 3])
  assert.match(problems[0]?.message ?? '', /comma/)
  assert.equal(config.model, 'best')
  assert.match(parse('{ "model": best }').problems[0]?.message ?? '', /double quotes/)
  assert.match(problemOf('{ "model": "best" ').message, /closing brace/)
  assert.match(parse('{ "model": "best" } 1').problems[0]?.message ?? '', /end here/)
  assert.match(parse('{ "model": }').problems[0]?.message ?? '', /value is expected/)
  assert.ok(parse('{'.repeat(30).concat('?'.repeat(30))).problems.length <= 10)
})

test('a key that stands twice is an error: programs differ in which one holds', () => {
  const problem = problemOf('{\n  "model": "a",\n  "model": "b"\n}')
  assert.deepEqual([problem.kind, problem.path, problem.line], ['syntax', 'model', 3])
})

test('keys named like members of objects are keys like any other', () => {
  const { config, problems } = parse(
    '{ "__proto__": { "model": "x" }, "aliases": { "__proto__": ["a"], "constructor": "b" }, "toString": 1 }',
  )
  assert.deepEqual(
    problems.map(({ kind, path }) => [kind, path]),
    [
      ['unknown-key', '__proto__'],
      ['unknown-key', 'toString'],
    ],
  )
  assert.equal(config.model, undefined)
  assert.deepEqual(Object.entries(config.aliases), [
    ['__proto__', ['a']],
    ['constructor', ['b']],
  ])
  assert.equal(defaultConfig().aliases.constructor, undefined)
  const nested = parse('{ "backends": { "b": { "type": "x", "config": { "__proto__": { "polluted": true } } } } }')
  assert.equal(nested.problems.length, 0)
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})

test('a file that is huge or deep is refused, not read', () => {
  assert.match(problemOf(`{ "model": "${'x'.repeat(1_000_001)}" }`).message, /larger than 1000 kB/)
  const deep = problemOf(`{ "personas": { "p": ${'['.repeat(90_000)}`)
  assert.deepEqual([deep.kind, deep.message], ['syntax', 'Nested deeper than 64 levels.'])
})
