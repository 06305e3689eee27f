import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Backend, type ChatRequest, isLmappError, type Message } from 'lmapp-kit'
import { readChat, type Transcript, tryChat } from 'lmapp-kit/testkit'
import { type Answer, type Handler, openReplay, type Routes } from '../testing/replay-server.ts'
import { llamaServerBackendType } from './index.ts'
import {
  events,
  eventsOf,
  json,
  model,
  patient,
  propsWith,
  recorded,
  routerRoutes,
  say,
  serve,
  singleRoutes,
} from './testing/recordings.ts'

const path = '/models/SmolLM2-135M-Instruct.Q4_1.gguf'

const request: ChatRequest = {
  model,
  continue: true,
  messages: [say('user', 'Count.'), say('assistant', 'One, two')],
  options: { temperature: 0, maxTokens: 8 },
}

const prompt = '<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\n'

/** Pieces as the tokenizer of the recordings makes them, near enough: words with the space before them. */
const tokenizeAsWords: Handler = (response, { body }) => {
  const texts = String(body.content).match(/<\|[a-z_]+\|>|\s?[^\s<]+|\s|</g) ?? []
  const marks = body.parse_special ? texts : texts.flatMap((text) => (text.startsWith('<|') ? [...text] : [text]))
  const tokens = marks.map((piece, index) => (body.with_pieces ? { id: 100 + index, piece } : 100 + index))
  response.end(JSON.stringify({ tokens }))
}

interface Native {
  content?: string
  stop?: boolean
  stop_type?: string
  [member: string]: unknown
}

function native(...chunks: (string | Native)[]): Required<Answer> {
  const last = { content: '', stop: true, stop_type: 'limit', tokens_evaluated: 20, tokens_predicted: 4 }
  const all = chunks.map((chunk) => (typeof chunk === 'string' ? { content: chunk, stop: false } : chunk))
  return events(...all, ...(all.some(({ stop, error }) => stop || error) ? [] : [last]))
}

/** The greedy answer of the recording, and what follows its first half. */
const days = eventsOf(recorded('chat-days')).flatMap(({ choices }) => {
  const [choice] = choices as { delta: { content?: string | null } }[]
  return choice?.delta.content ?? []
})
const half = days.length >> 1
/** The server writes the withdrawn word again. */
const secondHalf = native(days[half - 1] ?? '', ...days.slice(half))

function continuable(...answers: Answer[]): Routes {
  return singleRoutes({
    'POST /v1/chat/completions': recorded('chat-days'),
    'POST /apply-template': json({ prompt }),
    'POST /tokenize': tokenizeAsWords,
    'POST /completion': [secondHalf, ...answers],
  })
}

async function continueOver(routes: Routes, asked: ChatRequest = request, shownModel = model) {
  await using served = await serve(routes)
  const outcome = await tryChat(served.backend.chat(asked))
  const shown = await served.backend.showModel?.(shownModel)
  const sent = served.replay.requests.filter(({ route }) => route === 'POST /completion').map(({ body }) => body)
  return { ...outcome, shown, sent, continues: shown?.capabilities?.continue }
}

async function assertRefused(routes: Routes, asked: ChatRequest = request) {
  const { error, transcript, sent, continues } = await continueOver(routes, asked)
  assert.ok(isLmappError(error, 'unsupported'), String(error))
  assert.equal(error.details?.capability, 'continue')
  assert.equal(transcript.text, '')
  return { error, sent, continues }
}

describe('continuing an answer', () => {
  it('carries log probabilities where they were asked for, but none of what was withdrawn', async () => {
    const of = (content: string) => {
      const top_logprobs = [{ token: content, logprob: -1 }]
      return { content, stop: false, completion_probabilities: [{ token: content, logprob: -1, top_logprobs }] }
    }
    const asked = { ...request, options: { ...request.options, logprobs: 0 } }
    const { sent, transcript } = await continueOver(continuable(native(of(' two'), of(', three'))), asked)
    const { n_probs, logprobs, top_logprobs } = sent.at(-1) ?? {}
    assert.deepEqual([n_probs, logprobs, top_logprobs], [1, undefined, undefined])
    assert.deepEqual(
      transcript.parts.flatMap((part) => (part.type === 'text-delta' ? [part] : [])),
      [{ type: 'text-delta', text: ', three', logprobs: [{ token: ', three', logprob: -1 }] }],
    )
  })

  it('is tried once, with its own greedy answer, then relied on', async () => {
    await using served = await serve(continuable(native(' two', ', three')))
    assert.equal((await served.backend.showModel?.(model))?.capabilities?.continue, 'unknown')
    for (const trial of [true, false]) {
      const transcript = await readChat(served.backend.chat(request))
      assert.equal(transcript.text, ', three')
      assert.equal(
        transcript.statuses.some(({ message }) => message?.includes('trying')),
        trial,
      )
    }
    assert.equal((await served.backend.showModel?.(model))?.capabilities?.continue, 'yes')
  })

  it('sends tokens up to the last word, and a grammar that makes it come again', async () => {
    const { sent, transcript, error } = await continueOver(continuable(native(' two', ', three')))
    assert.equal(error, undefined)
    const last = sent.at(-1)
    assert.deepEqual(last, {
      model: '/models/SmolLM2-135M-Instruct.Q4_1.gguf',
      prompt: last?.prompt,
      stream: true,
      return_progress: true,
      temperature: 0,
      n_predict: 9,
      grammar: 'root ::= " two" .*',
    })
    assert.ok(Array.isArray(last.prompt) && last.prompt.every(Number.isInteger))
    const [finish] = transcript.finishes
    assert.deepEqual(finish, {
      type: 'finish',
      reason: 'length',
      usage: { inputTokens: 20, outputTokens: 3, contextLength: 2048 },
    })
  })

  it('swallows only what was withdrawn, in whichever pieces it comes', async () => {
    for (const chunks of [[' t', 'w', 'o', '!'], [' two!'], [' two', '!']]) {
      const { transcript } = await continueOver(continuable(native(...chunks)))
      assert.equal(transcript.text, '!')
    }
    const whole = { ...request, messages: [say('user', 'Count.'), say('assistant', '')] }
    assert.equal((await continueOver(continuable(native('One')), whole)).transcript.text, 'One')
  })

  it('gives recorded bytes of the real server', async () => {
    const partial = { ...request, messages: [say('user', 'Name them.'), say('assistant', 'The days of the week')] }
    const { transcript } = await continueOver(continuable(recorded('completion')), partial)
    const texts = eventsOf(recorded('completion')).map(({ content }) => content)
    assert.equal(` week${transcript.text}`, texts.join(''))
    const read = transcript.statuses.flatMap(({ progress }) => (progress ? [progress.unit] : []))
    assert.ok(read.length >= 2)
    assert.ok(Number(transcript.finishes[0]?.timings?.generationMs) > 0)
  })

  it('ends where a stop sequence begins in what is there, and adds nothing', async () => {
    const stopped = native(' t', { content: '', stop: true, stop_type: 'word' })
    const { transcript } = await continueOver(continuable(stopped))
    assert.equal(transcript.text, '')
    assert.equal(transcript.finishes[0]?.reason, 'stop')
  })

  it('does not warn a model that does not think of being told not to', async () => {
    const { transcript } = await continueOver(continuable(native(' two!')), { ...request, reasoning: false })
    assert.deepEqual([transcript.text, transcript.warnings], ['!', []])
  })

  it('says why it ended', async () => {
    for (const [stop_type, reason] of [
      ['eos', 'stop'],
      ['limit', 'length'],
      ['none', 'other'],
    ]) {
      const { transcript } = await continueOver(
        continuable(native(' two, three', { stop: true, stop_type: `${stop_type}` })),
      )
      assert.equal(transcript.finishes[0]?.reason, reason)
    }
  })
})

describe('a proof', () => {
  const backendFor = (url: string, dataDir: string) =>
    llamaServerBackendType.create({ config: { url }, environment: {} }, { timeouts: patient, dataDir })
  const continues = async (backend: Backend) => (await backend.listModels())[0]?.capabilities?.continue
  const tried = ({ statuses }: Transcript) => statuses.some(({ message }) => message?.includes('trying'))

  it('is remembered by the next backend, until version, file or template is another', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      for (const [change, before] of [
        [{}, 'unknown'],
        [{}, 'yes'],
        [{ build_info: 'b2-abc' }, 'unknown'],
        [{ chat_template: 'other {{ messages }}' }, 'unknown'],
        [{ model_path: '/models/another.gguf' }, 'unknown'],
      ] as const) {
        const answers = before === 'yes' ? { 'POST /completion': native(' two!') } : {}
        const routes = { ...continuable(native(' two!')), 'GET /props': propsWith(change), ...answers }
        await using replay = await openReplay(routes)
        await using backend = backendFor(replay.url, dataDir)
        assert.equal(await continues(backend), before)
        const transcript = await readChat(backend.chat(request))
        assert.deepEqual([transcript.text, tried(transcript)], ['!', before === 'unknown'])
        assert.equal(await continues(backend), 'yes')
      }
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('that came to nothing because the server went is not remembered', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      const reset: Handler = (response) => response.socket?.resetAndDestroy()
      await using replay = await openReplay({
        ...continuable(),
        'POST /completion': [reset, reset, secondHalf, native(' two!')],
      })
      await using backend = backendFor(replay.url, dataDir)
      assert.ok(isLmappError((await tryChat(backend.chat(request))).error, 'engine-failed'))
      assert.equal(await continues(backend), 'unknown')
      assert.equal((await readChat(backend.chat(request))).text, '!')
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })
})

describe('an answer that another model would go on with', () => {
  const other = { model_path: '/models/other.gguf', model_alias: '/models/other.gguf' }

  it('is not read: the server was started anew with that one meanwhile', async () => {
    const reset: Handler = (response) => response.socket?.resetAndDestroy()
    const { error, transcript } = await continueOver({
      ...continuable(),
      'GET /props': [recorded('props'), propsWith(other)],
      'POST /completion': [secondHalf, reset, native(' two!')],
    })
    assert.ok(isLmappError(error, 'wrong-model'), String(error))
    assert.equal(error.message, `llama-server was asked for ${model} and answered for /models/other.gguf.`)
    assert.equal(transcript.text, '')
  })

  it('is an error at its end, where the server first says so', async () => {
    const last = { stop: true, stop_type: 'limit', model: 'broken', tokens_predicted: 3 }
    const routes = routerRoutes({
      'POST /v1/chat/completions': {
        ...recorded('chat-days'),
        body: recorded('chat-days').body.replaceAll(path, 'smol'),
      },
      'POST /apply-template': json({ prompt }),
      'POST /tokenize': tokenizeAsWords,
      'POST /completion': [secondHalf, native(' two!', last)],
    })
    const { error, transcript } = await continueOver(routes, { ...request, model: 'smol' }, 'smol')
    assert.ok(isLmappError(error, 'wrong-model'), String(error))
    assert.equal(transcript.text, '!')
  })

  it('is none under the name that older servers give to any', async () => {
    const last = { stop: true, stop_type: 'limit', model: 'gpt-3.5-turbo', tokens_predicted: 3 }
    const { error, transcript } = await continueOver(continuable(native(' two!', last)))
    assert.deepEqual([error, transcript.text, transcript.warnings], [undefined, '!', []])
  })
})

describe('a continuation is refused', () => {
  it('where the trial starts a new answer, or is too short to prove anything', async () => {
    const anew = { ...continuable(), 'POST /completion': native(days[half - 1] ?? '', ' Certainly! Here they are') }
    assert.equal((await assertRefused(anew)).continues, 'no')
    const short = { ...continuable(), 'POST /v1/chat/completions': recorded('chat-again') }
    assert.equal((await assertRefused(short)).continues, 'no')
  })

  it('where what was withdrawn does not come again', async () => {
    for (const answer of [native(' three'), native(' t', { content: '', stop: true, stop_type: 'eos' })]) {
      await assertRefused(continuable(answer))
    }
  })

  it('under a schema, with tools, to images, and after another answer', async () => {
    const image: Message = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] }
    const seeing = { 'GET /props': propsWith({ modalities: { vision: true }, chat_template_caps: {} }) }
    const partial = say('assistant', 'One')
    const call: Message = { role: 'assistant', content: [{ type: 'tool-call', id: 'a', name: 'b', arguments: '{}' }] }
    for (const more of [
      { schema: { type: 'object' } },
      { tools: [{ name: 'look', parameters: {} }] },
      { messages: [say('user', 'Hi'), call] },
      { messages: [image, partial] },
      { messages: [say('user', 'Hi'), partial, partial] },
    ] satisfies Partial<ChatRequest>[]) {
      const { sent } = await assertRefused({ ...continuable(), ...seeing }, { ...request, ...more })
      assert.deepEqual(sent, [])
    }
  })

  it('with a model that thinks, unless it is asked not to', async () => {
    const chat_template = '{% if enable_thinking %}<think>{% endif %}'
    const thinking = { 'GET /props': propsWith({ chat_template }) }
    await assertRefused({ ...continuable(), ...thinking })
    const not = { ...request, reasoning: false }
    const { error, transcript } = await continueOver({ ...continuable(native(' two!')), ...thinking }, not)
    assert.equal(error, undefined)
    assert.equal(transcript.text, '!')
    const always = { 'GET /props': propsWith({ chat_template: '{{ "<think>" }}' }) }
    assert.equal((await assertRefused({ ...continuable(), ...always }, not)).continues, 'no')
    const open = { 'POST /apply-template': json({ prompt: `${prompt}<think>\n` }) }
    await assertRefused({ ...continuable(), ...thinking, ...open }, not)
  })

  it('where the answer holds marks of the template, or text that its tokens do not say', async () => {
    const marked = { ...request, messages: [say('user', 'Hi'), say('assistant', 'One <|im_end|> two')] }
    await assertRefused(continuable(), marked)
    const lower: Handler = (response, { body }) =>
      response.end(JSON.stringify({ tokens: body.with_pieces ? [{ id: 1, piece: 'one, TWO' }] : [1] }))
    await assertRefused({ ...continuable(), 'POST /tokenize': lower })
  })

  it('when nothing is there to be continued', async () => {
    const { error } = await continueOver(continuable(), { ...request, messages: [say('user', 'Hi')] })
    assert.ok(isLmappError(error, 'bad-input'))
  })
})

describe('a continuation that fails', () => {
  const after = (answer: Answer | Handler): Routes => ({
    ...continuable(),
    'POST /completion': [secondHalf, answer],
  })

  it('says that the prompt does not fit, with both numbers', async () => {
    const options = { contextLength: 3 }
    const { error } = await continueOver(continuable(), { ...request, options })
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.equal(error.details?.contextLength, 3)
    const told = await continueOver(after(recorded('completion-overflow')))
    assert.ok(isLmappError(told.error, 'context-overflow'))
    assert.deepEqual([told.error.details?.promptTokens, told.error.details?.contextLength], [3001, 2048])
  })

  it('keeps the text so far, and throws what it is', async () => {
    const cut = native(' two', ' three').body.split('data: ').slice(0, 3).join('data: ')
    const headers = { 'content-type': 'text/event-stream' }
    const failed = { error: { code: 500, message: 'decode failed', type: 'server_error' } }
    for (const [answer, code] of [
      [{ headers, body: cut }, 'stream-incomplete'],
      [native(' two', ' three', failed), 'stream-incomplete'],
      [native(' two', ' three', 'x').body.replace('{', '<'), 'stream-malformed'],
      [recorded('completion-bad-grammar'), 'bad-input'],
    ] as const) {
      const { error } = await continueOver(after(typeof answer === 'string' ? { headers, body: answer } : answer))
      assert.ok(isLmappError(error, code), `${code}: ${error}`)
    }
  })

  it('is a failed request when the connection breaks before anything new', async () => {
    const { error } = await continueOver(
      after((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: {"content":" t","stop":false}\n\n', () => response.destroy())
      }),
    )
    assert.ok(isLmappError(error, 'engine-failed'))
  })
})
