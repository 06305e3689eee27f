import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { startTestService } from '../testing/test-app.ts'
import type { ErrorBody } from './errors.ts'
import { messagesBody } from './request.ts'
import { hello, post } from './testing/exchange.ts'
import { toAsk } from './to-ask.ts'

const paths = ['/v1/messages', '/v1/messages/count_tokens']
const odd = [null, true, 0, -1, 1.5, '', 'x', [], {}, [null], [[]], [{}], { type: 'x' }, { type: null }]

/** Every place of a value, as a path of keys. */
function placesOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))]
}

function replace(value: unknown, [key, ...rest]: (string | number)[], by: unknown): unknown {
  if (key === undefined) return by
  const copy: Record<string, unknown> = Object.assign(Array.isArray(value) ? [] : {}, value)
  copy[key] = replace(copy[key], rest, by)
  return copy
}

const full = {
  ...hello,
  // Whatever is well formed is not answered: no model has this name.
  model: 'nobody',
  system: [{ type: 'text', text: 'a' }],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'a' }] },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'a', signature: '' },
        { type: 'tool_use', id: 'a', name: 'n', input: { a: 1 } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'a' }], is_error: true },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
        { type: 'document', source: { type: 'text', data: 'a' }, title: 'a' },
      ],
    },
  ],
  tools: [{ name: 'n', input_schema: { type: 'object' } }],
  tool_choice: { type: 'tool', name: 'n' },
  thinking: { type: 'enabled', budget_tokens: 1024 },
  output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } },
  stop_sequences: ['a'],
}

const hurt = placesOf(full).flatMap((place) => odd.map((value) => replace(full, place, value)))

/** What is thrown for a body; undefined when it is read. */
function refusalOf(body: unknown): unknown {
  try {
    toAsk(messagesBody(body, ''))
  } catch (error) {
    return error
  }
  return undefined
}

test('a body that is wrong in any place, or in two, is read or refused by name', () => {
  assert.ok(hurt.length > 500)
  const twice = hurt.flatMap((body, index) => {
    const place = placesOf(body)[(index * 7919) % placesOf(body).length] ?? []
    return odd.map((value) => replace(body, place, value))
  })
  for (const body of [...hurt, ...twice]) {
    const error = refusalOf(body)
    if (error === undefined) continue
    assert.ok(isLmappError(error) && error.entry.http === 400, `${JSON.stringify(body)}: ${error}`)
    assert.equal(typeof error.details?.field, 'string', error.message)
  }
})

test('bodies that are wrong in one place are refused in the shape of this API', async () => {
  await using service = await startTestService()
  for (const body of hurt.filter((_, index) => index % 5 === 0)) {
    const response = await post(service, '/v1/messages', body)
    const refused = (await response.json()) as ErrorBody
    assert.ok(response.status >= 400 && response.status < 500, `${response.status} for ${JSON.stringify(body)}`)
    assert.equal(refused.type, 'error')
    assert.match(refused.error.type, /^(invalid_request_error|not_found_error)$/)
  }
  assert.deepEqual(service.bugs, [])
})

test('bodies that are cut, no JSON or no object are refused', async () => {
  await using service = await startTestService()
  const whole = JSON.stringify(full)
  const cut = Array.from({ length: 40 }, (_, index) => whole.slice(0, Math.floor((whole.length * index) / 40)))
  const bodies = [...cut, '[]', '0', '"x"', 'null', '{}', '\u0000', '{"__proto__":{"model":"x"}}', '{"a":1e400}']
  for (const path of paths) {
    for (const body of bodies) {
      const response = await post(service, path, body)
      assert.equal(response.status, 400, body)
      assert.equal(((await response.json()) as ErrorBody).error.type, 'invalid_request_error')
    }
  }
  assert.deepEqual(service.bugs, [])
})

test('what is nested without end is refused wherever it would be walked through', async () => {
  await using service = await startTestService()
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
  const places = [
    `"tools":[{"name":"n","input_schema":${deep}}],"messages":[{"role":"user","content":"a"}]`,
    `"output_config":{"format":{"type":"json_schema","schema":${deep}}},"messages":[{"role":"user","content":"a"}]`,
    `"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"n","input":${deep}}]}]`,
    `"messages":[{"role":"user","content":${deep}}]`,
    `"messages":${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    `"metadata":${deep},"messages":[{"role":"user","content":"a"}]`,
  ]
  for (const place of places) {
    const response = await post(service, '/v1/messages', `{"model":"nobody","max_tokens":1,${place}}`)
    assert.ok(response.status >= 400 && response.status < 500, place.slice(0, 60))
    await response.body?.cancel()
  }
  assert.deepEqual(service.bugs, [])
})

test('a body of a hundred thousand blocks is read, one of ten thousand unknown fields refused, and nothing hangs', async () => {
  await using service = await startTestService()
  const content = Array.from({ length: 100_000 }, () => ({ type: 'text', text: 'a' }))
  const response = await post(service, '/v1/messages', {
    ...hello,
    model: 'nobody',
    messages: [{ role: 'user', content }],
  })
  assert.equal(response.status, 404)
  const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, index]))
  const many = await post(service, '/v1/messages', { ...hello, model: 'nobody', ...fields })
  assert.equal(many.status, 400)
})
