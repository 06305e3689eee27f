import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest } from '../chat-request.ts'
import { toText } from '../content.ts'
import { isLmappError, LmappError } from '../errors/lmapp-error.ts'
import { describeBackend, readChat, tryChat } from '../testkit/index.ts'
import { type BackendParts, createBackend } from './create-backend.ts'

const wordsOf = (text: string) => text.match(/\S+\s*/g) ?? []

/** Repeats what it hears: "3 times Hello" three times. */
const parrot: BackendParts = {
  name: 'parrot',
  version: '1.0.0',
  models: [{ id: 'grey', contextLength: 4096 }],
  async *chat({ messages, options = {} }) {
    const inputTokens = wordsOf(messages.map(({ content }) => toText(content)).join(' ')).length
    if (inputTokens > (options.contextLength ?? 4096)) throw new LmappError('context-overflow', 'Too many words.')
    const [, times = '1', said = ''] = /^(?:(\d+) times )?(.*)$/s.exec(toText(messages.at(-1)?.content ?? [])) ?? []
    const answer = Array(Number(times)).fill(said).join(' ')
    const stops = (options.stop ?? []).map((text) => answer.indexOf(text)).filter((at) => at >= 0)
    let outputTokens = 0
    for (const word of wordsOf(answer.slice(0, Math.min(answer.length, ...stops)))) {
      if (outputTokens === options.maxTokens) return { reason: 'length', usage: { inputTokens, outputTokens } }
      outputTokens += 1
      yield word
    }
    return { usage: { inputTokens, outputTokens } }
  },
}

await describeBackend({
  name: 'a backend of a few lines',
  open: async () => createBackend(parrot),
  model: 'grey',
  prompts: {
    question: '5 times the sea is wide and deep.',
    others: ['5 times bread is baked in an oven.', '5 times a year has twelve months.'],
    long: '5000 times la',
  },
})

const ask = (text: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'grey',
  messages: [{ role: 'user', content: [{ type: 'text', text }] }],
  ...more,
})

const code = (expected: string) => (error: unknown) => isLmappError(error) && error.code === expected

describe('createBackend', () => {
  it('takes texts and parts, leaves out what is empty, and keeps characters whole', async () => {
    const backend = createBackend({
      ...parrot,
      async *chat() {
        yield { type: 'status', phase: 'loading' }
        yield ''
        yield 'a \ud83d'
        yield '\udc1f!'
      },
    })
    const { parts } = await readChat(backend.chat(ask('')))
    assert.deepEqual(parts, [
      { type: 'status', phase: 'loading' },
      { type: 'text-delta', text: 'a ' },
      { type: 'text-delta', text: '🐟!' },
      { type: 'finish', reason: 'stop', usage: {} },
    ])
  })

  it('refuses what its capabilities deny, before the author is asked', async () => {
    const image = { type: 'image' as const, mediaType: 'image/png', data: '' }
    const refused: Partial<ChatRequest>[] = [
      { continue: true },
      { tools: [{ name: 'f', parameters: {} }] },
      { schema: {} },
      { reasoning: 'low' },
      { messages: [{ role: 'user', content: [image] }] },
    ]
    const backend = createBackend({
      ...parrot,
      chat: () => assert.fail('it was asked'),
    })
    for (const more of refused) {
      await assert.rejects(readChat(backend.chat(ask('hi', more))), code('unsupported'))
    }
  })

  it('warns of log probabilities that its capabilities deny, and asks the author for none', async () => {
    const asked: unknown[] = []
    const parts: BackendParts = {
      ...parrot,
      async *chat({ options }) {
        asked.push(options)
        yield 'a'
      },
    }
    const options = { logprobs: 0, seed: 1 }
    const { warnings } = await readChat(createBackend(parts).chat(ask('', { options })))
    assert.deepEqual(
      warnings.map(({ setting }) => setting),
      ['options.logprobs'],
    )
    const able = createBackend({ ...parts, capabilities: { logprobs: 'yes' } })
    assert.deepEqual((await readChat(able.chat(ask('', { options })))).warnings, [])
    assert.deepEqual(asked, [{ seed: 1 }, options])
  })

  it('lets through what its capabilities allow, or do not know', async () => {
    const capabilities = { continue: 'yes', tools: 'unknown' } as const
    const backend = createBackend({ ...parrot, capabilities })
    const tools = [{ name: 'f', parameters: {} }]
    assert.equal((await readChat(backend.chat(ask('hi', { tools })))).text, 'hi')
    await assert.rejects(readChat(backend.chat(ask('hi', { continue: true }))), code('bad-input'))
  })

  it('asks for its models each time where they are a function', async () => {
    const models = [{ id: 'grey' }]
    const backend = createBackend({ ...parrot, models: async () => models })
    await assert.rejects(readChat(backend.chat(ask('hi', { model: 'green' }))), code('model-not-found'))
    models.push({ id: 'green' })
    assert.equal((await readChat(backend.chat(ask('hi', { model: 'green' })))).text, 'hi')
    assert.deepEqual(await backend.listModels(), models)
  })

  it('starts and stops what the author has to start, once, and anew after a start that failed', async () => {
    const calls: string[] = []
    let fails = true
    const backend = createBackend({
      ...parrot,
      async start() {
        calls.push('start')
        if (fails) throw new LmappError('backend-start-failed', 'Not yet.')
      },
      async stop() {
        calls.push('stop')
      },
    })
    await assert.rejects(backend.start(), code('backend-start-failed'))
    assert.equal((await backend.isRunning()).state, 'stopped')
    fails = false
    await Promise.all([backend.start(), backend.start()])
    assert.equal((await backend.isRunning()).state, 'running')
    await Promise.all([backend.stop(), backend.stop()])
    await backend.stop()
    assert.deepEqual(calls, ['start', 'start', 'stop'])
  })

  it('ends what ignores its signal, and tells the generator that nobody reads any more', async () => {
    const held = Promise.withResolvers<void>()
    const left = Promise.withResolvers<string>()
    const backend = createBackend({
      ...parrot,
      async *chat() {
        try {
          yield 'so far'
          await held.promise
          yield 'more'
        } finally {
          left.resolve('left')
        }
      },
    })
    const controller = new AbortController()
    const chat = backend.chat(ask(''), { signal: controller.signal })
    const { transcript } = await tryChat(chat, (_, part) => {
      if (part.type === 'text-delta') controller.abort()
    })
    assert.equal(transcript.finishes[0]?.reason, 'cancelled')
    assert.equal((await backend.isRunning()).active, 0)
    held.resolve()
    assert.equal(await left.promise, 'left')
  })

  it('throws what the author throws, and has the optional methods that he wrote', async () => {
    const backend = createBackend({
      ...parrot,
      chat: async function* () {
        yield 'so far'
        throw new LmappError('engine-failed', 'It broke.')
      },
      countTokens: async () => ({ tokens: 1, exact: true }),
    })
    const { transcript, error } = await tryChat(backend.chat(ask('')))
    assert.equal(transcript.text, 'so far')
    assert.ok(isLmappError(error, 'engine-failed'))
    assert.deepEqual(await backend.countTokens?.({ model: 'grey', messages: [] }), { tokens: 1, exact: true })
    assert.equal(backend.embed, undefined)
  })
})
