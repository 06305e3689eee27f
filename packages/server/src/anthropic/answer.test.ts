import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LmappError, type Part } from 'lmapp-kit'
import { startTestService, type TestService } from '../testing/test-app.ts'
import type { ErrorBody } from './errors.ts'
import type { ApiMessage } from './message.ts'
import { errorSchema, messageSchema } from './schemas.ts'
import {
  assertFits,
  endOf,
  giveAbilities,
  hello,
  postMessages,
  textBlock,
  toolUse,
  usageOf,
} from './testing/exchange.ts'

const tools = [{ name: 'clock', input_schema: { type: 'object' } }]

/** The whole answer that these parts make. */
async function answerOf(service: TestService, parts: Part[], body: object = {}): Promise<ApiMessage> {
  const answer = postMessages(service, { ...hello, ...body })
  const dictation = await service.backend.nextChat()
  for (const part of parts) await dictation.push(part)
  const response = await answer
  assert.equal(response.status, 200, await response.clone().text())
  const message = (await response.json()) as ApiMessage
  await assertFits(messageSchema, message)
  return message
}

async function errorOf(answer: Promise<Response>): Promise<{ response: Response; body: ErrorBody }> {
  const response = await answer
  const body = (await response.json()) as ErrorBody
  await assertFits(errorSchema, body)
  return { response, body }
}

const words = (text: string): Part => ({ type: 'text-delta', text })
const finish = (reason: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other' | 'cancelled'): Part => ({
  type: 'finish',
  reason,
  usage: { inputTokens: 10, outputTokens: 4, cachedTokens: 7 },
})
const call = (text: string): Part => ({ type: 'tool-call', id: 'call_1', name: 'clock', arguments: text })

test('an answer is a message, and headers say who gave it', async () => {
  await using service = await startTestService()
  const asked = postMessages(service, hello)
  const dictation = await service.backend.nextChat()
  await dictation.say('Hello ')
  await dictation.say('you')
  await dictation.finish()
  const response = await asked
  const run = response.headers.get('x-lmapp-run')
  assert.equal(response.headers.get('x-lmapp-backend'), 'dictated')
  assert.equal(response.headers.get('request-id'), `req_${run}`)
  assert.deepEqual(await response.json(), {
    id: `msg_${run}`,
    type: 'message',
    role: 'assistant',
    model: 'dictated/tiny',
    content: [textBlock('Hello you')],
    ...endOf('end_turn'),
    usage: usageOf({ input_tokens: 3, output_tokens: 2 }),
  })
})

test('tokens that were read from the cache are counted apart', async () => {
  await using service = await startTestService()
  const { usage } = await answerOf(service, [words('a'), finish('stop')])
  assert.deepEqual(usage, usageOf({ input_tokens: 3, output_tokens: 4, cache_read_input_tokens: 7 }))
})

test('tokens of the thinking are told where the engine counts them', async () => {
  await using service = await startTestService()
  const counted: Part = { type: 'finish', reason: 'stop', usage: { outputTokens: 9, reasoningTokens: 5 } }
  const { usage } = await answerOf(service, [words('a'), counted])
  assert.deepEqual(usage, usageOf({ output_tokens: 9, output_tokens_details: { thinking_tokens: 5 } }))
})

test('usage that an engine does not tell is 0, or null where clients do not add it up', async () => {
  await using service = await startTestService()
  const { usage } = await answerOf(service, [words('a'), { type: 'finish', reason: 'stop', usage: {} }])
  assert.deepEqual(usage, usageOf({}))
})

test('thinking, text and calls are blocks in this order', async () => {
  await using service = await startTestService()
  const parts: Part[] = [{ type: 'reasoning-delta', text: 'Hm.' }, words('Look:'), call('{"zone":"utc"}')]
  const { content, stop_reason } = await answerOf(service, [...parts, finish('tool-calls')], { tools })
  assert.deepEqual(content, [
    { type: 'thinking', thinking: 'Hm.', signature: '' },
    textBlock('Look:'),
    toolUse('call_1', { zone: 'utc' }),
  ])
  assert.equal(stop_reason, 'tool_use')
})

test('the input of a tool is an object: what a model wrote instead is handed over under a name of its own', async () => {
  await using service = await startTestService()
  const cases: [string, object][] = [
    ['', {}],
    [' ', {}],
    ['{"a":', { INVALID_JSON: '{"a":' }],
    ['[1]', { INVALID_JSON: '[1]' }],
    ['null', { INVALID_JSON: 'null' }],
  ]
  for (const [text, input] of cases) {
    const { content } = await answerOf(service, [call(text), finish('tool-calls')], { tools })
    assert.deepEqual(content, [toolUse('call_1', input)])
  }
})

test('why an answer ended is told in the words of this API', async () => {
  await using service = await startTestService()
  for (const [reason, expected] of [
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['content-filter', 'refusal'],
  ] as const) {
    assert.equal((await answerOf(service, [words('a'), finish(reason)])).stop_reason, expected)
  }
  const called = await answerOf(service, [call('{}'), finish('stop')], { tools })
  assert.equal(called.stop_reason, 'tool_use')
})

test('an answer that breaks off is an error, also after its first word', async () => {
  await using service = await startTestService()
  const asked = postMessages(service, hello)
  const dictation = await service.backend.nextChat()
  await dictation.say('Half')
  dictation.fail(new LmappError('engine-died', 'The engine died.'))
  const { response, body } = await errorOf(asked)
  assert.equal(response.status, 502)
  assert.equal(body.type, 'error')
  assert.equal(body.error.type, 'api_error')
  assert.equal(body.error.details.error_code, 'engine-died')
  assert.match(body.error.message, /The engine died\. .*Ask again/)
})

test('errors before the first word have their status and type, and say whether to try again', async () => {
  await using service = await startTestService()
  const cases = [
    ['context-overflow', 400, 'invalid_request_error', null],
    ['unauthorized', 401, 'authentication_error', null],
    ['forbidden', 403, 'permission_error', null],
    ['rate-limited', 429, 'rate_limit_error', null],
    ['busy', 503, 'overloaded_error', null],
    ['backend-stopped', 503, 'api_error', 'false'],
    ['stalled', 504, 'timeout_error', 'false'],
    ['engine-failed', 502, 'api_error', null],
    ['model-too-large', 507, 'api_error', 'false'],
  ] as const
  for (const [code, status, type, again] of cases) {
    const asked = postMessages(service, { ...hello, model: 'dictated/tiny', stream: code === 'stalled' })
    const dictation = await service.backend.nextChat()
    dictation.fail(new LmappError(code, 'No.', { hint: 'Wait' }))
    const { response, body } = await errorOf(asked)
    assert.deepEqual([response.status, body.error.type], [status, type], code)
    assert.equal(response.headers.get('x-should-retry'), again, code)
    assert.equal(response.headers.get('request-id'), body.request_id)
    assert.match(body.request_id, /^req_/)
  }
})

test('a prompt that does not fit is told in the words by which agents know that they have to shorten it', async () => {
  await using service = await startTestService()
  const details = { promptTokens: 5000, contextLength: 4096 }
  const cases = [
    [details, 'prompt is too long: 5000 tokens > 4096 maximum. It does not fit. Shorten it'],
    [{}, 'prompt is too long: It does not fit. Shorten it'],
  ] as const
  for (const [told, message] of cases) {
    const asked = postMessages(service, hello)
    const dictation = await service.backend.nextChat()
    dictation.fail(new LmappError('context-overflow', 'It does not fit.', { hint: 'Shorten it', details: told }))
    assert.equal((await errorOf(asked)).body.error.message, message)
  }
})

test('an image for a model that cannot see is refused by the name of the field', async () => {
  await using service = await startTestService()
  giveAbilities(service)
  const source = { type: 'base64', media_type: 'image/png', data: 'aGk=' }
  const messages = [{ role: 'user', content: [{ type: 'image', source }] }]
  for (const stream of [false, true]) {
    const { response, body } = await errorOf(postMessages(service, { ...hello, messages, stream }))
    assert.deepEqual([response.status, body.error.type], [400, 'invalid_request_error'])
    assert.equal(body.error.details.error_code, 'unsupported')
    assert.match(body.error.message, /^"messages" has an image, and dictated\/tiny cannot see images\./)
  }
})

test('an unknown model is not found, and the error says how to give it a meaning', async () => {
  await using service = await startTestService()
  const { response, body } = await errorOf(postMessages(service, { ...hello, model: 'opus-4.5' }))
  assert.equal(response.status, 404)
  assert.equal(body.error.type, 'not_found_error')
  assert.match(body.error.message, /lmapp config set aliases\.opus-4\.5 backend\/model/)
  const odd = await errorOf(postMessages(service, { ...hello, model: 'a b' }))
  assert.match(odd.body.error.message, /aliases\.NAME backend\/model/)
})

test('a request that is wrong in another way is refused in the same shape', async () => {
  await using service = await startTestService()
  const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }
  const broken = await errorOf(fetch(`${service.address}/v1/messages`, asked))
  assert.deepEqual([broken.response.status, broken.body.error.type], [400, 'invalid_request_error'])
  const elsewhere = await errorOf(fetch(`${service.address}/v1/messages/batches`))
  assert.deepEqual([elsewhere.response.status, elsewhere.body.error.type], [404, 'not_found_error'])
  const wrongMethod = await errorOf(fetch(`${service.address}/v1/messages`))
  assert.deepEqual([wrongMethod.response.status, wrongMethod.body.error.type], [405, 'invalid_request_error'])
  service.app.serve.requireKey = true
  const keyless = await errorOf(postMessages(service, hello))
  assert.deepEqual([keyless.response.status, keyless.body.error.type], [401, 'authentication_error'])
  assert.deepEqual(service.bugs, [])
})

test('a bug is an error without a word of its inside', async () => {
  await using service = await startTestService()
  Object.assign(service.app.runs, { start: () => Promise.reject(new Error('secret')) })
  const { response, body } = await errorOf(postMessages(service, hello))
  assert.equal(response.status, 500)
  assert.equal(body.error.type, 'api_error')
  assert.doesNotMatch(body.error.message, /secret/)
  assert.equal(service.bugs.length, 1)
})
