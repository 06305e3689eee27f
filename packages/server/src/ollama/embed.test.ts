import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { jsonOf, type OllamaService, openOllama, warningOf } from './testing/open-ollama.ts'

let ollama: OllamaService
before(async () => {
  ollama = await openOllama()
})
after(() => ollama[Symbol.asyncDispose]())

const model = 'dictated/tiny'
const vectors = [Float32Array.of(3, 4, 0), Float32Array.of(0, 0, 0)]
const embedWith = (embed: (request: { model?: string; input: string[] }) => Promise<object>) =>
  Object.assign(ollama.service.app, { embed: (_: unknown, request: { input: string[] }) => embed(request) })
const embedAs = (found: Float32Array[]) =>
  embedWith(async ({ input }) => ({ model, vectors: found.slice(0, input.length), inputTokens: 5 }))

describe('/api/embed', () => {
  it('gives one vector of length 1 for each text', async () => {
    embedAs(vectors)
    const response = await ollama.post('/api/embed', { model, input: ['a', 'b'], truncate: false, options: {} })
    assert.equal(warningOf(response), '')
    const { total_duration: took, ...rest } = await jsonOf(response)
    assert.ok(Number.isInteger(took))
    assert.deepEqual(rest, {
      model,
      embeddings: [
        [0.6, 0.8, 0],
        [0, 0, 0],
      ],
      prompt_eval_count: 5,
    })
  })

  it('takes a single text, and cuts vectors where that is asked for', async () => {
    embedAs([Float32Array.of(0, 2, 9)])
    const response = await ollama.post('/api/embed', { model, input: 'a', dimensions: 2 })
    assert.deepEqual((await jsonOf(response)).embeddings, [[0, 1]])
  })

  it('without a text loads the model', async () => {
    ollama.calls.length = 0
    for (const body of [{}, { input: '' }, { input: [] }]) {
      const response = await ollama.post('/api/embed', { model, ...body })
      assert.deepEqual(await jsonOf(response), { model, embeddings: [] })
    }
    assert.deepEqual(ollama.calls, [`load ${model}`, `load ${model}`, `load ${model}`])
  })

  it('unloads it afterwards where that is asked for', async () => {
    embedAs(vectors)
    const unloaded = Promise.withResolvers<string>()
    const { unload } = ollama.service.app.models
    Object.assign(ollama.service.app.models, { unload: async (_: unknown, ref: string) => unloaded.resolve(ref) })
    await ollama.post('/api/embed', { model: 'any', input: 'a', keep_alive: 0 })
    assert.equal(await unloaded.promise, model)
    Object.assign(ollama.service.app.models, { unload })
  })

  it('says what it leaves out', async () => {
    embedAs(vectors)
    const body = { model, input: 'a', truncate: true, options: { num_ctx: 1 }, keep_alive: '5m', surprise: 1 }
    const response = await ollama.post('/api/embed', body)
    for (const field of ['truncate', 'options', 'keep_alive', 'surprise']) {
      assert.match(warningOf(response), new RegExp(`"${field}"`))
    }
  })

  it('says why there is none', async () => {
    embedWith(async () => {
      throw new LmappError('unsupported', 'It makes no embeddings.')
    })
    const unable = await ollama.post('/api/embed', { model, input: 'a' })
    assert.equal(unable.status, 400)
    assert.match(String((await jsonOf(unable)).error), /^It makes no embeddings\./)
    for (const body of [
      { model },
      { model, input: 1 },
      { model, input: [1] },
      { input: 'a' },
      { model: '', input: 'a' },
    ]) {
      assert.notEqual((await ollama.post('/api/embed', body)).status, 500)
    }
  })
})

describe('/api/embeddings', () => {
  it('gives the vector as it is', async () => {
    embedAs(vectors)
    const response = await ollama.post('/api/embeddings', { model, prompt: 'a', keep_alive: '1m' })
    assert.deepEqual(await jsonOf(response), { embedding: [3, 4, 0] })
    assert.match(warningOf(response), /"keep_alive"/)
  })

  it('without a text loads the model, and unloads it where that is asked for', async () => {
    ollama.calls.length = 0
    const unloaded = Promise.withResolvers<string>()
    const { unload } = ollama.service.app.models
    Object.assign(ollama.service.app.models, { unload: async (_: unknown, ref: string) => unloaded.resolve(ref) })
    const response = await ollama.post('/api/embeddings', { model, keep_alive: 0 })
    assert.deepEqual(await jsonOf(response), { embedding: [] })
    assert.deepEqual(ollama.calls, [`load ${model}`])
    assert.equal(await unloaded.promise, model)
    Object.assign(ollama.service.app.models, { unload })
  })
})
