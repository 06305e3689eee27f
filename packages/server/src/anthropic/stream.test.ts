import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LmappError, type Part } from 'lmapp-kit'
import { startTestService, type TestService } from '../testing/test-app.ts'
import { eventSchema } from './schemas.ts'
import {
  assertFits,
  deltaUsageOf,
  endOf,
  hello,
  namesOf,
  postMessages,
  readEvents,
  type SentEvent,
  textBlock,
  toEvents,
  toolUse,
  usageOf,
} from './testing/exchange.ts'

const streaming = { ...hello, stream: true }

/** The events that these parts make. */
async function eventsOf(service: TestService, parts: Part[], body: object = {}): Promise<SentEvent[]> {
  const asked = postMessages(service, { ...streaming, ...body })
  const dictation = await service.backend.nextChat()
  for (const part of parts) await dictation.push(part)
  return readValid(await asked)
}

async function readValid(response: Response): Promise<SentEvent[]> {
  const events = await readEvents(response)
  for (const { data } of events) await assertFits(eventSchema, data)
  return events
}

const words = (text: string): Part => ({ type: 'text-delta', text })
const thought = (text: string): Part => ({ type: 'reasoning-delta', text })
const call = (id: string, text: string): Part => ({ type: 'tool-call', id, name: 'clock', arguments: text })
const finish: Part = { type: 'finish', reason: 'stop', usage: { inputTokens: 10, outputTokens: 4, cachedTokens: 7 } }
const tools = [{ name: 'clock', input_schema: { type: 'object' } }]

/** Reads until a text has come, and gives what came. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  while (!text.includes(wanted)) {
    const { done, value } = await reader.read()
    if (done) assert.fail(`the stream ended: ${text}`)
    text += decoder.decode(value, { stream: true })
  }
  return text
}

test('a text is streamed event by event, and the end tells why and how much', async () => {
  await using service = await startTestService()
  const asked = postMessages(service, streaming)
  const dictation = await service.backend.nextChat()
  await dictation.say('Hello 🙂')
  const response = await asked
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const run = response.headers.get('x-lmapp-run')
  assert.equal(response.headers.get('request-id'), `req_${run}`)
  await dictation.say(' you')
  await dictation.push(finish)
  assert.deepEqual(
    (await readValid(response)).map(({ data }) => data),
    [
      {
        type: 'message_start',
        message: {
          id: `msg_${run}`,
          type: 'message',
          role: 'assistant',
          model: 'dictated/tiny',
          content: [],
          ...endOf(null),
          usage: usageOf({}),
        },
      },
      { type: 'content_block_start', index: 0, content_block: textBlock('') },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello 🙂' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' you' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: endOf('end_turn'),
        usage: deltaUsageOf({ input_tokens: 3, output_tokens: 4, cache_read_input_tokens: 7 }),
      },
      { type: 'message_stop' },
    ],
  )
})

test('every event is named after its type', async () => {
  await using service = await startTestService()
  const events = await eventsOf(service, [thought('a'), words('b'), call('c', '{}'), finish], { tools })
  for (const { event, data } of events) assert.equal(event, data.type)
})

test('thinking, text and calls are blocks of their own, one after the other', async () => {
  await using service = await startTestService()
  const parts = [thought('Hm'), thought('.'), words('Look'), call('a', '{"b":1}'), call('c', ''), words('Done'), finish]
  const blocks = (await eventsOf(service, parts, { tools })).slice(1, -2).map(({ data: { type, ...rest } }) => rest)
  const input = (index: number, partial_json: string) => ({ index, delta: { type: 'input_json_delta', partial_json } })
  assert.deepEqual(blocks, [
    { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
    { index: 0, delta: { type: 'thinking_delta', thinking: '.' } },
    { index: 0, delta: { type: 'signature_delta', signature: '' } },
    { index: 0 },
    { index: 1, content_block: textBlock('') },
    { index: 1, delta: { type: 'text_delta', text: 'Look' } },
    { index: 1 },
    { index: 2, content_block: toolUse('a', {}) },
    input(2, '{"b":1}'),
    { index: 2 },
    { index: 3, content_block: toolUse('c', {}) },
    input(3, '{}'),
    { index: 3 },
    { index: 4, content_block: textBlock('') },
    { index: 4, delta: { type: 'text_delta', text: 'Done' } },
    { index: 4 },
  ])
})

test('a call ends with tool_use, whatever the engine calls it, and its input is an object', async () => {
  await using service = await startTestService()
  const events = await eventsOf(service, [call('a', 'no json'), finish], { tools })
  const [, , input] = events
  assert.deepEqual(input?.data.delta, { type: 'input_json_delta', partial_json: '{"INVALID_JSON":"no json"}' })
  assert.deepEqual(events.at(-2)?.data.delta, endOf('tool_use'))
})

test('the start tells how long the prompt is where the engine says so', async () => {
  await using service = await startTestService()
  const reading: Part = { type: 'status', phase: 'prompt', progress: { done: 5, total: 12, unit: 'tokens' } }
  const [start] = await eventsOf(service, [reading, words('a'), finish])
  assert.equal((start?.data.message as { usage: { input_tokens: number } }).usage.input_tokens, 12)
})

test('an answer at its limit or withheld is told as such', async () => {
  await using service = await startTestService()
  for (const [reason, expected] of [
    ['length', 'max_tokens'],
    ['content-filter', 'refusal'],
  ] as const) {
    const events = await eventsOf(service, [words('a'), { type: 'finish', reason, usage: {} }])
    assert.deepEqual(events.at(-2)?.data.delta, endOf(expected))
    assert.equal(events.at(-1)?.event, 'message_stop')
  }
})

test('an answer that is withheld before its first word is a whole message without content', async () => {
  await using service = await startTestService()
  const events = await eventsOf(service, [{ type: 'finish', reason: 'content-filter', usage: {} }])
  assert.deepEqual(namesOf(events), ['message_start', 'message_delta', 'message_stop'])
})

test('an answer that breaks off ends with an error and nothing after it', async () => {
  await using service = await startTestService()
  const asked = postMessages(service, streaming)
  const dictation = await service.backend.nextChat()
  await dictation.say('Half')
  const response = await asked
  dictation.fail(new LmappError('engine-died', 'The engine died.'))
  const events = await readValid(response)
  assert.deepEqual(namesOf(events), ['message_start', 'content_block_start', 'content_block_delta', 'error'])
  const { error, request_id, type } = events.at(-1)?.data ?? {}
  assert.equal(type, 'error')
  assert.equal(request_id, response.headers.get('request-id'))
  const { message, ...rest } = error as { message: string }
  assert.deepEqual(rest, { type: 'api_error', details: { error_code: 'engine-died' } })
  assert.match(message, /The engine died/)
})

test('an answer that is stopped elsewhere is no good end', async () => {
  await using service = await startTestService()
  const asked = postMessages(service, streaming)
  const dictation = await service.backend.nextChat()
  await dictation.say('Half')
  const response = await asked
  await service.app.runs.get(response.headers.get('x-lmapp-run') ?? '', 'guest').cancel()
  assert.equal(namesOf(await readEvents(response)).at(-1), 'error')
})

test('what fails before the first word is no stream', async () => {
  await using service = await startTestService()
  const asked = postMessages(service, streaming)
  const dictation = await service.backend.nextChat()
  dictation.fail(new LmappError('context-overflow', 'Too long.'))
  const response = await asked
  assert.equal(response.status, 400)
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
})

test('while nothing arrives there are pings, and an error then is an event', async () => {
  await using service = await startTestService({ heartbeatMs: 5 })
  const asked = postMessages(service, streaming)
  const dictation = await service.backend.nextChat()
  const response = await asked
  const reader = response.body?.getReader()
  if (!reader) assert.fail('no body')
  const text = await readUntil(reader, 'event: ping')
  assert.match(text, /^event: ping\ndata: {"type":"ping"}\n\n/)
  dictation.fail(new LmappError('model-load-failed', 'It does not load.'))
  const events = toEvents((await readUntil(reader, '"request_id"')).trimStart())
  assert.deepEqual(namesOf(events), ['error'])
  assert.equal((await reader.read()).done, true)
})

test('a client that leaves ends its answer', async () => {
  await using service = await startTestService()
  const controller = new AbortController()
  const asked = postMessages(service, streaming, { signal: controller.signal })
  const dictation = await service.backend.nextChat()
  await dictation.say('Half')
  const response = await asked
  const run = service.app.runs.get(response.headers.get('x-lmapp-run') ?? '', 'guest')
  controller.abort()
  assert.equal((await run.ended).state, 'stopped')
})

test('a client that leaves and asked for it lets its answer go on, to be joined', async () => {
  await using service = await startTestService()
  const controller = new AbortController()
  const headers = { 'x-lmapp-detach': 'on' }
  const asked = postMessages(service, streaming, { headers, signal: controller.signal })
  const dictation = await service.backend.nextChat()
  await dictation.say('Half')
  const response = await asked
  const id = response.headers.get('x-lmapp-run') ?? ''
  controller.abort()
  await dictation.say(' and whole')
  await dictation.finish()
  assert.equal((await service.app.runs.get(id, 'guest').ended).state, 'complete')
  const joined = await fetch(`${service.address}/lmapp/v1/runs/${id}/events?from=0`)
  assert.match(await joined.text(), / and whole/)
})
