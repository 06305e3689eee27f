import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { type RefusedAnswer, toEngineError } from './index.ts'
import { recorded } from './testing/recordings.ts'

const error = (refused: Partial<RefusedAnswer>) =>
  toEngineError({ engine: 'The engine', status: 500, text: '', ...refused })
const openai = (message: string, more: Record<string, unknown> = {}) => JSON.stringify({ error: { message, ...more } })

describe('an answer that is none', () => {
  for (const [name, code] of [
    ['llama-server/chat-overflow', 'context-overflow'],
    ['llama-server/chat-image', 'unsupported'],
    ['llama-server/chat-bad', 'bad-input'],
    ['llama-server/embeddings-off', 'unsupported'],
    ['llama-server/not-found', 'backend-refused'],
    ['ollama/chat-tool', 'unsupported'],
    ['ollama/chat-missing', 'model-not-found'],
    ['ollama/chat-bad', 'bad-input'],
    ['ollama/not-found', 'backend-refused'],
  ] as const) {
    it(`means ${code}: ${name}`, () => {
      const { status, body } = recorded(name)
      assert.equal(error({ status, text: body, model: 'nope' }).code, code)
    })
  }

  for (const [status, text, code] of [
    [400, openai('no'), 'bad-input'],
    [401, openai('Incorrect API key'), 'unauthorized'],
    [403, '', 'forbidden'],
    [404, '{"detail":"Not Found"}', 'backend-refused'],
    [404, openai('The model `nope` does not exist.', { type: 'NotFoundError', code: 404 }), 'model-not-found'],
    [400, openai('x', { code: 'model_not_found' }), 'model-not-found'],
    [405, '', 'backend-refused'],
    [408, '', 'engine-failed'],
    [413, '', 'bad-input'],
    [422, '{"detail":[{"msg":"field required"},{"msg":"too short"},5]}', 'bad-input'],
    [429, openai('slow down'), 'rate-limited'],
    [499, '', 'cancelled'],
    [500, openai('boom'), 'engine-failed'],
    [500, openai('failed to load model'), 'model-load-failed'],
    [502, '<html>\n<h1>Bad gateway</h1>', 'engine-failed'],
    [503, openai('Loading model', { code: 503 }), 'busy'],
    [504, '', 'engine-failed'],
    [400, openai('"auto" tool choice requires --enable-auto-tool-choice'), 'unsupported'],
  ] as const) {
    it(`means ${code}: ${status} ${text.slice(0, 60).replace(/\s+/g, ' ')}`, () => {
      const found = error({ status, text, model: 'nope' })
      assert.equal(found.code, code)
      assert.equal(found.details?.status, status)
    })
  }

  for (const [engine, text, promptTokens] of [
    [
      'vLLM',
      openai("This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens."),
      5000,
    ],
    [
      'older vLLM',
      JSON.stringify({
        object: 'error',
        message:
          "This model's maximum context length is 4096 tokens. However, you requested 5500 tokens (5000 in the messages, 500 in the completion).",
      }),
      5000,
    ],
    [
      'SGLang',
      JSON.stringify({
        object: 'error',
        message: "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
      }),
      5000,
    ],
    ['OpenAI', openai('too much', { code: 'context_length_exceeded' }), undefined],
    ['LM Studio', JSON.stringify({ error: 'The model is loaded with context length of only 4096 tokens.' }), undefined],
  ] as const) {
    it(`says how long the prompt is and may be, as far as ${engine} says so`, () => {
      const found = error({ status: 400, text })
      assert.ok(isLmappError(found, 'context-overflow'))
      assert.equal(found.details?.promptTokens, promptTokens)
      assert.equal(found.details?.contextLength, engine === 'OpenAI' ? undefined : 4096)
      assert.match(found.hint, /Shorten it/)
    })
  }

  it('says what to do', () => {
    assert.match(error({ status: 404, text: '' }).hint, /\/v1/)
    const moved = error({ status: 308, headers: { location: 'https://box/v1' } })
    assert.equal(moved.code, 'backend-refused')
    assert.match(moved.hint, /https:\/\/box\/v1/)
    assert.match(error({ status: 302 }).hint, /elsewhere/)
    assert.equal(error({ failedHint: 'See its log' }).hint, 'See its log')
    assert.match(error({ status: 400, text: openai('requires --enable-auto-tool-choice') }).hint, /--tool-call-parser/)
  })

  it('says for how long the engine asks to wait: busy and rate-limited ones only', () => {
    const waiting = (status: number, value: string) =>
      error({ status, headers: { 'retry-after': value } }).details?.retryAfterMs
    assert.equal(waiting(429, '7'), 7_000)
    assert.equal(waiting(503, '0'), 0)
    assert.equal(waiting(503, 'Sun, 06 Nov 1994 08:49:37 GMT'), 0)
    assert.equal(waiting(429, '86400'), 600_000)
    assert.equal(error({ status: 429, headers: { 'retry-after-ms': '40' } }).details?.retryAfterMs, 40)
    assert.equal(waiting(429, 'soon'), undefined)
    assert.equal(waiting(301, '7'), undefined)
    assert.equal(error({ status: 429 }).details?.retryAfterMs, undefined)
  })

  it('is shown in one bounded line, whatever it is', () => {
    const { message } = error({ text: `a\n${'b'.repeat(10_000)}` })
    assert.ok(message.length < 600 && !message.includes('\n'))
    for (const text of ['[]', '5', 'null', '{"error":null}', '{"error":[]}', '{"error":""}', '"words"', '\0\ufffd']) {
      assert.equal(error({ text }).code, 'engine-failed')
    }
  })
})
