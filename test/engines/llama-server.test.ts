/** The real llama-server, installed by `scripts/install-engines.sh`, with SmolLM2. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createLlamaServerBackend } from '@lmapp/backends/llama-server'
import { type Backend, type ChatRequest, isLmappError, type Message } from 'lmapp-kit'
import { describeBackend, readChat, type Transcript, tryChat } from 'lmapp-kit/testkit'
import {
  modelFile,
  modelsFolder,
  type RunningLlamaServer,
  startLlamaServer,
  usualArguments,
} from './start-llama-server.ts'

const server = await startLlamaServer()
after(() => server[Symbol.asyncDispose]())

const model = 'SmolLM2-135M-Instruct.Q4_1'
/** Of one of the two slots. */
const contextLength = 2048

function open({ url }: RunningLlamaServer = server, apiKey?: string): Backend {
  return createLlamaServerBackend({
    urls: [url],
    timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
    ...(apiKey !== undefined && { apiKey: async () => apiKey }),
  })
}

function say(role: Message['role'], text: string): Message {
  return { role, content: [{ type: 'text', text }] }
}

function greedy(messages: Message[], maxTokens: number, more: Partial<ChatRequest> = {}): ChatRequest {
  return { model, messages, options: { temperature: 0, seed: 1, maxTokens }, ...more }
}

function usage(transcript: Transcript) {
  const [finish] = transcript.finishes
  assert.ok(finish)
  return finish.usage
}

async function slots(): Promise<{ is_processing: boolean }[]> {
  return (await fetch(`${server.url}/slots`)).json() as Promise<{ is_processing: boolean }[]>
}

describe('the real llama-server', () => {
  it('is what the adapter takes it for: listed, shown, with a version and its slots', async () => {
    await using backend = open()
    await backend.start()
    const info = await backend.getInfo()
    assert.match(info.engineVersion ?? '', /^b\d+/)
    assert.equal(info.capabilities.parallel, 2)
    const shown = await backend.showModel?.('SmolLM2-135M-Instruct.Q4_1.gguf')
    assert.equal(shown?.id, model)
    assert.equal(shown.path, modelFile)
    assert.equal(shown.contextLength, 8192)
    assert.equal(shown.quantization, 'Q4_1')
    assert.equal(shown.parameters, '135M')
    assert.ok(shown.template?.includes('<|im_start|>'))
    assert.deepEqual([shown.capabilities?.tools, shown.capabilities?.reasoning], ['no', 'no'])
  })

  it('goes on with an answer exactly, wherever between two tokens it was cut', async () => {
    await using backend = open()
    const messages = [say('user', 'Name the days of the week in order, then the months.')]
    await readChat(backend.chat(greedy(messages, 40)))
    const whole = await readChat(backend.chat(greedy(messages, 40)))
    for (const cut of [1, 7, 16, 29]) {
      const partial = whole.deltas.slice(0, cut).join('')
      const request = greedy([...messages, say('assistant', partial)], 40 - cut, { continue: true })
      const rest = await readChat(backend.chat(request))
      assert.equal(partial + rest.text, whole.text)
      assert.equal(rest.finishes[0]?.reason, 'length')
    }
    assert.equal((await backend.showModel?.(model))?.capabilities?.continue, 'yes')
  })

  it('goes on within a word, too: the token is found that it would have chosen', async () => {
    await using backend = open()
    const messages = [say('user', 'Name the days of the week in order.')]
    const { text } = await readChat(backend.chat(greedy(messages, 32)))
    const cut = text.indexOf('Tuesday') + 3
    assert.ok(cut > 3, text)
    const partial = text.slice(0, cut)
    const rest = await readChat(backend.chat(greedy([...messages, say('assistant', partial)], 24, { continue: true })))
    assert.ok(rest.text.startsWith('sday'), rest.text)
    const joined = partial + rest.text
    assert.equal(joined.slice(0, text.length), text.slice(0, joined.length))
  })

  it('ends a continuation before a stop sequence that begins in what is there', async () => {
    await using backend = open()
    const messages = [say('user', 'Name the days of the week in order.')]
    const { text } = await readChat(backend.chat(greedy(messages, 32)))
    const cut = text.indexOf('Tuesday')
    const request = greedy([...messages, say('assistant', text.slice(0, cut))], 24, { continue: true })
    const stopped = await readChat(backend.chat({ ...request, options: { ...request.options, stop: ['Wednesday'] } }))
    assert.equal(text.slice(0, cut) + stopped.text, text.slice(0, text.indexOf('Wednesday')))
    assert.equal(stopped.finishes[0]?.reason, 'stop')
  })

  it('shows how much of a long prompt it has read', async () => {
    await using backend = open()
    const { statuses } = await readChat(backend.chat(greedy([say('user', 'one two three four '.repeat(120))], 1)))
    const progress = statuses.flatMap(({ phase, progress: read }) => (phase === 'prompt' && read ? [read] : []))
    assert.ok(progress.length >= 4, `${progress.length} steps`)
    assert.equal(progress.at(-1)?.done, progress.at(-1)?.total)
    assert.ok(progress.every(({ unit }) => unit === 'tokens'))
  })

  it('reads only what is new in the second turn', async () => {
    await using backend = open()
    const first = [say('user', `Remember these words: ${'apple pear plum '.repeat(60)}. Say yes.`)]
    const answer = await readChat(backend.chat(greedy(first, 4)))
    const second = [...first, say('assistant', answer.text), say('user', 'Thank you.')]
    const { inputTokens = 0, cachedTokens = 0 } = usage(await readChat(backend.chat(greedy(second, 4))))
    assert.ok(cachedTokens >= (usage(answer).inputTokens ?? 0), `${cachedTokens} of ${inputTokens}`)
  })

  it('refuses a prompt that does not fit, with the numbers that it counts itself', async () => {
    await using backend = open()
    const messages = [say('user', 'Unübersehbarkeitswahrnehmung '.repeat(300))]
    const counted = await backend.countTokens?.({ model, messages })
    const { error } = await tryChat(backend.chat(greedy(messages, 4)))
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.ok((counted?.tokens ?? 0) > contextLength)
    assert.deepEqual(error.details, { model, promptTokens: counted?.tokens, contextLength })
  })

  it('takes a prompt that only an estimate thinks too long, and says how little is left', async () => {
    await using backend = open()
    const messages = [say('user', 'word '.repeat(100))]
    const options = { temperature: 0, seed: 1, maxTokens: 200, contextLength: 240 }
    const transcript = await readChat(backend.chat({ model, messages, options }))
    assert.deepEqual(
      transcript.warnings.map(({ code }) => code),
      ['context-near-limit'],
    )
    assert.equal(usage(transcript).inputTokens, (await backend.countTokens?.({ model, messages }))?.tokens)
  })

  it('frees the slot of a chat that was cancelled', async () => {
    await using backend = open()
    const abort = new AbortController()
    const request = greedy([say('user', 'Write a long story about a cat. Never stop.')], 1500)
    const transcript = await readChat(backend.chat(request, { signal: abort.signal }), async (_, part) => {
      if (part.type !== 'text-delta' || abort.signal.aborted) return
      assert.ok((await slots()).some((slot) => slot.is_processing))
      abort.abort()
    })
    assert.equal(transcript.finishes[0]?.reason, 'cancelled')
    while ((await slots()).some((slot) => slot.is_processing));
  })

  it('refuses images and tools that the model cannot take', async () => {
    await using backend = open()
    const image: Message = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] }
    const tools = [{ name: 'look', parameters: { type: 'object' } }]
    const refused: Record<string, ChatRequest> = {
      vision: { model, messages: [image] },
      tools: { model, messages: [say('user', 'Hi')], tools },
    }
    for (const [capability, request] of Object.entries(refused)) {
      const { error } = await tryChat(backend.chat(request))
      assert.ok(isLmappError(error, 'unsupported'))
      assert.equal(error.details?.capability, capability)
    }
  })

  it('does not embed unless it was started for it, and says what to do', async () => {
    await using backend = open()
    await assert.rejects(
      async () => backend.embed?.({ model, input: ['The sea.'] }),
      (error) => isLmappError(error, 'unsupported') && error.hint.includes('--embeddings'),
    )
  })

  it('waits for its model to be loaded, and says so', async () => {
    await using loading = await startLlamaServer({ whileLoading: true })
    await using backend = open(loading)
    const transcript = await readChat(backend.chat(greedy([say('user', 'Say hello.')], 2)))
    assert.deepEqual(
      transcript.statuses.slice(0, 2).map(({ phase }) => phase),
      ['connecting', 'loading'],
    )
    assert.notEqual(transcript.text, '')
  })

  it('wants its key', async () => {
    await using locked = await startLlamaServer({ arguments: [...usualArguments, '--api-key', 'correct'] })
    for (const key of [undefined, 'wrong']) {
      await using backend = open(locked, key)
      await assert.rejects(backend.listModels(), (error) => isLmappError(error, 'unauthorized'))
    }
    await using backend = open(locked, 'correct')
    assert.equal((await backend.listModels())[0]?.id, model)
  })
})

const router = await startLlamaServer({ arguments: ['--models-dir', modelsFolder, '-c', '1024', '-np', '1'] })
after(() => router[Symbol.asyncDispose]())

describe('the real llama-server as a router', () => {
  it('lists its models, loads the one that is asked, and says so', async () => {
    await using backend = open(router)
    assert.deepEqual(
      (await backend.listModels()).map(({ id, loaded }) => [id, loaded]),
      [[model, false]],
    )
    const transcript = await readChat(backend.chat(greedy([say('user', 'Say hello.')], 2)))
    assert.ok(transcript.statuses.some(({ phase }) => phase === 'loading'))
    assert.notEqual(transcript.text, '')
    const [listed] = await backend.listModels()
    assert.equal(listed?.loaded, true)
    assert.equal(listed.capabilities?.vision, 'no')
    assert.deepEqual((await backend.isRunning()).models, [{ id: model, state: 'ready' }])
  })
})

const embedder = await startLlamaServer({
  arguments: ['-m', modelFile, '-c', '512', '-np', '1', '--embeddings', '--pooling', 'mean', '--alias', 'smol'],
})
after(() => embedder[Symbol.asyncDispose]())

describe('the real llama-server, started to embed', () => {
  it('refuses a text that is too long, with the numbers', async () => {
    await using backend = open(embedder)
    await assert.rejects(
      async () => backend.embed?.({ model: 'smol', input: ['word '.repeat(600)] }),
      (error) => isLmappError(error, 'context-overflow') && error.details?.contextLength === 512,
    )
  })
})

await describeBackend({
  name: 'the conformance suite over the real llama-server',
  open: async () => open(),
  model,
  schemaModel: model,
  deadlineMs: 240_000,
})

await describeBackend({
  name: 'the conformance suite over the real llama-server, started to embed',
  open: async () => open(embedder),
  model: 'smol',
  embedModel: 'smol',
  deadlineMs: 240_000,
})
