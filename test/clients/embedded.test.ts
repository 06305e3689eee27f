/** The SDKs with the embedded engine and a real, small model. */
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { createHome, installTestModel } from '../support/home.ts'
import { anthropic } from './node/anthropic.ts'
import { ollama } from './node/ollama.ts'
import { openaiChat } from './node/openai-chat.ts'
import { openaiResponses } from './node/openai-responses.ts'
import { pythonSubject } from './python/subjects.ts'
import { createCheck } from './support/check.ts'
import type { Client } from './support/client.ts'
import { createRecorder } from './support/results.ts'
import { serve, type World } from './support/world.ts'

const subjects = [
  openaiChat,
  openaiResponses,
  anthropic,
  ollama,
  ...(['openai', 'responses', 'anthropic', 'ollama'] as const).map(pythonSubject),
]
const ask = { model: 'embedded/smollm2-135m', prompt: 'Write a long story about a lighthouse.', maxTokens: 12 }

describe('with the embedded engine', () => {
  let world: World
  before(async () => {
    const home = await createHome({ backends: { ollama: { type: 'ollama', enabled: false } } })
    await installTestModel(home)
    world = await serve(home)
  })
  after(() => world[Symbol.asyncDispose]())

  for (const subject of subjects) {
    describe(`${subject.name} (${subject.registry})`, () => {
      const recorder = createRecorder(subject, 'embedded')
      const check = createCheck('real model', subject, recorder)
      let client: Client
      before(async () => {
        client = await subject.open(world.address)
      })
      after(async () => {
        await client[Symbol.asyncDispose]()
        recorder.write()
      })
      check('chat', async () => {
        const { text, stop, inputTokens } = await client.chat(ask)
        assert.match(text, /\w+ \w+/)
        assert.equal(stop, subject.stops?.length)
        assert.ok(Number(inputTokens) > 5)
      })
      check('stream', async () => {
        const pieces: string[] = []
        const { text, stop, outputTokens } = await client.stream(ask, { onText: (piece) => pieces.push(piece) })
        assert.equal(pieces.join(''), text)
        assert.ok(pieces.filter(Boolean).length > 3)
        assert.deepEqual([stop, outputTokens], [subject.stops?.length, 12])
      })
      check('schema', async () => {
        const { maxTokens: _, ...whole } = ask
        const { mood, score } = (await client.schema?.(whole)) as Record<string, unknown>
        assert.ok((mood === 'happy' || mood === 'sad') && Number.isInteger(score), `${mood}, ${score}`)
      })
      if (!subject.has.includes('count')) return
      check('count tokens', async () => {
        assert.equal(await client.count?.(ask), (await client.chat(ask)).inputTokens)
      })
    })
  }
})
