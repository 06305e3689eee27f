import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Backend, type ChatRequest, type ErrorCode, isLmappError, type Message, type Part } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { finish, open, user } from './testing/open-backend.ts'
import { lines, ollamaRoutes, openReplay, type Routes, recorded, startOf } from './testing/replay-server.ts'

const model = 'smollm2:latest'
const hello: ChatRequest = { model: 'smollm2', messages: [user('Say hello.')] }

async function chatOver(routes: Routes, request: ChatRequest = hello) {
  await using replay = await openReplay(ollamaRoutes(routes))
  await using backend = open(replay)
  const outcome = await tryChat(backend.chat(request))
  const sent = replay.requests.filter(({ route }) => route === 'POST /api/chat').map(({ body }) => body)
  return { ...outcome, sent, replay }
}

async function assertFails(routes: Routes, code: ErrorCode, request: ChatRequest = hello) {
  const { transcript, error } = await chatOver(routes, request)
  assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
  assert.equal(transcript.finishes.length, 0)
  return { transcript, error }
}

const token = (content: string) => ({ model, message: { role: 'assistant', content }, done: false })
const end = { model, message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' }

describe('a chat over recorded bytes', () => {
  it('gives the text in deltas, the phases, the count of tokens and the times', async () => {
    const { transcript } = await chatOver({ 'POST /api/chat': recorded('chat') })
    const texts = recorded('chat')
      .body.trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(transcript.text, texts.map(({ message }) => message.content).join(''))
    assert.ok(transcript.deltas.length > 5)
    const last = texts.at(-1)
    assert.deepEqual(finish(transcript), {
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: last.prompt_eval_count, outputTokens: last.eval_count, contextLength: 4096 },
      timings: {
        loadMs: last.load_duration / 1e6,
        promptMs: last.prompt_eval_duration / 1e6,
        generationMs: last.eval_duration / 1e6,
      },
    })
  })

  for (const [ps, phase] of [
    ['ps-empty', 'loading'],
    ['ps-loaded', 'prompt'],
  ] as const) {
    it(`says ${phase} while no header comes, as the list of loaded models has it (${ps})`, async () => {
      const { promise: told, resolve: tell } = Promise.withResolvers<void>()
      await using replay = await openReplay(
        ollamaRoutes({
          'GET /api/ps': recorded(ps),
          'POST /api/chat': async (response) => {
            await told
            response.end(recorded('chat').body)
          },
        }),
      )
      await using backend = open(replay)
      const { statuses } = await readChat(backend.chat(hello), (_, part) => {
        if (part.type === 'status' && part.phase === phase) tell()
      })
      assert.deepEqual(
        statuses.map((status) => status.phase),
        ['connecting', phase, 'generating'],
      )
    })
  }

  it('finishes with length when the answer was cut', async () => {
    const { transcript } = await chatOver({ 'POST /api/chat': recorded('chat-length') })
    assert.equal(finish(transcript).reason, 'length')
  })

  it('counts what came from the cache as read', async () => {
    const { transcript } = await chatOver({ 'POST /api/chat': [recorded('chat-cached')] })
    const first = await chatOver({ 'POST /api/chat': [recorded('chat-length')] })
    assert.equal(finish(transcript).usage.inputTokens, finish(first.transcript).usage.inputTokens)
  })

  it('names the models that are there when one is not', async () => {
    const routes = { 'POST /api/chat': recorded('chat-missing'), 'POST /api/show': recorded('show-missing') }
    const { error } = await assertFails(routes, 'model-not-found', { ...hello, model: 'nope' })
    assert.deepEqual(error.details?.known, [model])
    assert.equal(error.details?.name, 'nope:latest')
    assert.doesNotMatch(error.hint, /nope/, 'who calls knows by which name to fetch it')
  })

  it('refuses what the model cannot', async () => {
    const tools = [{ name: 'get_weather', parameters: { type: 'object' } }]
    await assertFails({ 'POST /api/chat': recorded('chat-tools') }, 'unsupported', { ...hello, tools })
    const image: Message = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] }
    await assertFails({}, 'unsupported', { ...hello, messages: [image] })
  })

  it('says that a prompt does not fit, whoever finds out', async () => {
    await assertFails({ 'POST /api/chat': recorded('chat-overflow') }, 'context-overflow')
    const messages = [user('word '.repeat(600))]
    const set = await assertFails({}, 'context-overflow', { ...hello, messages, options: { contextLength: 512 } })
    assert.match(set.error.hint, /num_ctx/)
  })

  it('proposes no longer context than the model has', async () => {
    const all = [user('word '.repeat(20_000))]
    const found = await assertFails({}, 'context-overflow', { ...hello, messages: all })
    const told = await assertFails({ 'POST /api/chat': recorded('chat-overflow') }, 'context-overflow', {
      ...hello,
      options: { contextLength: 1_000_000 },
    })
    for (const { error } of [found, told]) assert.match(error.hint, /a model with a longer context/)
  })

  it('proves by the count of the engine that it cut the prompt', async () => {
    const { transcript, error } = await assertFails(
      { 'POST /api/chat': recorded('chat-truncated') },
      'prompt-truncated',
      {
        ...hello,
        messages: [user('one two three four five six seven eight nine ten '.repeat(10))],
      },
    )
    assert.equal(transcript.text, 'One')
    assert.deepEqual(error.details, { readTokens: 64, sentTokens: 100, contextLength: 4096 })
  })

  it('warns when only an estimate says that the prompt was cut', async () => {
    const cut = { ...end, prompt_eval_count: 10, eval_count: 1 }
    const { transcript } = await chatOver(
      { 'POST /api/chat': lines(token('Hm'), cut) },
      { ...hello, messages: [user('漢字'.repeat(100))] },
    )
    assert.deepEqual(
      transcript.warnings.map(({ code }) => code),
      ['context-truncated'],
    )
    assert.equal(finish(transcript).reason, 'stop')
  })

  it('only warns where the version is known to leave out what was cached', async () => {
    const cut = { ...end, prompt_eval_count: 10 }
    const messages = [user('word '.repeat(100))]
    const old = { 'GET /api/version': { body: '{"version":"0.30.0"}' }, 'POST /api/chat': lines(token('Hm'), cut) }
    const { transcript } = await chatOver(old, { ...hello, messages })
    assert.deepEqual(
      transcript.warnings.map(({ code }) => code),
      ['context-truncated'],
    )
  })

  it('adds processed and cached tokens where they are counted apart', async () => {
    const apart = { ...end, prompt_eval_count: 3, prompt_eval_cached_count: 200 }
    const together = { ...end, prompt_eval_count: 203, prompt_eval_cached_count: 200 }
    for (const counted of [apart, together]) {
      const { transcript } = await chatOver({ 'POST /api/chat': lines(token('Hm'), counted) })
      assert.deepEqual(finish(transcript).usage, { inputTokens: 203, cachedTokens: 200, contextLength: 4096 })
    }
  })
})

describe('what is sent', () => {
  it('carries every message, tool, image, schema and option under the names of Ollama', async () => {
    const { sent } = await chatOver(
      { 'POST /api/chat': recorded('chat-schema'), 'POST /api/show': { status: 404, body: '' } },
      {
        model: 'smollm2',
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look: ' },
              { type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'A' },
              { type: 'image', mediaType: 'image/png', data: 'AAAA' },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'reasoning', text: 'I look.' },
              { type: 'tool-call', id: 'c1', name: 'look', arguments: '{"at":"it"}' },
              { type: 'tool-call', id: 'c2', name: 'look', arguments: '' },
              { type: 'tool-call', id: 'c3', name: 'look', arguments: 'at it' },
            ],
          },
          {
            role: 'tool',
            content: [
              { type: 'tool-result', id: 'c1', name: 'look', text: 'seen' },
              { type: 'tool-result', id: 'c2', name: 'look', text: 'nothing', isError: true },
            ],
          },
        ],
        tools: [{ name: 'look', description: 'Looks.', parameters: { type: 'object' } }],
        schema: { type: 'object' },
        reasoning: false,
        options: {
          temperature: 0.5,
          topP: 0.9,
          topK: 40,
          minP: 0.1,
          repeatPenalty: 1.1,
          presencePenalty: 0.2,
          frequencyPenalty: 0.3,
          seed: 7,
          maxTokens: 32,
          stop: ['END'],
          contextLength: 2048,
        },
      },
    )
    assert.deepEqual(sent, [
      {
        model,
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Look: a.txt\n```\nA\n```\n\n', images: ['AAAA'] },
          {
            role: 'assistant',
            content: '',
            thinking: 'I look.',
            tool_calls: [
              { id: 'c1', function: { name: 'look', arguments: { at: 'it' } } },
              { id: 'c2', function: { name: 'look', arguments: {} } },
              { id: 'c3', function: { name: 'look', arguments: { arguments: 'at it' } } },
            ],
          },
          { role: 'tool', content: 'seen', tool_name: 'look', tool_call_id: 'c1' },
          { role: 'tool', content: 'nothing', tool_name: 'look', tool_call_id: 'c2' },
        ],
        stream: true,
        truncate: false,
        shift: false,
        tools: [
          { type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } } },
        ],
        format: { type: 'object' },
        think: false,
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
          stop: ['END'],
          num_ctx: 2048,
        },
      },
    ])
  })

  it('refuses a request that is none', async () => {
    await assertFails({}, 'bad-input', { ...hello, messages: [] })
    await assertFails({}, 'bad-input', { ...hello, continue: true })
    await assertFails({}, 'bad-input', { ...hello, options: { topK: 1.5 } })
  })

  it('always sets the context: enough, in steps, at most what the model has', async () => {
    const contextFor = async (request: Partial<ChatRequest>, routes: Routes = {}) => {
      const { sent, transcript } = await chatOver(
        { 'POST /api/chat': recorded('chat'), ...routes },
        { ...hello, ...request },
      )
      return { options: sent[0]?.options, warnings: transcript.warnings.map(({ code }) => code).slice(0, 1) }
    }
    const context = (length: number) => ({ options: { num_ctx: length }, warnings: [] })
    assert.deepEqual(await contextFor({}), context(4096))
    assert.deepEqual(await contextFor({ messages: [user('a'.repeat(6000))] }), context(8192))
    assert.deepEqual(await contextFor({ options: { maxTokens: 5000 } }), {
      options: { num_ctx: 8192, num_predict: 5000 },
      warnings: [],
    })
    assert.deepEqual((await contextFor({ messages: [user('a'.repeat(20_000))] })).warnings, ['context-near-limit'])
    assert.deepEqual(await contextFor({ options: { contextLength: 100_000 } }), {
      options: { num_ctx: 8192 },
      warnings: ['unsupported-setting'],
    })
    const preset = { body: JSON.stringify({ parameters: 'num_ctx    6000\nstop "x"' }) }
    assert.deepEqual(await contextFor({}, { 'POST /api/show': preset }), context(6000))
    const loaded = { body: JSON.stringify({ models: [{ model, context_length: 7000 }] }) }
    assert.deepEqual(await contextFor({}, { 'GET /api/ps': loaded }), context(7000))
  })

  it('keeps the larger context of an earlier chat, so that the model is not loaded again', async () => {
    await using replay = await openReplay(ollamaRoutes({ 'POST /api/chat': recorded('chat') }))
    await using backend = open(replay)
    await readChat(backend.chat({ ...hello, options: { maxTokens: 5000 } }))
    await readChat(backend.chat(hello))
    const second = await replay.seen('POST /api/chat', 2)
    assert.deepEqual(second.body.options, { num_ctx: 8192 })
    assert.equal(replay.requests.filter(({ route }) => route === 'POST /api/show').length, 1)
  })

  it('warns of what Ollama cannot be told', async () => {
    const tools = [{ name: 'look', parameters: {} }]
    for (const toolChoice of ['required', { name: 'look' }] as const) {
      const { transcript } = await chatOver({ 'POST /api/chat': recorded('chat') }, { ...hello, tools, toolChoice })
      assert.deepEqual(
        transcript.warnings.map(({ setting }) => setting),
        ['toolChoice'],
      )
    }
    const none = await chatOver({ 'POST /api/chat': recorded('chat') }, { ...hello, tools, toolChoice: 'none' })
    assert.equal(none.sent[0]?.tools, undefined)
    const thinking = await chatOver({ 'POST /api/chat': recorded('chat') }, { ...hello, reasoning: true })
    assert.deepEqual(
      thinking.transcript.warnings.map(({ setting }) => setting),
      ['reasoning'],
    )
    assert.equal(thinking.sent[0]?.think, undefined)
  })

  it('asks for plain thinking where the model knows no levels', async () => {
    const thinker = { body: JSON.stringify({ capabilities: ['completion', 'thinking'] }) }
    const noLevels = { status: 400, body: '{"error":"think value \\"high\\" is not supported for this model"}' }
    const { sent, transcript } = await chatOver(
      { 'POST /api/show': thinker, 'POST /api/chat': [noLevels, recorded('chat')] },
      { ...hello, reasoning: 'high' },
    )
    assert.deepEqual(
      sent.map(({ think }) => think),
      ['high', true],
    )
    assert.deepEqual(
      transcript.warnings.map(({ setting }) => setting),
      ['reasoning'],
    )
  })
})

describe('log probabilities', () => {
  const told = (parts: readonly Part[]) =>
    parts.flatMap((part) => (part.type === 'text-delta' ? [[part.text, part.logprobs?.map(({ token }) => token)]] : []))

  it('come with the text, also where several tokens are one character, over recorded bytes', async () => {
    const asked = { ...hello, options: { logprobs: 3 } }
    const { transcript, sent } = await chatOver({ 'POST /api/chat': recorded('chat-logprobs') }, asked)
    assert.deepEqual([sent[0]?.logprobs, sent[0]?.top_logprobs], [true, 3])
    const deltas = transcript.parts.flatMap((part) => (part.type === 'text-delta' ? [part] : []))
    const tokens = deltas.flatMap(({ logprobs = [] }) => logprobs)
    assert.equal(tokens.length, finish(transcript).usage.outputTokens)
    assert.ok(deltas.some(({ logprobs = [] }) => logprobs.length > 1))
    assert.ok(tokens.every(({ logprob, top }) => logprob < 0 && top?.length === 3))
    assert.deepEqual(transcript.warnings, [])
  })

  it('wait for their text, and those of thoughts are left out', async () => {
    const of = (message: object, ...tokens: string[]) => ({
      ...{ model, message: { role: 'assistant', content: '', ...message }, done: false },
      logprobs: tokens.map((each) => ({ token: each, logprob: -1 })),
    })
    const stream = lines(
      of({ thinking: 'Hm.' }, 'Hm.'),
      of({}, 'a'),
      of({ content: 'ab' }, 'b'),
      of({ content: 'c' }),
      end,
    )
    const { transcript } = await chatOver({ 'POST /api/chat': stream })
    assert.deepEqual(told(transcript.parts), [
      ['ab', ['a', 'b']],
      ['c', undefined],
    ])
  })

  it('are a warning with versions that do not know them, and not asked for', async () => {
    for (const [version, knows] of [
      ['0.12.10', false],
      ['0.9.6', false],
      ['0.11.0-rc1', false],
      ['0.12.11', true],
      ['0.13.0', true],
      ['0.0.0', true],
      ['1.0.0', true],
    ] as const) {
      const routes = { 'GET /api/version': { body: JSON.stringify({ version }) }, 'POST /api/chat': recorded('chat') }
      await using replay = await openReplay(ollamaRoutes(routes))
      await using backend = open(replay)
      assert.equal((await backend.getInfo()).capabilities.logprobs, knows ? 'yes' : 'no', version)
      const { warnings } = await readChat(backend.chat({ ...hello, options: { logprobs: 0 } }))
      assert.deepEqual(
        warnings.map(({ setting }) => setting),
        knows ? [] : ['options.logprobs'],
      )
      const body = replay.requests.find(({ route }) => route === 'POST /api/chat')?.body
      assert.deepEqual([body?.logprobs, body?.top_logprobs], knows ? [true, 0] : [undefined, undefined])
    }
  })

  it('are of so many alternatives, and not of half a one', async () => {
    await assertFails({}, 'bad-input', { ...hello, options: { logprobs: 0.5 } })
  })
})

describe('what the stream may hold', () => {
  it('gives thoughts apart, and tool calls whole', async () => {
    const call = { id: 'call_1', function: { name: 'get_weather', arguments: { city: 'Paris' } } }
    const stream = lines(
      { message: { role: 'assistant', content: '', thinking: 'Hm.' }, done: false },
      { message: { role: 'assistant', content: '', tool_calls: [call, { function: { name: 'now' } }] }, done: false },
      end,
    )
    const { transcript } = await chatOver({ 'POST /api/chat': stream })
    assert.equal(transcript.reasoning, 'Hm.')
    const [first, second] = transcript.toolCalls
    assert.deepEqual(first, { type: 'tool-call', id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' })
    assert.equal(second?.arguments, '{}')
    assert.match(second?.id ?? '', /^call_/)
    assert.equal(finish(transcript).reason, 'tool-calls')
  })

  it('takes a missing reason for a normal end, and an unknown one for another', async () => {
    for (const [given, reason] of [
      ['', 'stop'],
      [undefined, 'stop'],
      ['unload', 'other'],
    ] as const) {
      const { transcript } = await chatOver({
        'POST /api/chat': lines(token('Hi'), '', { ...end, done_reason: given }),
      })
      assert.equal(finish(transcript).reason, reason)
    }
  })

  it('is incomplete without its end marker, however cleanly it ends', async () => {
    const { transcript } = await assertFails(
      { 'POST /api/chat': lines(token('Hel'), token('lo')) },
      'stream-incomplete',
    )
    assert.equal(transcript.text, 'Hello')
    await assertFails(
      { 'POST /api/chat': lines(token('Hi'), { ...token(''), done_reason: 'stop' }) },
      'stream-incomplete',
    )
  })

  it('is malformed when one line is no message, after all that is good', async () => {
    const { transcript, error } = await assertFails(
      { 'POST /api/chat': lines(token('Hel'), '<html>', token('lo'), end) },
      'stream-malformed',
    )
    assert.equal(transcript.text, 'Hello')
    assert.deepEqual(error.details, { line: '<html>' })
    await assertFails({ 'POST /api/chat': lines(token('Hel'), '"text"', end) }, 'stream-malformed')
  })

  it('is incomplete when it was cut within a line', async () => {
    const cut = lines(token('Hel'), '{"message":{"content":"l')
    const { transcript, error } = await assertFails({ 'POST /api/chat': cut }, 'stream-incomplete')
    assert.equal(transcript.text, 'Hel')
    assert.ok(error.details?.line)
  })

  it('is malformed when a line does not end', async () => {
    const endless = (response: import('node:http').ServerResponse) => {
      const more = () => void response.write('x'.repeat(1024 * 1024), more)
      response.write(`${JSON.stringify(token('Hi'))}\n`)
      more()
    }
    const { transcript } = await assertFails({ 'POST /api/chat': endless }, 'stream-malformed')
    assert.equal(transcript.text, 'Hi')
  })

  it('says what an error line says: before the first token a failure, after it the end of an answer', async () => {
    const error = (text: string) => lines({ error: text })
    const later = (text: string) => lines(token('Hi'), { error: text })
    const crash = 'an error was encountered while running the model: unexpected EOF'
    await assertFails({ 'POST /api/chat': error('boom') }, 'engine-failed')
    await assertFails({ 'POST /api/chat': error('llama runner process has terminated') }, 'model-load-failed')
    await assertFails({ 'POST /api/chat': later('boom') }, 'stream-incomplete')
    const { transcript, error: died } = await assertFails({ 'POST /api/chat': later(crash) }, 'engine-died')
    assert.equal(transcript.text, 'Hi')
    assert.deepEqual(died.details, { said: crash })
  })
})

describe('an engine that fails', () => {
  it('died when the connection breaks in the middle, and failed when it breaks before', async () => {
    const { promise: read, resolve: tell } = Promise.withResolvers<void>()
    await using replay = await openReplay(
      ollamaRoutes({
        'POST /api/chat': async (response) => {
          response.write(`${JSON.stringify(token('Hi'))}\n`)
          await read
          response.socket?.resetAndDestroy()
        },
      }),
    )
    await using backend = open(replay)
    const { transcript, error } = await tryChat(backend.chat(hello), ({ deltas }) => {
      if (deltas.length > 0) tell()
    })
    assert.ok(isLmappError(error, 'engine-died'))
    assert.equal(transcript.text, 'Hi')
    await assertFails({ 'POST /api/chat': (response) => void response.socket?.resetAndDestroy() }, 'engine-failed')
    const afterHeaders: Routes = {
      'POST /api/chat': (response) => void response.write('\n', () => response.socket?.end()),
    }
    await assertFails(afterHeaders, 'engine-failed')
  })

  for (const [status, said, code] of [
    [400, 'invalid options', 'bad-input'],
    [401, 'unauthorized', 'unauthorized'],
    [403, '', 'forbidden'],
    [429, 'slow down', 'rate-limited'],
    [499, 'request canceled', 'cancelled'],
    [500, 'boom', 'engine-failed'],
    [500, 'model requires more system memory (9 GiB) than is available', 'model-load-failed'],
    [503, 'server busy, please try again.  maximum pending requests exceeded', 'busy'],
  ] as const) {
    it(`answers ${status} ${said}: ${code}`, async () => {
      const body = said === '' ? '' : JSON.stringify({ error: said })
      const { error } = await assertFails({ 'POST /api/chat': { status, body } }, code)
      assert.equal(error.details?.status, status)
    })
  }

  it('hands on where to sign in', async () => {
    const body = '{"error":"unauthorized","signin_url":"https://ollama.com/connect"}'
    const { error } = await assertFails({ 'POST /api/chat': { status: 401, body } }, 'unauthorized')
    assert.equal(error.hint, 'Sign in: https://ollama.com/connect')
  })

  it('goes on without the details that Ollama does not give', async () => {
    const routes = { 'POST /api/show': { status: 500, body: '' }, 'GET /api/ps': { status: 500, body: '' } }
    const { transcript } = await chatOver({ ...routes, 'POST /api/chat': recorded('chat') })
    assert.equal(finish(transcript).reason, 'stop')
    assert.deepEqual(
      transcript.statuses.map(({ phase }) => phase),
      ['connecting', 'generating'],
    )
  })
})

describe('a chat that nobody wants any more', () => {
  const endless: Routes = { 'POST /api/chat': startOf(recorded('chat'), 0.5) }
  const silent: Routes = { 'POST /api/chat': () => {} }

  async function withEndless(
    routes: Routes,
    act: (backend: Backend, replay: Awaited<ReturnType<typeof openReplay>>) => Promise<void>,
  ) {
    await using replay = await openReplay(ollamaRoutes(routes))
    await using backend = open(replay)
    await act(backend, replay)
  }

  it('finishes cancelled when it is aborted: before it, while the model loads, in the middle', async () => {
    await withEndless(endless, async (backend, replay) => {
      const never = await readChat(backend.chat(hello, { signal: AbortSignal.abort() }))
      assert.deepEqual(never.parts, [{ type: 'finish', reason: 'cancelled', usage: {} }])
      assert.equal(replay.requests.length, 0)

      const controller = new AbortController()
      const middle = await readChat(backend.chat(hello, { signal: controller.signal }), ({ deltas }) => {
        if (deltas.length === 2) controller.abort()
      })
      assert.equal(middle.deltas.length, 2)
      assert.equal(finish(middle).reason, 'cancelled')
    })
    await withEndless(silent, async (backend, replay) => {
      const controller = new AbortController()
      const reading = readChat(backend.chat(hello, { signal: controller.signal }))
      await replay.seen('POST /api/chat')
      controller.abort()
      assert.equal(finish(await reading).reason, 'cancelled')
    })
  })

  it('drops the connection, so that Ollama stops', async () => {
    const { promise: dropped, resolve } = Promise.withResolvers<void>()
    const routes: Routes = {
      'POST /api/chat': (response, request) => {
        response.once('close', resolve)
        startOf(recorded('chat'), 0.5)(response, request)
      },
    }
    await withEndless(routes, async (backend) => {
      for await (const part of backend.chat(hello)) if (part.type === 'text-delta') break
      await dropped
      assert.equal((await backend.isRunning()).active, 0)
    })
  })

  it('drops it too when the reader leaves before the first token', async () => {
    const { promise: dropped, resolve } = Promise.withResolvers<void>()
    await withEndless(
      { 'POST /api/chat': (response) => void response.once('close', resolve) },
      async (backend, replay) => {
        for await (const part of backend.chat(hello)) {
          if (part.type !== 'status' || part.phase !== 'loading') continue
          await replay.seen('POST /api/chat')
          break
        }
        await dropped
      },
    )
  })

  it('throws backend-stopped when the backend is stopped', async () => {
    await withEndless(endless, async (backend) => {
      const { error } = await tryChat(backend.chat(hello), async ({ deltas }) => {
        if (deltas.length === 1) await backend.stop()
      })
      assert.ok(isLmappError(error, 'backend-stopped'))
      assert.equal((await backend.isRunning()).active, 0)
    })
    await withEndless(silent, async (backend, replay) => {
      const reading = tryChat(backend.chat(hello))
      await replay.seen('POST /api/chat')
      await backend.stop()
      assert.ok(isLmappError((await reading).error, 'backend-stopped'))
    })
  })
})
