import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { startTestService, type TestService } from '../testing/test-app.ts'
import { chatRequest } from './chat/request.ts'
import { completionRequest } from './completions/request.ts'
import { type Json, post } from './testing/ask.ts'

let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service[Symbol.asyncDispose]())

/** The same numbers at each run: a failure can be seen again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
}

// biome-ignore format: a list of odd things
const strange: readonly Json[] = [
  null, true, 0, -1, 1.5, 1e308, '', 'x', '\u0000', '\ud800', [], {}, [null], [[]], { type: 'text' }, { type: null },
  { __proto__: null }, { constructor: 1 }, 'data:image/png;base64,', 'data:,', { function: {} }, [{ role: 'user' }],
]

// biome-ignore format: as short as can be
const whole = {
  model: 'dictated/tiny',
  messages: [
    { role: 'system', content: 'a' },
    { role: 'user', content: [{ type: 'text', text: 'b' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'c', content: 'd' },
  ],
  tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
  tool_choice: { type: 'function', function: { name: 'f' } },
  response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
  stop: ['x'],
  stream_options: { include_usage: true },
  temperature: 1, top_p: 1, max_tokens: 1, seed: 1, n: 1, logprobs: true, top_logprobs: 1, prompt: 'x',
}

/** The value with one of its places, anywhere in it, made strange or taken away. */
function spoil(value: Json, random: (below: number) => number): Json {
  if (typeof value !== 'object' || value === null || random(6) === 0) return strange[random(strange.length)]
  const copy = Array.isArray(value) ? [...value] : { ...value }
  const keys = Object.keys(copy)
  const key = keys[random(keys.length)]
  if (key === undefined) return strange[random(strange.length)]
  if (random(8) === 0) delete copy[key]
  else copy[key] = spoil(copy[key], random)
  return copy
}

test('a request that is spoiled anywhere is read, or refused with the name of a field; it never crashes a parser', () => {
  const random = createRandom(7)
  let refused = 0
  for (let round = 0; round < 5_000; round++) {
    const parse = round % 2 === 0 ? chatRequest : completionRequest
    const body = JSON.parse(JSON.stringify(spoil(whole, random)) ?? 'null')
    try {
      parse(body, '')
    } catch (error) {
      refused += 1
      assert.ok(error instanceof LmappError, `${error} for ${JSON.stringify(body)}`)
      assert.equal(error.entry.http, 400)
      assert.equal(typeof error.details?.field, 'string')
    }
  }
  assert.ok(refused > 500 && refused < 5_000)
})

test('bodies that are no requests are refused in the shape of OpenAI', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  // biome-ignore format: a list of odd things
  const bodies = [
    '', '{', 'null', '[]', '"x"', '7', '{}', '{"messages":{}}', '{"messages":[]}', '{"messages":null}', '{"prompt":{}}',
    '{"input":{}}', `{"messages":${deep}}`, `{"messages":[{"role":"user","content":${deep}}]}`, '{"messages":[{"role":"user","content":[{}]}]}',
    `{"input":${deep}}`, `{"prompt":${deep}}`, '\u0000', '{"messages":[{"role":"\ud800","content":"x"}]}',
  ]
  for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/embeddings']) {
    for (const body of bodies) {
      const response = await post(service, path, body)
      const { error }: Json = await response.json()
      assert.equal(response.status, 400, `${path} ${body.slice(0, 60)}`)
      assert.equal(error.type, 'invalid_request_error')
      assert.equal(typeof error.message, 'string')
      assert.ok('param' in error && 'code' in error)
    }
  }
  assert.deepEqual(service.bugs, [])
})

test('what is not said to be JSON is refused in that shape, too', async () => {
  const response = await post(service, '/v1/chat/completions', whole, { headers: { 'content-type': 'text/plain' } })
  const { error }: Json = await response.json()
  assert.deepEqual([response.status, error.type, error.code], [400, 'invalid_request_error', 'bad-input'])
})

test('a large image inline is read, and one that is no base64 at its very end is refused', () => {
  const ask = (data: string) => ({
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }] }],
  })
  const data = 'A'.repeat(24 * 1024 * 1024)
  const [message] = chatRequest(ask(data), '').ask.messages
  assert.equal(message?.content[0]?.type, 'image')
  assert.throws(() => chatRequest(ask(`${data}!`), ''), /base64/)
})
