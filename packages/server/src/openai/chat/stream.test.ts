import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { LmappError, type RunEvent } from 'lmapp-kit'
import { startTestService } from '../../testing/test-app.ts'
import { askStream, hello, type Json, post, readStream } from '../testing/ask.ts'
import { createChatEncoder } from './stream.ts'

const path = '/v1/chat/completions'
const messages = hello
const deltas = (events: Json[]) => events.slice(0, -1).map((event) => event.choices[0]?.delta)

test('a stream is a role, the text as it comes, a reason, and [DONE]', async () => {
  await using service = await startTestService()
  const { events, headers } = await askStream(service, path, { messages }, async (chat) => {
    await chat.say('Hi "you"\n')
    await chat.say('🙂\u2028')
    await chat.finish()
  })
  assert.deepEqual(deltas(events), [
    { role: 'assistant', content: null },
    { content: 'Hi "you"\n' },
    { content: '🙂\u2028' },
    {},
  ])
  assert.equal(events.at(-1), '[DONE]')
  const [first] = events
  for (const { choices, ...head } of events.slice(0, -1)) {
    assert.deepEqual(head, {
      id: `chatcmpl-${headers.get('x-lmapp-run')}`,
      object: 'chat.completion.chunk',
      created: first.created,
      model: 'dictated/tiny',
    })
    assert.equal(choices[0].index, 0)
    assert.equal(choices[0].logprobs, null)
  }
  assert.deepEqual(
    events.slice(0, -1).map(({ choices }) => choices[0].finish_reason),
    [null, null, null, 'stop'],
  )
  assert.equal(headers.get('x-lmapp-backend'), 'dictated')
})

test('with include_usage every chunk has a usage, null in all but one of its own at the end', async () => {
  await using service = await startTestService()
  const { events } = await askStream(
    service,
    path,
    { messages, stream_options: { include_usage: true } },
    async (chat) => {
      await chat.say('Hi')
      await chat.finish('length')
    },
  )
  assert.deepEqual(
    events.map((event) => event.usage?.total_tokens ?? event.usage),
    [null, null, null, 5, undefined],
  )
  assert.deepEqual(events.at(-2).choices, [])
  assert.equal(events.at(-3).choices[0].finish_reason, 'length')
})

test('an engine that counts nothing leaves the chunk of usage out', async () => {
  await using service = await startTestService()
  const { events } = await askStream(
    service,
    path,
    { messages, stream_options: { include_usage: true } },
    async (chat) => {
      await chat.say('Hi')
      await chat.push({ type: 'finish', reason: 'stop', usage: {} })
    },
  )
  assert.deepEqual(
    events.map((event) => event.choices?.[0]?.finish_reason),
    [null, null, 'stop', undefined],
  )
})

test('tool calls come whole, each with its place; what the model thinks has two names', async () => {
  await using service = await startTestService()
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const { events } = await askStream(service, path, { messages, tools }, async (chat) => {
    await chat.push({ type: 'reasoning-delta', text: 'Hm' })
    await chat.push({ type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' })
    await chat.push({ type: 'tool-call', id: 'c2', name: 'f', arguments: '' })
    await chat.finish()
  })
  assert.deepEqual(deltas(events), [
    { role: 'assistant', content: null },
    { reasoning_content: 'Hm', reasoning: 'Hm' },
    { tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
    { tool_calls: [{ index: 1, id: 'c2', type: 'function', function: { name: 'f', arguments: '' } }] },
    {},
  ])
  assert.equal(events.at(-2).choices[0].finish_reason, 'tool_calls')
})

test('log probabilities come with their text', async () => {
  await using service = await startTestService()
  const { events } = await askStream(service, path, { messages, logprobs: true }, async (chat) => {
    await chat.push({ type: 'text-delta', text: 'Hi', logprobs: [{ token: 'Hi', logprob: -0.25 }] })
    await chat.finish()
  })
  assert.deepEqual(events[1].choices[0].logprobs, {
    content: [{ token: 'Hi', logprob: -0.25, bytes: [72, 105], top_logprobs: [] }],
    refusal: null,
  })
})

test('a stream that breaks off ends with an error, without a reason and without [DONE]', async () => {
  await using service = await startTestService()
  const { events, text } = await askStream(service, path, { messages }, async (chat) => {
    await chat.say('Half an')
    chat.fail(new LmappError('engine-died', 'The engine died.'))
  })
  assert.equal(events.length, 3)
  assert.deepEqual(events.at(-1), {
    error: {
      message: 'The engine died. Ask again',
      type: 'server_error',
      param: null,
      code: 'engine-died',
    },
  })
  assert.ok(!text.includes('[DONE]') && !/"finish_reason":"/.test(text))
})

test('one that is stopped from elsewhere is no good end either', async () => {
  await using service = await startTestService()
  const { events, text } = await askStream(service, path, { messages }, async (chat) => {
    await chat.say('Half an')
    const [run] = service.app.runs.list('guest')
    await run?.cancel()
  })
  assert.equal(events.at(-1).error.code, 'cancelled')
  assert.ok(!text.includes('[DONE]'))
})

test('what goes wrong before the first word has a status, also where a stream was asked for', async () => {
  await using service = await startTestService()
  const asked = post(service, path, { messages, stream: true })
  const chat = await service.backend.nextChat()
  chat.fail(new LmappError('rate-limited', 'Slow down.', { details: { retryAfterMs: 3_000_000 } }))
  const response = await asked
  assert.equal(response.status, 429)
  assert.equal(response.headers.get('x-should-retry'), null)
  const body: Json = await response.json()
  assert.deepEqual([body.error.type, body.error.code], ['rate_limit_error', 'rate_limit_exceeded'])
})

test('warnings stand in a comment that clients skip', async () => {
  await using service = await startTestService()
  const { comments, events } = await askStream(service, path, { messages }, async (chat) => {
    await chat.say('Hi')
    await chat.push({ type: 'warning', code: 'other', message: 'data: {}\r\ndata: it is slow' })
    await chat.finish()
  })
  assert.deepEqual(comments, [': warning: data: {} data: it is slow'])
  assert.equal(events.at(-1), '[DONE]')
})

test('a stream that has to wait begins with comments, and tells of a failure as one that broke off', async () => {
  await using service = await startTestService({ heartbeatMs: 5 })
  const asked = post(service, path, { messages, stream: true })
  const chat = await service.backend.nextChat()
  const response = await asked
  chat.fail(new LmappError('model-load-failed', 'No memory.'))
  const { events } = await readStream(response)
  assert.equal(events[0].choices[0].delta.role, 'assistant')
  assert.equal(events.at(-1).error.code, 'model-load-failed')
})

test('a client that leaves ends its run', async () => {
  await using service = await startTestService()
  const left = new AbortController()
  const asked = post(service, path, { messages, stream: true }, { signal: left.signal })
  const chat = await service.backend.nextChat()
  await chat.say('Hi')
  const response = await asked
  const reader = response.body?.getReader()
  await reader?.read()
  const [run] = service.app.runs.list('guest')
  left.abort()
  assert.equal((await run?.ended)?.state, 'stopped')
})

test('a client that wants its run to go on may leave, and the run is written to its end', async () => {
  await using service = await startTestService()
  const left = new AbortController()
  const headers = { 'x-lmapp-detach': 'on' }
  const asked = post(service, path, { messages, stream: true }, { signal: left.signal, headers })
  const chat = await service.backend.nextChat()
  await chat.say('Hi')
  const response = await asked
  const [run] = service.app.runs.list('guest')
  assert.equal(response.headers.get('x-lmapp-run'), run?.id)
  const idle = once(service.activity, 'change')
  left.abort()
  await idle
  await chat.say(' you')
  await chat.finish()
  assert.equal((await run?.ended)?.state, 'complete')
})

test('when another backend goes on the text goes on, in chunks that name it', () => {
  const encoder = createChatEncoder({ id: 'chatcmpl-1', created: 1, model: 'a/m' }, { includeUsage: false })
  const reason = { code: 'engine-died', message: 'It died.' } as const
  const events: RunEvent[] = [
    { type: 'start', run: '1', message: '2', model: 'a/m' },
    { type: 'status', phase: 'generating' },
    { type: 'text-delta', text: 'Hi' },
    { type: 'handover', from: 'a/m', to: 'b/m', reason },
    { type: 'text-delta', text: ' you' },
  ]
  const frames = events.flatMap((event) => (event.type === 'end' ? [] : [encoder.take(event)]))
  assert.deepEqual(frames.slice(0, 2), ['', ''])
  assert.equal(frames[3], ': b/m goes on for a/m\n\n')
  const chunks: Json[] = [frames[2], frames[4]].map((frame) => JSON.parse((frame ?? '').slice('data: '.length)))
  assert.deepEqual(
    chunks.map(({ id, model, choices }) => [id, model, choices[0].delta.content]),
    [
      ['chatcmpl-1', 'a/m', 'Hi'],
      ['chatcmpl-1', 'b/m', ' you'],
    ],
  )
})
