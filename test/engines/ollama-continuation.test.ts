/** Going on with half an answer on the real Ollama: the text is the same as if it had never been broken off. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createProofs } from '@lmapp/backends/external'
import { createOllamaBackend } from '@lmapp/backends/ollama'
import { type Backend, isLmappError, type Message } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { importModel, startOllama } from './start-ollama.ts'

const ollama = await startOllama()
after(() => ollama[Symbol.asyncDispose]())
await importModel(ollama, 'smollm2')
const folder = await mkdtemp(join(tmpdir(), 'lmapp-proofs-'))
after(() => rm(folder, { recursive: true, force: true }))

/** On one thread, so that it does not wait for cores that others have. */
const model = 'single:latest'
const question = 'Name five colours and say what each of them is like.'
const greedy = { temperature: 0, seed: 1 }
const length = 8

await ask('/api/create', { model, from: 'smollm2', parameters: { num_thread: 1 } })
const rendered = await ask('/api/chat', {
  ...{ model, messages: [{ role: 'user', content: question }], _debug_render_only: true },
  options: { num_ctx: 4096 },
})
const prompt = rendered._debug_info?.rendered_template ?? ''

interface Answer {
  response?: string
  _debug_info?: { rendered_template: string }
}

async function ask(path: string, body: Record<string, unknown>): Promise<Answer> {
  const response = await fetch(ollama.url + path, {
    method: 'POST',
    body: JSON.stringify({ ...body, stream: false }),
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Answer
}

/** What Ollama writes behind a prompt when it is asked directly. */
async function writeBehind(text: string): Promise<string> {
  const options = { ...greedy, num_ctx: 4096, num_predict: length }
  return (await ask('/api/generate', { model, prompt: text, raw: true, options })).response ?? ''
}

function open(): Backend {
  return createOllamaBackend({
    url: ollama.url,
    timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
    proofs: createProofs({ file: join(folder, 'continuations.json') }),
  })
}

function say(role: Message['role'], text: string): Message {
  return { role, content: [{ type: 'text', text }] }
}

function goOn(backend: Backend, partial: string, maxTokens = length) {
  const messages = [say('user', question), say('assistant', partial)]
  return tryChat(backend.chat({ model, messages, continue: true, options: { ...greedy, maxTokens } }))
}

await using first = open()
const whole = await readChat(
  first.chat({ model, messages: [say('user', question)], options: { ...greedy, maxTokens: 56 } }),
)

describe('an answer that broke off between two tokens', () => {
  for (let count = 0; count <= 44; count += 4) {
    it(`goes on after ${count} of them as Ollama does when it is asked directly`, async () => {
      await using backend = open()
      const partial = whole.deltas.slice(0, count).join('')
      const { transcript } = await goOn(backend, partial)
      assert.equal(transcript.text, await writeBehind(prompt + partial))
      assert.ok(whole.text.startsWith(partial + transcript.text))
      assert.equal(transcript.finishes[0]?.reason, 'length')
      assert.equal(transcript.finishes[0]?.usage.outputTokens, length)
    })
  }
})

describe('an answer that broke off within a token', () => {
  const cuts = whole.deltas.flatMap((delta, index) => {
    const before = whole.deltas.slice(0, index).join('')
    return delta.trim().length > 3 ? [{ partial: before + delta.slice(0, -2), rest: delta.slice(-2) }] : []
  })
  for (const { partial, rest } of cuts.slice(0, 6)) {
    it(`is mended: "${partial.slice(-6)}" goes on with "${rest}"`, async () => {
      await using backend = open()
      const { transcript } = await goOn(backend, partial)
      assert.ok(transcript.text.startsWith(rest))
      assert.ok(whole.text.startsWith(partial + transcript.text))
      assert.equal(transcript.finishes[0]?.usage.outputTokens, length)
    })
  }

  it('is tried once for all backends that share what was proved', async () => {
    await using backend = open()
    const { transcript } = await goOn(backend, '1. R', 2)
    assert.equal(transcript.text, 'ed:')
    assert.ok(!transcript.statuses.some(({ message }) => message?.includes('trying')))
    assert.equal((await backend.showModel?.(model))?.capabilities?.continue, 'yes')
  })

  it('is refused when the model would write nothing of it', async () => {
    await using backend = open()
    const { error, transcript } = await goOn(backend, '1. Zxqvw')
    assert.ok(isLmappError(error, 'unsupported'))
    assert.equal(transcript.text, '')
  })
})
