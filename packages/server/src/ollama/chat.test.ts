import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { LmappError, type ToolCall } from 'lmapp-kit'
import {
  jsonOf,
  linesOf,
  makeBlind,
  type OllamaService,
  openOllama,
  type PostOptions,
  warningOf,
} from './testing/open-ollama.ts'

const png = Buffer.from('89504e470d0a1a0a0000000d', 'hex').toString('base64')
const webp = Buffer.from('RIFF\0\0\0\0WEBPVP8 ').toString('base64')
const hello = [{ role: 'user', content: 'hello' }]
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/

let ollama: OllamaService
before(async () => {
  ollama = await openOllama()
})
after(() => ollama[Symbol.asyncDispose]())

const ask = (body: object = {}, options?: PostOptions) =>
  ollama.ask('/api/chat', { model: 'dictated/tiny', messages: hello, ...body }, options)
const call = (name: string, text: string): ToolCall => ({
  type: 'tool-call',
  id: `id of ${name}`,
  name,
  arguments: text,
})

/** The request as it reaches the engine, and what the client is told. */
async function requestOf(body: object) {
  const { dictation, answer } = await ask({ stream: false, ...body })
  await dictation.say('{"a":1}')
  await dictation.finish()
  const response = await answer
  assert.equal(response.status, 200)
  await response.arrayBuffer()
  return { request: dictation.request, response }
}

describe('what is asked of a chat', () => {
  it('reaches the engine under the names that lmapp has for it', async () => {
    const { request, response } = await requestOf({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'User', content: 'Why?', images: [png, webp] },
      ],
      tools: [
        { type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } } },
        { function: { name: 'hear' } },
      ],
      think: 'low',
      options: {
        temperature: 0.5,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.1,
        repeat_penalty: 1.1,
        presence_penalty: 0.2,
        frequency_penalty: 0.3,
        seed: 7,
        num_predict: 32,
        num_ctx: 2048,
        stop: ['END', ''],
      },
      keep_alive: null,
      truncate: false,
      shift: false,
      logprobs: true,
      top_logprobs: 3,
    })
    assert.deepEqual(request.messages, [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Why?' },
          { type: 'image', mediaType: 'image/png', data: png },
          { type: 'image', mediaType: 'image/webp', data: webp },
        ],
      },
    ])
    assert.deepEqual(request.tools, [
      { name: 'look', description: 'Looks.', parameters: { type: 'object' } },
      { name: 'hear', parameters: { type: 'object', properties: {} } },
    ])
    assert.equal(request.reasoning, 'low')
    assert.deepEqual(request.options, {
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      minP: 0.1,
      repeatPenalty: 1.1,
      presencePenalty: 0.2,
      frequencyPenalty: 0.3,
      seed: 7,
      maxTokens: 32,
      contextLength: 2048,
      stop: ['END'],
      logprobs: 3,
    })
    assert.equal(warningOf(response), '')
  })

  it('is without a bound where Ollama writes one that is none', async () => {
    const unbound = { num_predict: -1, num_ctx: 0, seed: -1, top_k: -1, stop: '' }
    assert.deepEqual((await requestOf({ options: unbound })).request.options, { topK: 0 })
    assert.deepEqual((await requestOf({ options: { num_predict: -2, stop: 'END' } })).request.options, {
      stop: ['END'],
    })
    assert.deepEqual((await requestOf({ options: null, logprobs: true })).request.options, { logprobs: 0 })
  })

  it('may be a format, any JSON or that of a schema', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } } }
    assert.deepEqual((await requestOf({ format: schema })).request.schema, schema)
    assert.deepEqual((await requestOf({ format: 'json' })).request.schema, { type: 'object' })
    assert.equal((await requestOf({ format: '' })).request.schema, undefined)
  })

  it('may be to think, or not to', async () => {
    assert.equal((await requestOf({ think: true })).request.reasoning, true)
    assert.equal((await requestOf({ think: false })).request.reasoning, false)
    assert.equal((await requestOf({ think: 'max' })).request.reasoning, 'high')
    assert.equal((await requestOf({})).request.reasoning, undefined)
  })

  it('has calls of tools and their results, which belong together also without ids', async () => {
    const toolCalls = [
      { function: { index: 0, name: 'look', arguments: { at: 'it' } } },
      { id: 'mine', function: { name: 'look', arguments: '{"at":"me"}' } },
      { function: { name: 'hear' } },
    ]
    const { request } = await requestOf({
      messages: [
        ...hello,
        { role: 'assistant', content: '', thinking: 'I look.', tool_calls: toolCalls },
        { role: 'tool', content: 'heard', tool_name: 'hear' },
        { role: 'tool', content: 'seen me', tool_call_id: 'mine' },
        { role: 'tool', content: 'seen it' },
        { role: 'tool', content: 'more' },
        { role: 'user' },
      ],
    })
    assert.deepEqual(request.messages.slice(1), [
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'I look.' },
          { type: 'tool-call', id: 'call_1_0', name: 'look', arguments: '{"at":"it"}' },
          { type: 'tool-call', id: 'mine', name: 'look', arguments: '{"at":"me"}' },
          { type: 'tool-call', id: 'call_1_2', name: 'hear', arguments: '{}' },
        ],
      },
      { role: 'tool', content: [{ type: 'tool-result', id: 'call_1_2', name: 'hear', text: 'heard' }] },
      { role: 'tool', content: [{ type: 'tool-result', id: 'mine', name: 'look', text: 'seen me' }] },
      { role: 'tool', content: [{ type: 'tool-result', id: 'call_1_0', name: 'look', text: 'seen it' }] },
      { role: 'tool', content: [{ type: 'tool-result', id: 'call', name: 'tool', text: 'more' }] },
      { role: 'user', content: [{ type: 'text', text: '' }] },
    ])
  })

  it('is told of where it is left out', async () => {
    const left = { keep_alive: '5m', truncate: true, shift: true, options: { num_thread: 4, mirostat: 1, surprise: 1 } }
    const { response } = await requestOf({ ...left, surprise: 'é\n' })
    const warning = warningOf(response)
    for (const name of ['keep_alive', 'truncate', 'shift', 'surprise', 'num_thread', 'mirostat']) {
      assert.ok(warning.includes(`"${name}"`), `${name}: ${warning}`)
    }
  })
})

describe('an answer in lines', () => {
  it('has a line for each piece, and what it took in the last one', async () => {
    const { dictation, answer } = await ask()
    await dictation.push({ type: 'reasoning-delta', text: 'Hm.' })
    await dictation.push({ type: 'status', phase: 'generating' })
    for (const text of ['Ray', 'leigh']) await dictation.say(text)
    await dictation.push({
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: 9, outputTokens: 4 },
      timings: { loadMs: 1.5, promptMs: 2, generationMs: 3 },
    })
    const response = await answer
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson')
    assert.equal(response.headers.get('x-lmapp-backend'), 'dictated')
    const lines = await linesOf(response)
    const said = lines.map(({ created_at: at, total_duration: _, ...rest }) => {
      assert.match(String(at), time)
      return rest
    })
    const model = 'dictated/tiny'
    assert.deepEqual(said, [
      { model, message: { role: 'assistant', content: '', thinking: 'Hm.' }, done: false },
      { model, message: { role: 'assistant', content: 'Ray' }, done: false },
      { model, message: { role: 'assistant', content: 'leigh' }, done: false },
      {
        model,
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        load_duration: 1_500_000,
        prompt_eval_count: 9,
        prompt_eval_duration: 2_000_000,
        eval_count: 4,
        eval_duration: 3_000_000,
      },
    ])
    assert.ok(Number.isInteger(lines.at(-1)?.total_duration))
    assert.deepEqual(
      lines.map(({ created_at: at }) => at).toSorted(),
      lines.map(({ created_at: at }) => at),
    )
  })

  it('begins with its first word, while the engine goes on', async () => {
    const { dictation, answer } = await ask()
    await dictation.say('first')
    const reader = (await answer).body?.getReader()
    assert.match(Buffer.from((await reader?.read())?.value ?? '').toString(), /"content":"first".*\n$/)
    await dictation.finish('length')
    assert.match(Buffer.from((await reader?.read())?.value ?? '').toString(), /"done":true,"done_reason":"length"/)
    assert.equal((await reader?.read())?.done, true)
  })

  it('has calls of tools with arguments that are objects', async () => {
    const { dictation, answer } = await ask()
    await dictation.push(call('look', '{"at":"it"}'))
    await dictation.push(call('hear', ' '))
    await dictation.finish('tool-calls')
    const lines = await linesOf(await answer)
    assert.deepEqual(
      lines.map(({ message }) => message),
      [
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'id of look', function: { index: 0, name: 'look', arguments: { at: 'it' } } }],
        },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'id of hear', function: { index: 1, name: 'hear', arguments: {} } }],
        },
        { role: 'assistant', content: '' },
      ],
    )
    assert.equal(lines.at(-1)?.done_reason, 'stop')
  })

  for (const text of ['{"at":', '[1]', '"it"', 'null', 'at it']) {
    it(`ends with an error after a call with the arguments ${text}`, async () => {
      const { dictation, answer } = await ask()
      await dictation.say('I look.')
      await dictation.push(call('look', text))
      await dictation.push(call('hear', '{}'))
      await dictation.finish('tool-calls')
      const lines = await linesOf(await answer)
      assert.equal(lines.length, 2)
      assert.match(String(lines[1]?.error), /"look"/)
    })
  }

  it('has log probabilities, with the bytes of each token', async () => {
    const { dictation, answer } = await ask({ logprobs: true, top_logprobs: 1 })
    const logprobs = [{ token: 'é', logprob: -0.5, top: [{ token: 'e', logprob: -1 }] }]
    await dictation.push({ type: 'text-delta', text: 'é', logprobs })
    await dictation.push({ type: 'text-delta', text: 'a', logprobs: [{ token: 'a', logprob: -2 }] })
    await dictation.finish()
    const [first, second, last] = await linesOf(await answer)
    assert.deepEqual(first?.logprobs, [
      { token: 'é', logprob: -0.5, bytes: [0xc3, 0xa9], top_logprobs: [{ token: 'e', logprob: -1, bytes: [0x65] }] },
    ])
    assert.deepEqual(second?.logprobs, [{ token: 'a', logprob: -2, bytes: [0x61] }])
    assert.equal(last?.logprobs, undefined)
  })

  it('that breaks off ends with an error, and with nothing that looks like an end', async () => {
    const { dictation, answer } = await ask()
    await dictation.say('Once upon')
    dictation.fail(new LmappError('engine-died', 'The engine ended.', { hint: 'Ask again' }))
    const response = await answer
    assert.equal(response.status, 200)
    const lines = await linesOf(response)
    assert.deepEqual(lines.at(-1), { error: 'The engine ended. Ask again' })
    assert.ok(lines.every(({ done }) => done !== true))
  })

  it('that was withheld in the middle ends with an error, too', async () => {
    const { dictation, answer } = await ask()
    await dictation.say('How to')
    await dictation.finish('content-filter')
    const lines = await linesOf(await answer)
    assert.equal(lines.length, 2)
    assert.match(String(lines[1]?.error), /withheld/)
  })

  it('ends when the client leaves, unless that wanted it to go on', async () => {
    const leaving = new AbortController()
    const left = await ask({}, { signal: leaving.signal })
    await left.dictation.say('a')
    const run = ollama.service.app.runs.get((await left.answer).headers.get('x-lmapp-run') ?? '', 'guest')
    leaving.abort()
    assert.equal((await run.ended).state, 'stopped')

    const going = new AbortController()
    const detached = await ask({}, { signal: going.signal, headers: { 'x-lmapp-detach': 'on' } })
    await detached.dictation.say('a')
    const other = ollama.service.app.runs.get((await detached.answer).headers.get('x-lmapp-run') ?? '', 'guest')
    const closed = once(ollama.service.activity, 'change')
    going.abort()
    await closed
    await detached.dictation.finish()
    assert.equal((await other.ended).state, 'complete')
  })
})

describe('a whole answer', () => {
  it('is one object, with all that was said', async () => {
    const { dictation, answer } = await ask({ stream: false, logprobs: true })
    await dictation.push({ type: 'reasoning-delta', text: 'Hm.' })
    await dictation.push({ type: 'text-delta', text: 'So', logprobs: [{ token: 'So', logprob: -1 }] })
    await dictation.say('.')
    await dictation.push(call('look', '{"at":1}'))
    await dictation.finish('length')
    const response = await answer
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(response.headers.get('x-lmapp-model'), 'dictated/tiny')
    const { created_at: at, total_duration: _, eval_duration: __, ...rest } = await jsonOf(response)
    assert.match(String(at), time)
    assert.deepEqual(rest, {
      model: 'dictated/tiny',
      message: {
        role: 'assistant',
        content: 'So.',
        thinking: 'Hm.',
        tool_calls: [{ id: 'id of look', function: { index: 0, name: 'look', arguments: { at: 1 } } }],
      },
      done: true,
      done_reason: 'length',
      prompt_eval_count: 3,
      eval_count: 2,
      logprobs: [{ token: 'So', logprob: -1, bytes: [0x53, 0x6f] }],
    })
  })

  it('that is none has the status of what went wrong', async () => {
    const broken = await ask({ stream: false })
    await broken.dictation.say('Once')
    broken.dictation.fail(new LmappError('engine-died', 'The engine ended.'))
    assert.equal((await broken.answer).status, 502)
    assert.deepEqual(Object.keys(await jsonOf(await broken.answer)), ['error'])

    const odd = await ask({ stream: false })
    await odd.dictation.push(call('look', 'no JSON'))
    await odd.dictation.finish('tool-calls')
    assert.equal((await odd.answer).status, 502)

    const withheld = await ask({ stream: false })
    await withheld.dictation.say('How to')
    await withheld.dictation.finish('content-filter')
    assert.equal((await withheld.answer).status, 502)
  })
})

describe('before the first word', () => {
  it('an error has its status, also where a stream was asked for', async () => {
    const { dictation, answer } = await ask()
    dictation.fail(new LmappError('context-overflow', 'It does not fit', { hint: 'Shorten it' }))
    assert.equal((await answer).status, 400)
    assert.deepEqual(await jsonOf(await answer), { error: 'It does not fit. Shorten it' })
  })

  it('a model that nobody has is not found, in the words of Ollama', async () => {
    const { dictation, answer } = await ask({ model: 'dictated/none' })
    dictation.fail(new LmappError('model-not-found', 'No.', { details: { known: ['other', 7] } }))
    const response = await answer
    assert.equal(response.status, 404)
    assert.match(String((await jsonOf(response)).error), /^model 'dictated\/none' not found/)
  })

  it('a name with :latest that is not found stands for the one without', async () => {
    const { dictation, answer } = await ask({ model: 'dictated/tiny:latest', stream: false })
    assert.equal(dictation.request.model, 'tiny:latest')
    dictation.fail(new LmappError('model-not-found', 'No.'))
    const again = await ollama.service.backend.nextChat()
    assert.equal(again.request.model, 'tiny')
    await again.say('So.')
    await again.finish()
    assert.equal((await jsonOf(await answer)).model, 'dictated/tiny:latest')
  })

  it('what an engine leaves out that the answer rests on is refused, with the name of its field', async () => {
    const { dictation, answer } = await ask({ logprobs: true })
    const setting = 'options.logprobs'
    await dictation.push({ type: 'warning', code: 'unsupported-setting', setting, message: 'It has none.' })
    await dictation.say('So.')
    assert.equal((await answer).status, 400)
    assert.match(String((await jsonOf(await answer)).error), /^It has none\./)
  })
})

it('an image for a model that cannot see is refused by the name of the field', async () => {
  await using blind = await openOllama()
  makeBlind(blind)
  const messages = [{ role: 'user', content: 'What is it?', images: [png] }]
  for (const stream of [false, true]) {
    const response = await blind.post('/api/chat', { model: 'dictated/tiny', messages, stream })
    assert.equal(response.status, 400)
    assert.match(
      String((await jsonOf(response)).error),
      /^"messages\[\]\.images" has an image, and dictated\/tiny cannot/,
    )
  }
})

describe('keep_alive', () => {
  const empty = { model: 'dictated/tiny', messages: [] }

  it('without a message loads the model, or unloads it', async () => {
    ollama.calls.length = 0
    const loaded = await ollama.post('/api/chat', { ...empty, keep_alive: '5m' })
    const { created_at: at, ...rest } = await jsonOf(loaded)
    assert.match(String(at), time)
    const message = { role: 'assistant', content: '' }
    assert.deepEqual(rest, { model: 'dictated/tiny', message, done: true, done_reason: 'load' })
    assert.match(warningOf(loaded), /"keep_alive"/)
    const unloaded = await ollama.post('/api/chat', { model: 'dictated/tiny', keep_alive: 0 })
    assert.equal((await jsonOf(unloaded)).done_reason, 'unload')
    assert.equal(warningOf(unloaded), '')
    assert.deepEqual(ollama.calls, ['load dictated/tiny', 'unload dictated/tiny'])
    const sized = await ollama.post('/api/chat', { ...empty, options: { num_ctx: 4096, num_gpu: 1 } })
    assert.match(warningOf(sized), /"options" .* "num_gpu"/)
    const plain = await ollama.post('/api/chat', { ...empty, options: {} })
    assert.equal(warningOf(plain), '')
  })

  it('of 0 unloads the model that answered, whatever is said to that', async () => {
    const unloaded = Promise.withResolvers<string>()
    const before = ollama.service.app.models.unload
    Object.assign(ollama.service.app.models, {
      unload: async (_: unknown, ref: string) => {
        unloaded.resolve(ref)
        throw new LmappError('busy', 'It answers somebody else.')
      },
    })
    const { dictation, answer } = await ask({ model: 'tiny', keep_alive: '0s' })
    await dictation.say('So.')
    await dictation.finish()
    assert.equal((await linesOf(await answer)).at(-1)?.done, true)
    assert.equal(await unloaded.promise, 'dictated/tiny')
    assert.deepEqual(ollama.service.bugs, [])
    Object.assign(ollama.service.app.models, { unload: before })
  })

  it('is a number of seconds or a duration', async () => {
    for (const good of [-1, 0.5, 300, '300s', '1h30m', '-1m', '+1.5h', '.5s', '100µs', '1ms2us3ns']) {
      const response = await ollama.post('/api/chat', { ...empty, keep_alive: good })
      assert.equal((await jsonOf(response)).done_reason, 'load', String(good))
    }
    for (const zero of [0, -0, '0', '0s', '0h0m', '-0s']) {
      const response = await ollama.post('/api/chat', { ...empty, keep_alive: zero })
      assert.equal((await jsonOf(response)).done_reason, 'unload', String(zero))
    }
    for (const bad of ['', '5', '-1', '5x', '5m ', 'm', '1h-1m', '1'.repeat(200), true, [], {}]) {
      const response = await ollama.post('/api/chat', { ...empty, keep_alive: bad })
      assert.equal(response.status, 400, String(bad))
    }
  })
})
