/** The OpenAI API of the real llama-server and of the real Ollama, installed by `scripts/install-engines.sh`. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createOpenAiCompatibleBackend } from '@lmapp/backends/openai-compatible'
import { type Backend, isLmappError, type Message } from 'lmapp-kit'
import { describeBackend, readChat, requirements, tryChat, verifyBackend } from 'lmapp-kit/testkit'
import { startLlamaServer, usualArguments } from './start-llama-server.ts'
import { importModel, startOllama } from './start-ollama.ts'

const model = 'smollm2:latest'
const llamaServer = await startLlamaServer({ arguments: [...usualArguments, '--alias', model] })
after(() => llamaServer[Symbol.asyncDispose]())
const embedder = await startLlamaServer({
  arguments: [...usualArguments, '--alias', model, '--embeddings', '--pooling', 'mean'],
})
after(() => embedder[Symbol.asyncDispose]())
const ollama = await startOllama()
after(() => ollama[Symbol.asyncDispose]())
await importModel(ollama, 'smollm2')

function open(url: string): Backend {
  return createOpenAiCompatibleBackend({
    url,
    timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
  })
}

function say(role: Message['role'], text: string): Message {
  return { role, content: [{ type: 'text', text }] }
}

describe('the API of the real llama-server', () => {
  const url = `${llamaServer.url}/v1`

  it('is recognised, with and without /v1, and lists its one model with the context of a slot', async () => {
    for (const address of [url, llamaServer.url, `${llamaServer.url}/`]) {
      await using backend = open(address)
      const [listed] = await backend.listModels()
      assert.equal(listed?.id, model)
      assert.equal(listed.capabilities?.['json-schema'], 'yes')
      assert.match((await backend.getInfo()).description ?? '', /^llama-server at/)
    }
  })

  it('says what it read and the context that was there', async () => {
    await using backend = open(url)
    const { finishes } = await readChat(
      backend.chat({ model, messages: [say('user', 'Count.')], options: { maxTokens: 4 } }),
    )
    assert.ok((finishes[0]?.usage.inputTokens ?? 0) > 0)
    assert.equal(finishes[0]?.usage.contextLength, 2048)
  })

  it('goes on with an answer: what it repeats is swallowed', async () => {
    await using backend = open(url)
    const question = say('user', 'Name the months of the year in order.')
    const ask = (messages: Message[], more = {}) =>
      readChat(backend.chat({ model, messages, ...more, options: { temperature: 0, maxTokens: 24 } }))
    const { deltas, text } = await ask([question])
    const half = deltas.slice(0, deltas.length >> 1).join('')
    const { text: rest } = await ask([question, say('assistant', half)], { continue: true })
    assert.ok(`${half}${rest}`.startsWith(text), `${half}|${rest}`)
    assert.equal((await backend.listModels())[0]?.capabilities?.continue, 'yes')
  })

  it('continues as the suite wants it, once a trial has proved that it can', async () => {
    const continued = requirements.map(({ id }) => id).filter((id) => id.startsWith('continue.'))
    const opened = async () => {
      const backend = open(url)
      const messages = [say('user', 'Count.'), say('assistant', 'One, two')]
      await readChat(backend.chat({ model, messages, continue: true, options: { maxTokens: 2 } }))
      return backend
    }
    const harness = { name: 'continuing', open: opened, model, deadlineMs: 240_000 }
    for await (const verdict of verifyBackend(harness, { only: continued })) {
      if (verdict.outcome === 'failed') throw verdict.error
      assert.equal(verdict.outcome === 'passed', verdict.requirement.id !== 'continue.declined')
    }
  })

  it('embeds where it was started for it', async () => {
    const request = { model, input: ['The sea.', 'Bread.'] }
    await using backend = open(`${embedder.url}/v1`)
    const vectors = (await backend.embed?.(request))?.vectors ?? []
    assert.deepEqual(
      vectors.map(({ length }) => length),
      [576, 576],
    )
    await using other = open(url)
    await assert.rejects(
      async () => other.embed?.(request),
      (error) => isLmappError(error, 'unsupported'),
    )
  })
})

describe('the API of the real Ollama', () => {
  it('is recognised, with its version', async () => {
    await using backend = open(`${ollama.url}/v1`)
    const info = await backend.getInfo()
    assert.match(info.description ?? '', /^Ollama at/)
    assert.equal(info.engineVersion, ollama.version)
  })

  it('answers in deltas, says why it ended and what it counted', async () => {
    await using backend = open(`${ollama.url}/v1`)
    const request = { model, messages: [say('user', 'Count.')], options: { maxTokens: 8, topK: 3 } }
    const { deltas, finishes, warnings } = await readChat(backend.chat(request))
    assert.ok(deltas.length > 1)
    assert.equal(finishes[0]?.reason, 'length')
    assert.equal(finishes[0].usage.outputTokens, 8)
    assert.deepEqual(
      warnings.map(({ setting }) => setting),
      ['options.topK'],
    )
  })

  it('starts a new answer instead of going on, and so is refused', async () => {
    await using backend = open(`${ollama.url}/v1`)
    const messages = [say('user', 'Count.'), say('assistant', 'One, two,')]
    const { error, transcript } = await tryChat(backend.chat({ model, messages, continue: true }))
    assert.ok(isLmappError(error, 'unsupported'))
    assert.equal(transcript.text, '')
  })
})

await describeBackend({
  name: 'the conformance suite over the API of the real llama-server',
  open: async () => open(`${llamaServer.url}/v1`),
  model,
  schemaModel: model,
  unsupportedSetting: { name: 'contextLength', options: { contextLength: 100_000, maxTokens: 4 } },
  deadlineMs: 240_000,
})
