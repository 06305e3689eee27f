/** The real Ollama, installed by `scripts/install-engines.sh`, with SmolLM2 imported from its file. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createOllamaBackend } from '@lmapp/backends/ollama'
import { type Backend, isLmappError, type Message } from 'lmapp-kit'
import { describeBackend, readChat, tryChat } from 'lmapp-kit/testkit'
import { importModel, startOllama } from './start-ollama.ts'

const ollama = await startOllama()
after(() => ollama[Symbol.asyncDispose]())
await importModel(ollama, 'smollm2')

const model = 'smollm2:latest'

function open(): Backend {
  return createOllamaBackend({
    url: ollama.url,
    timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
  })
}

function say(role: Message['role'], text: string): Message {
  return { role, content: [{ type: 'text', text }] }
}

describe('the real Ollama', () => {
  it('is what the adapter takes it for: listed, shown, with a version', async () => {
    await using backend = open()
    await backend.start()
    assert.equal((await backend.getInfo()).engineVersion, ollama.version)
    assert.deepEqual(
      (await backend.listModels()).map(({ id }) => id),
      [model],
    )
    const shown = await backend.showModel?.('smollm2')
    assert.equal(shown?.contextLength, 8192)
    assert.equal(shown.capabilities?.tools, 'no')
  })

  it('counts a prompt that comes out of its cache as it counted it at first', async () => {
    await using backend = open()
    const ask = () =>
      readChat(
        backend.chat({
          model,
          messages: [say('user', 'Name three colours.')],
          options: { temperature: 0, maxTokens: 4 },
        }),
      )
    const [first, second] = [await ask(), await ask()]
    assert.ok(first.finishes[0]?.usage.inputTokens)
    assert.equal(second.finishes[0]?.usage.inputTokens, first.finishes[0].usage.inputTokens)
    assert.deepEqual([first.warnings, second.warnings], [[], []])
  })

  it('refuses a prompt that does not fit, though no bound of ours says so', async () => {
    await using backend = open()
    const messages = [say('user', 'Unübersehbarkeitswahrnehmung '.repeat(60))]
    const { error } = await tryChat(backend.chat({ model, messages, options: { contextLength: 256 } }))
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.equal(error.details?.status, 400)
  })

  it('ends with length at the end of its context, and pushes nothing out', async () => {
    await using backend = open()
    const messages = [say('user', 'Count to one hundred.')]
    const transcript = await readChat(backend.chat({ model, messages, options: { temperature: 0, contextLength: 32 } }))
    assert.equal(transcript.finishes[0]?.reason, 'length')
  })

  it('is loaded and unloaded', async () => {
    await using backend = open()
    await backend.loadModel?.(model)
    assert.deepEqual((await backend.isRunning()).models, [{ id: model, state: 'ready' }])
    await backend.unloadModel?.(model)
    assert.deepEqual((await backend.isRunning()).models, [])
  })
})

await describeBackend({
  name: 'the conformance suite over the real Ollama',
  open: async () => open(),
  model,
  schemaModel: model,
  deadlineMs: 240_000,
})
