import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { type ChatRequest, type ErrorCode, type Finish, isLmappError, type Message } from 'lmapp-kit'
import { readChat, type Transcript, tryChat } from 'lmapp-kit/testkit'
import { type Answer, type Routes, startOf } from '../testing/replay-server.ts'
import { events, eventsOf, json, model, propsWith, recorded, say, serve, singleRoutes } from './testing/recordings.ts'

const chatRoute = 'POST /v1/chat/completions'
const hello: ChatRequest = { model, messages: [say('user', 'Say hello.')] }
const token = (content: string, reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: reason }],
})

async function chatOver(routes: Routes, request: ChatRequest = hello) {
  await using served = await serve(singleRoutes(routes))
  const outcome = await tryChat(served.backend.chat(request))
  const sent = served.replay.requests.filter(({ route }) => route === chatRoute).map(({ body }) => body)
  return { ...outcome, sent }
}

async function assertFails(routes: Routes, code: ErrorCode, request: ChatRequest = hello) {
  const { transcript, error, sent } = await chatOver(routes, request)
  assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
  assert.equal(transcript.finishes.length, 0)
  return { transcript, error, sent }
}

function finish({ finishes }: Transcript): Finish {
  const [only, ...others] = finishes
  assert.ok(only)
  assert.equal(others.length, 0)
  return only
}

describe('a chat over recorded bytes', () => {
  it('gives the text in deltas, the phases, the count of tokens and the times', async () => {
    const { transcript, error } = await chatOver({ [chatRoute]: recorded('chat') })
    assert.equal(error, undefined)
    const last = eventsOf(recorded('chat')).at(-1) as {
      usage: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details: { cached_tokens: number } }
      timings: { prompt_ms: number; predicted_ms: number }
    }
    assert.ok(transcript.deltas.length > 5)
    assert.deepEqual(finish(transcript), {
      type: 'finish',
      reason: 'stop',
      usage: {
        inputTokens: last.usage.prompt_tokens,
        outputTokens: last.usage.completion_tokens,
        cachedTokens: last.usage.prompt_tokens_details.cached_tokens,
        contextLength: 2048,
      },
      timings: { promptMs: last.timings.prompt_ms, generationMs: last.timings.predicted_ms },
    })
    assert.deepEqual(
      [...new Set(transcript.statuses.map(({ phase }) => phase))],
      ['connecting', 'prompt', 'generating'],
    )
  })

  it('finishes with length when the answer was cut', async () => {
    const { transcript } = await chatOver({ [chatRoute]: recorded('chat-days') })
    assert.equal(finish(transcript).reason, 'length')
  })

  it('shows how far the prompt was read, and how much of it was known', async () => {
    const { transcript } = await chatOver({ [chatRoute]: recorded('chat-progress') })
    const read = transcript.statuses.filter(({ progress }) => progress)
    assert.deepEqual(
      read.map(({ progress }) => progress?.done),
      [0, 128, 256, 384, 512, 631],
    )
    assert.ok(read.every(({ phase, progress }) => phase === 'prompt' && progress?.total === 631))
    const again = await chatOver({ [chatRoute]: recorded('chat-again') })
    const [first] = again.transcript.statuses.filter(({ progress }) => progress)
    assert.ok(Number(first?.vendor?.cachedTokens) > 0)
    assert.equal(finish(again.transcript).usage.cachedTokens, first?.vendor?.cachedTokens)
  })

  it('asks for progress and usage, and sends options, schema and reasoning under the names of llama-server', async () => {
    const { sent, transcript } = await chatOver(
      {
        [chatRoute]: recorded('chat-schema'),
        'GET /props': propsWith({ chat_template: '{% if enable_thinking %}<think>{% endif %}' }),
      },
      {
        ...hello,
        reasoning: false,
        schema: { type: 'object' },
        options: {
          temperature: 0.5,
          topP: 0.9,
          topK: 4,
          minP: 0.1,
          repeatPenalty: 1.1,
          presencePenalty: 0.2,
          frequencyPenalty: 0.3,
          seed: 7,
          maxTokens: 24,
          stop: ['END'],
        },
      },
    )
    assert.deepEqual(transcript.warnings, [])
    assert.deepEqual(JSON.parse(transcript.text), { answer: 6 })
    const [body] = sent
    assert.deepEqual(body, {
      model: '/models/SmolLM2-135M-Instruct.Q4_1.gguf',
      messages: [{ role: 'user', content: 'Say hello.' }],
      stream: true,
      stream_options: { include_usage: true },
      return_progress: true,
      response_format: body?.response_format,
      chat_template_kwargs: { enable_thinking: false },
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      min_p: 0.1,
      repeat_penalty: 1.1,
      presence_penalty: 0.2,
      frequency_penalty: 0.3,
      seed: 7,
      max_tokens: 24,
      stop: ['END'],
    })
  })

  it('carries log probabilities where they were asked for', async () => {
    const ask = async (logprobs: number, recording: string) => {
      const request = { ...hello, options: { logprobs } }
      const { transcript, sent } = await chatOver({ [chatRoute]: recorded(recording) }, request)
      const told = transcript.parts.flatMap((part) => (part.type === 'text-delta' ? (part.logprobs ?? []) : []))
      assert.equal(told.map(({ token }) => token).join(''), transcript.text)
      assert.ok(told.every(({ logprob }) => logprob < 0))
      assert.deepEqual(transcript.warnings, [])
      return {
        tops: [...new Set(told.map(({ top }) => top?.length))],
        sent: [sent[0]?.logprobs, sent[0]?.top_logprobs],
      }
    }
    assert.deepEqual(await ask(2, 'chat-logprobs-characters'), { tops: [2], sent: [true, 2] })
    assert.deepEqual(await ask(0, 'chat-logprobs'), { tops: [undefined], sent: [true, 1] })
  })

  it('gives thoughts apart from the text', async () => {
    const thought = { choices: [{ index: 0, delta: { reasoning_content: 'Hm.' }, finish_reason: null }] }
    const routes = { [chatRoute]: events(thought, token('Hi', 'stop'), '[DONE]') }
    const { transcript } = await chatOver(routes)
    assert.deepEqual([transcript.reasoning, transcript.text], ['Hm.', 'Hi'])
  })
})

describe('what a model cannot', () => {
  const image: Message = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] }
  const tools = [{ name: 'look', parameters: { type: 'object' } }]

  it('is refused before anything is sent: images and tools', async () => {
    const blind = await assertFails({}, 'unsupported', { ...hello, messages: [image] })
    assert.equal(blind.error.details?.capability, 'vision')
    assert.match(blind.error.hint, /--mmproj/)
    const toolless = await assertFails({}, 'unsupported', { ...hello, tools })
    assert.equal(toolless.error.details?.capability, 'tools')
    assert.deepEqual([...blind.sent, ...toolless.sent], [])
  })

  it('is sent where it can, and where nobody knows', async () => {
    const able = propsWith({ modalities: { vision: true }, chat_template_caps: { supports_tools: true } })
    const unknown = propsWith({ modalities: undefined, chat_template_caps: undefined })
    for (const props of [able, unknown]) {
      const { sent } = await chatOver(
        { 'GET /props': props, [chatRoute]: recorded('chat') },
        { ...hello, messages: [image], tools, toolChoice: { name: 'look' } },
      )
      assert.equal(sent[0]?.tool_choice, 'required')
      assert.deepEqual(sent[0]?.messages, [
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
      ])
    }
  })

  it('is no matter when no tool shall be called', async () => {
    const { error, sent } = await chatOver({ [chatRoute]: recorded('chat') }, { ...hello, tools, toolChoice: 'none' })
    assert.equal(error, undefined)
    assert.equal(sent[0]?.tools, undefined)
  })

  it('is warned about: to reason, and a longer context', async () => {
    const { transcript, sent } = await chatOver(
      { [chatRoute]: recorded('chat') },
      { ...hello, reasoning: 'high', options: { contextLength: 100_000 } },
    )
    assert.deepEqual(
      transcript.warnings.map(({ setting }) => setting),
      ['reasoning', 'options.contextLength'],
    )
    assert.equal(sent[0]?.reasoning_effort, undefined)
    const off = await chatOver({ [chatRoute]: recorded('chat') }, { ...hello, reasoning: false })
    assert.deepEqual(off.transcript.warnings, [])
  })

  it('is told by the server itself in the end', async () => {
    const seeing = { 'GET /props': propsWith({ modalities: { vision: true } }) }
    const asked = { ...hello, messages: [image] }
    await assertFails({ ...seeing, [chatRoute]: recorded('chat-image') }, 'unsupported', asked)
    await assertFails({ [chatRoute]: recorded('chat-bad-option') }, 'bad-input')
  })

  it('is a name that it does not have: it would answer to any', async () => {
    const { error, sent } = await assertFails({}, 'model-not-found', { ...hello, model: 'nope' })
    assert.deepEqual(error.details, { name: 'nope', known: [model] })
    assert.deepEqual(sent, [])
  })

  it('is a chat about nothing', async () => {
    await assertFails({}, 'bad-input', { ...hello, messages: [] })
  })
})

describe('the context', () => {
  const count = (tokens: number): Routes => ({
    'POST /apply-template': recorded('apply-template'),
    'POST /tokenize': json({ tokens: Array.from({ length: tokens }, (_, id) => ({ id, piece: 'x' })) }),
  })
  const long: ChatRequest = { ...hello, messages: [say('user', 'word '.repeat(1500))] }

  it('is not asked about when a generous estimate fits', async () => {
    await using served = await serve(singleRoutes({ [chatRoute]: recorded('chat') }))
    await readChat(served.backend.chat(hello))
    const asked = served.replay.requests.map(({ route }) => route)
    assert.deepEqual(asked, ['GET /health', 'GET /props', 'GET /v1/models', chatRoute])
  })

  it('is refused with both numbers when the exact count does not fit', async () => {
    const { error, sent } = await assertFails(count(2048), 'context-overflow', long)
    assert.deepEqual(error.details, { model, promptTokens: 2048, contextLength: 2048 })
    assert.match(error.hint, /-c N/)
    assert.deepEqual(sent, [])
    const wished = { ...long, options: { contextLength: 1000 } }
    assert.equal((await assertFails(count(1000), 'context-overflow', wished)).error.details?.contextLength, 1000)
  })

  it('is said to be nearly full when little is left for the answer', async () => {
    const { transcript } = await chatOver({ ...count(1900), [chatRoute]: events(token('Hi', 'stop'), '[DONE]') }, long)
    assert.deepEqual(
      transcript.warnings.map(({ code }) => code),
      ['context-near-limit'],
    )
    const fits = await chatOver({ ...count(1500), [chatRoute]: events(token('Hi', 'stop'), '[DONE]') }, long)
    assert.deepEqual(fits.transcript.warnings, [])
  })

  it('is refused by the server where nobody counted, with its own numbers', async () => {
    const { error } = await assertFails({ [chatRoute]: recorded('chat-overflow') }, 'context-overflow')
    assert.deepEqual([error.details?.promptTokens, error.details?.contextLength], [3031, 2048])
  })

  it('was cut when the server read less than was counted', async () => {
    const usage = (prompt_tokens: number, completion_tokens: number) => ({
      choices: [],
      usage: { prompt_tokens, completion_tokens },
    })
    const cut = { ...count(1700), [chatRoute]: events(token('Hi', 'stop'), usage(900, 1), '[DONE]') }
    const { transcript, error } = await assertFails(cut, 'prompt-truncated', long)
    assert.equal(transcript.text, 'Hi')
    assert.deepEqual(error.details, { readTokens: 900, sentTokens: 1700, contextLength: 2048 })
    const shifted = await chatOver({ [chatRoute]: events(token('Hi', 'stop'), usage(40, 3000), '[DONE]') })
    assert.deepEqual(
      shifted.transcript.warnings.map(({ code }) => code),
      ['context-truncated'],
    )
  })

  it('is not asked about where the server does not say it, and not with images', async () => {
    const unknown = propsWith({ default_generation_settings: {}, modalities: { vision: true } })
    const routes = { 'GET /props': unknown, [chatRoute]: recorded('chat') }
    assert.equal((await chatOver(routes, long)).error, undefined)
    const seen: Message = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] }
    const seeing = { 'GET /props': propsWith({ modalities: { vision: true } }), [chatRoute]: recorded('chat') }
    assert.equal((await chatOver(seeing, { ...long, messages: [...long.messages, seen] })).error, undefined)
  })

  it('cannot be counted over answers that are none', async () => {
    await assertFails({ ...count(1), 'POST /apply-template': json({}) }, 'protocol-violation', long)
    await assertFails({ ...count(1), 'POST /tokenize': json({ tokens: ['x'] }) }, 'protocol-violation', long)
    await assertFails({ ...count(1), 'POST /tokenize': { body: 'x' } }, 'protocol-violation', long)
  })
})

describe('an answer for another model', () => {
  const path = '/models/SmolLM2-135M-Instruct.Q4_1.gguf'
  const other = { model_path: '/models/other.gguf', model_alias: '/models/other.gguf' }
  const answeredBy = (name: string): Answer => ({
    headers: recorded('chat').headers,
    body: recorded('chat').body.replaceAll(path, name),
  })

  it('is not read: the server was started anew with that one while the question was on its way', async () => {
    let broken = false
    await using served = await serve(
      singleRoutes({
        'GET /props': [recorded('props'), propsWith(other)],
        'GET /v1/models': [recorded('models'), json({ data: [{ id: '/models/other.gguf' }] })],
        [chatRoute]: (response) => {
          if (broken)
            return response.writeHead(200, recorded('chat').headers).end(answeredBy('/models/other.gguf').body)
          broken = true
          return response.socket?.resetAndDestroy()
        },
      }),
    )
    const { transcript, error } = await tryChat(served.backend.chat(hello))
    assert.ok(isLmappError(error, 'wrong-model'), String(error))
    assert.equal(error.message, `llama-server was asked for ${model} and answered for /models/other.gguf.`)
    assert.equal(transcript.text, '')
    assert.ok(transcript.statuses.every(({ phase }) => phase !== 'generating'))
  })

  it('is none under any name of the model: its path, the name of its file, its alias', async () => {
    for (const name of [path, 'SmolLM2-135M-Instruct.Q4_1.gguf', model, '/elsewhere/SmolLM2-135M-Instruct.Q4_1.gguf']) {
      const { transcript, error } = await chatOver({ [chatRoute]: answeredBy(name) })
      assert.deepEqual([error, transcript.warnings], [undefined, []], name)
    }
    const alias = { 'GET /props': propsWith({ model_alias: 'small' }), [chatRoute]: answeredBy('small') }
    assert.equal((await chatOver(alias, { ...hello, model: 'small' })).error, undefined)
  })

  it('is said of a name that the server has nowhere, and the answer is read', async () => {
    const { transcript, error } = await chatOver({ [chatRoute]: answeredBy('something') })
    assert.equal(error, undefined)
    assert.deepEqual(
      transcript.warnings.map(({ message }) => message),
      [`llama-server was asked for ${model}, and answers with something.`],
    )
  })
})

describe('what goes wrong', () => {
  it('in mid-stream by its own word: the text so far, then a typed error', async () => {
    const failed = { error: { code: 500, message: 'decode failed', type: 'server_error' } }
    const { transcript } = await assertFails({ [chatRoute]: events(token('Hel'), failed) }, 'stream-incomplete')
    assert.equal(transcript.text, 'Hel')
    await assertFails({ [chatRoute]: events(failed) }, 'engine-failed')
  })

  it('by an end without its marker, or without a reason', async () => {
    const whole = recorded('chat')
    const { transcript } = await assertFails(
      { [chatRoute]: { ...whole, body: whole.body.replace('data: [DONE]', '') } },
      'stream-incomplete',
    )
    assert.notEqual(transcript.text, '')
    await assertFails({ [chatRoute]: events(token('Hi'), '[DONE]') }, 'stream-incomplete')
  })

  it('by a connection that breaks: before the first token it is a failed request', async () => {
    for (const [fraction, code] of [
      [0.05, 'engine-failed'],
      [0.7, 'engine-died'],
    ] as const) {
      const begin = startOf(recorded('chat'), fraction)
      await assertFails(
        {
          [chatRoute]: (response, request) => {
            begin(response, request)
            setImmediate(() => response.destroy())
          },
        },
        code,
      )
    }
  })

  it('by bytes that are no answer', async () => {
    const headers = { 'content-type': 'text/event-stream' }
    for (let round = 0; round < 20; round += 1) {
      const noise: Answer = { headers, body: randomBytes(500 * round).toString('latin1') }
      const { error } = await chatOver({ [chatRoute]: noise })
      assert.ok(isLmappError(error), String(error))
    }
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    await assertFails({ [chatRoute]: events(nested, token('Hi', 'stop'), '[DONE]') }, 'stream-malformed')
    await assertFails({ [chatRoute]: { headers: { 'content-type': 'text/html' }, body: '<p>' } }, 'backend-refused')
  })
})

describe('ending a chat', () => {
  it('drops the connection, and finishes as cancelled with what came', async () => {
    const { promise: dropped, resolve } = Promise.withResolvers<void>()
    await using served = await serve(
      singleRoutes({
        [chatRoute]: (response, request) => {
          response.once('close', resolve)
          startOf(recorded('chat'), 0.8)(response, request)
        },
      }),
    )
    const abort = new AbortController()
    const transcript = await readChat(served.backend.chat(hello, { signal: abort.signal }), (_, part) => {
      if (part.type === 'text-delta') abort.abort()
    })
    assert.equal(finish(transcript).reason, 'cancelled')
    assert.notEqual(transcript.text, '')
    await dropped
    assert.equal((await served.backend.isRunning()).active, 0)
  })

  it('by stop throws that it was stopped', async () => {
    await using served = await serve(singleRoutes({ [chatRoute]: startOf(recorded('chat'), 0.8) }))
    const { error } = await tryChat(served.backend.chat(hello), async (_, part) => {
      if (part.type === 'text-delta') await served.backend.stop()
    })
    assert.ok(isLmappError(error, 'backend-stopped'))
  })
})
