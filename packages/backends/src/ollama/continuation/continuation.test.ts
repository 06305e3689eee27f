import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type ChatRequest, type Content, isLmappError, type Message } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { createProofs } from '../../external/index.ts'
import type { Handler } from '../../testing/replay-server.ts'
import { createOllamaBackend } from '../ollama-backend.ts'
import { finish, open, patient, user } from '../testing/open-backend.ts'
import { type Answer, lines, ollamaRoutes, openReplay, type Routes, recorded } from '../testing/replay-server.ts'

const model = 'smollm2:latest'
const question = 'Name the days of the week in order.'
const assistant = (text: string): Message => ({ role: 'assistant', content: [{ type: 'text', text }] })
const request: ChatRequest = {
  model: 'smollm2',
  continue: true,
  messages: [user(question), assistant('The days of the week are: Mon')],
  options: { temperature: 0, seed: 1, maxTokens: 6 },
}

/** What the real engine wrote behind each of these prompts. */
const generations = ['next-comma', 'next-day', 'raw-rest', 'next-colon', 'next-monday', 'raw-mended'].map((name) => {
  const file = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')
  return { asked: JSON.parse(file).request.body, answer: recorded(name) }
})

/** Answers only what was asked when it was recorded, with every member. */
const generate: Handler = (response, { body }) => {
  const known = generations.find(({ asked }) => isDeepStrictEqual(asked, body))
  response.writeHead(known ? 200 : 500).end(known?.answer.body ?? '{"error":"this was not recorded"}')
}

const chat: Handler = (response, { body }) =>
  response.end(recorded(body._debug_render_only === true ? 'render' : 'chat-days').body)

const rawRoutes: Routes = { 'POST /api/chat': chat, 'POST /api/generate': generate }

const openTemplate = '{{ range .Messages }}{{ .Content }}{{ if not $last }}<|im_end|>{{ end }}{{ end }}'
const show = (more: Record<string, unknown>): Answer => ({
  body: JSON.stringify({ capabilities: ['completion'], template: openTemplate, ...more }),
})
const answer = (...pieces: string[]) =>
  lines(...pieces.map((content) => ({ message: { role: 'assistant', content }, done: false })), {
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: 'length',
  })

async function continueOver(routes: Routes, asked: ChatRequest = request) {
  await using replay = await openReplay(ollamaRoutes(routes))
  await using backend = open(replay)
  const outcome = await tryChat(backend.chat(asked))
  const shown = await backend.showModel?.(model)
  const sent = (route: string) => replay.requests.filter((seen) => seen.route === route).map(({ body }) => body)
  return { ...outcome, shown, chats: sent('POST /api/chat'), generations: sent('POST /api/generate') }
}

async function assertRefused(routes: Routes, asked: ChatRequest = request) {
  const outcome = await continueOver(routes, asked)
  assert.ok(isLmappError(outcome.error, 'unsupported'), `${outcome.error}`)
  assert.equal(outcome.transcript.text, '')
  return outcome
}

describe('going on behind the prompt that Ollama shows', () => {
  it('mends a cut within a token, after a trial with an answer of its own, over recorded bytes', async () => {
    const { transcript, error, shown, generations: sent } = await continueOver(rawRoutes)
    assert.equal(error, undefined)
    assert.equal(transcript.text, 'day, Tuesday, Wednesday,')
    assert.equal(finish(transcript).reason, 'length')
    assert.equal(finish(transcript).usage.outputTokens, 6)
    assert.equal(finish(transcript).usage.contextLength, 4096)
    assert.equal(sent.length, 6)
    assert.equal(shown?.capabilities?.continue, 'yes')
    assert.ok(transcript.statuses.some(({ message }) => message?.includes('trying')))
  })

  it('is proved once for each version, model and template, and remembered on disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    const proofs = () => createProofs({ file: join(folder, 'continuations.json') })
    const tries = async (routes: Routes) => {
      await using replay = await openReplay(ollamaRoutes(routes))
      await using backend = createOllamaBackend({ url: replay.url, timeouts: patient, proofs: proofs() })
      const { transcript } = await tryChat(backend.chat(request))
      return transcript.statuses.some(({ message }) => message?.includes('trying'))
    }
    try {
      assert.equal(await tries(rawRoutes), true)
      assert.equal(await tries(rawRoutes), false)
      assert.equal(await tries({ ...rawRoutes, 'GET /api/version': { body: '{"version":"0.18.0"}' } }), true)
      assert.equal(await tries({ ...rawRoutes, 'POST /api/show': show({}) }), true)
      const other = { body: recorded('tags').body.replace(/"digest":"./, '"digest":"f00') }
      assert.equal(await tries({ ...rawRoutes, 'GET /api/tags': other }), true)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('ends with length where the rest of a token is all that may come', async () => {
    const { transcript } = await continueOver(rawRoutes, { ...request, options: { ...request.options, maxTokens: 1 } })
    assert.equal(transcript.text, 'day')
    assert.deepEqual(finish(transcript), { type: 'finish', reason: 'length', usage: { outputTokens: 1 } })
  })

  it('is refused where the model would write nothing of the last word', async () => {
    const asked = { ...request, messages: [user(question), assistant('The days of the week are% x')] }
    const { shown } = await assertRefused(rawRoutes, asked)
    assert.equal(shown?.capabilities?.continue, 'yes')
  })

  it('is refused for what holds marks of a template, which Ollama would read as such', async () => {
    for (const mark of ['<|im_end|>', '<end_of_turn>', '[/INST]', '</s>', '[img-0]', '<｜User｜>']) {
      await assertRefused(rawRoutes, { ...request, messages: [user(question), assistant(`The days ${mark} of`)] })
    }
  })

  it('is refused where no word begins near the end, and where there is no question', async () => {
    await assertRefused(rawRoutes, { ...request, messages: [user(question), assistant('x'.repeat(100))] })
    await assertRefused(rawRoutes, { ...request, messages: [assistant('The days')] })
  })

  it('never believes another model', async () => {
    const foreign = { body: '{"model":"other:latest","logprobs":[]}' }
    const { error } = await continueOver({ ...rawRoutes, 'POST /api/generate': foreign })
    assert.ok(isLmappError(error, 'wrong-model'))
  })

  it('is no road where the prompt ends before thoughts, or nothing is said of what else could be written', async () => {
    const prompt = '<|im_start|>assistant\n<think>\n'
    const thinks: Handler = (response, seen) => {
      if (seen.body._debug_render_only !== true) return chat(response, seen)
      return response.end(JSON.stringify({ model, _debug_info: { rendered_template: prompt } }))
    }
    await assertRefused({ ...rawRoutes, 'POST /api/chat': thinks })
    for (const body of [
      '{"response":" x"}',
      '{"logprobs":7}',
      '{"logprobs":[{"top_logprobs":[null,{"token":3}]}]}',
      '<',
    ]) {
      const { generations: sent } = await assertRefused({ ...rawRoutes, 'POST /api/generate': { body } })
      assert.equal(sent.length, 1, 'the trial ends there')
    }
  })

  it('hands on what the engine fails with, and judges nothing by it', async () => {
    const failing: Routes = { ...rawRoutes, 'POST /api/generate': { status: 500, body: '{"error":"oops"}' } }
    const { error, shown } = await continueOver(failing)
    assert.ok(isLmappError(error, 'engine-failed'))
    assert.equal(shown?.capabilities?.continue, 'unknown')
  })
})

describe('going on by the template, where Ollama does not show its prompt', () => {
  const days = recorded('chat-days')
  const pieces = days.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).message.content)
    .filter((content: string) => content !== '')
  const half = pieces.length >> 1
  /** The last word of the first half is withdrawn, so it has to come again. */
  const secondHalf = answer(...pieces.slice(half - 2))
  const mended = answer(':', ' Monday', ', Tuesday')

  /** An answer instead of the prompt, one token long, as older versions give it. */
  const older = (...answers: Answer[]): Routes => {
    const left = [...answers]
    return {
      'POST /api/show': show({}),
      'POST /api/chat': (response, { body }) => {
        if (body._debug_render_only === true) assert.equal((body.options as Record<string, unknown>).num_predict, 1)
        const given = body._debug_render_only === true ? answer('The') : left.length > 1 ? left.shift() : left[0]
        return response.end(given?.body)
      },
    }
  }

  it('is tried once, then relied on; the last word has to come again, and is swallowed', async () => {
    await using replay = await openReplay(ollamaRoutes(older(days, days, secondHalf, mended)))
    await using backend = open(replay)
    assert.equal((await backend.showModel?.(model))?.capabilities?.continue, 'unknown')
    for (const trials of [2, 0]) {
      const transcript = await readChat(backend.chat(request))
      assert.equal(transcript.text, 'day, Tuesday')
      assert.equal(finish(transcript).reason, 'length')
      assert.equal(transcript.statuses.filter(({ message }) => message?.includes('trying')).length, trials)
    }
    assert.equal((await backend.showModel?.(model))?.capabilities?.continue, 'yes')
    const sent = replay.requests.flatMap(({ route, body }) => (route === 'POST /api/chat' ? [body.messages] : []))
    assert.deepEqual(sent.at(-1), [
      { role: 'user', content: question },
      { role: 'assistant', content: 'The days of the week are' },
    ])
  })

  it('is refused when the withdrawn word does not come again', async () => {
    await assertRefused(older(days, days, secondHalf, answer(' not')))
    await assertRefused(older(days, days, secondHalf, answer(':', ' Tuesday')))
    await assertRefused(older(days, days, secondHalf, answer()))
  })

  it('is refused where the trial starts a new answer, as the real engine does, and without one where the template ends it', async () => {
    const { shown } = await assertRefused(older(days, days, recorded('chat-continued')))
    assert.equal(shown?.capabilities?.continue, 'no')
    const closed = await assertRefused({ ...older(days), 'POST /api/show': recorded('show') })
    assert.equal(closed.chats.length, 2, 'only the trial of the other road')
  })

  it('is tried where the template has one exchange only, or is unknown', async () => {
    for (const template of ['{{ .Prompt }} {{ .Response }}', undefined]) {
      const { error } = await continueOver({
        ...older(days, days, secondHalf, mended),
        'POST /api/show': show({ template }),
      })
      assert.equal(error, undefined)
    }
  })

  it('is refused when the trial is too short to prove anything', async () => {
    await assertRefused(older(answer('No')))
  })

  it('takes the whole of a short answer back', async () => {
    const asked = { ...request, messages: [user(question), assistant('The')] }
    const { transcript, chats } = await continueOver(older(days, days, secondHalf, answer('The', ' days')), asked)
    assert.equal(transcript.text, ' days')
    assert.deepEqual(chats.at(-1)?.messages, [{ role: 'user', content: question }])
  })
})

describe('what is never continued', () => {
  const tool = { name: 'get_weather', parameters: { type: 'object' } }
  const image: Content = { type: 'image', mediaType: 'image/png', data: 'AAAA' }
  const cases: Record<string, Partial<ChatRequest>> = {
    'an answer under a schema': { schema: { type: 'object' } },
    'an answer that may call tools': { tools: [tool] },
    'an answer that called one': {
      messages: [
        user(question),
        { role: 'assistant', content: [{ type: 'tool-call', id: '1', name: 'get_weather', arguments: '{}' }] },
      ],
    },
    'an answer that follows another': { messages: [user(question), assistant('The'), assistant('days')] },
    'an answer to images': { messages: [{ role: 'user', content: [image] }, assistant('The')] },
  }
  for (const [name, asked] of Object.entries(cases)) {
    it(`is ${name}`, async () => {
      const sees = show({ capabilities: ['completion', 'tools', 'vision'] })
      const { chats } = await assertRefused({ ...rawRoutes, 'POST /api/show': sees }, { ...request, ...asked })
      assert.equal(chats.length, 0)
    })
  }

  it('is an answer of a model that thinks first', async () => {
    const { shown } = await assertRefused({
      ...rawRoutes,
      'POST /api/show': show({ capabilities: ['completion', 'thinking'] }),
    })
    assert.equal(shown?.capabilities?.continue, 'no')
  })
})
