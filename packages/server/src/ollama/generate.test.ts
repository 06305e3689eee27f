import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { jsonOf, linesOf, makeBlind, type OllamaService, openOllama, warningOf } from './testing/open-ollama.ts'

const png = Buffer.from('89504e470d0a1a0a0000000d', 'hex').toString('base64')

let ollama: OllamaService
before(async () => {
  ollama = await openOllama()
})
after(() => ollama[Symbol.asyncDispose]())

const ask = (body: object) => ollama.ask('/api/generate', { model: 'dictated/tiny', prompt: 'Why?', ...body })

describe('a prompt', () => {
  it('is the only message, behind the system prompt', async () => {
    const { dictation, answer } = await ask({
      system: 'Be brief.',
      images: [png],
      suffix: '',
      template: '',
      raw: false,
      context: [],
      options: { num_predict: 3 },
      think: false,
      width: 0,
    })
    assert.deepEqual(dictation.request.messages, [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Why?' },
          { type: 'image', mediaType: 'image/png', data: png },
        ],
      },
    ])
    assert.deepEqual(dictation.request.options, { maxTokens: 3 })
    assert.equal(dictation.request.reasoning, false)
    await dictation.push({ type: 'reasoning-delta', text: 'Hm.' })
    await dictation.say('So.')
    await dictation.finish()
    const response = await answer
    assert.equal(warningOf(response), '')
    const lines = await linesOf(response)
    assert.deepEqual(
      lines.map(({ response: text, thinking, done, done_reason: reason }) => [text, thinking, done, reason]),
      [
        ['', 'Hm.', false, undefined],
        ['So.', undefined, false, undefined],
        ['', undefined, true, 'stop'],
      ],
    )
  })

  it('is answered whole, too', async () => {
    const { dictation, answer } = await ask({ stream: false })
    await dictation.push({ type: 'reasoning-delta', text: 'Hm.' })
    await dictation.say('So.')
    await dictation.finish()
    const { model, response, thinking, done } = await jsonOf(await answer)
    assert.deepEqual([model, response, thinking, done], ['dictated/tiny', 'So.', 'Hm.', true])
  })

  it('that is empty loads the model, or unloads it', async () => {
    ollama.calls.length = 0
    const bodies = [{ prompt: '' }, {}, { prompt: '', keep_alive: 0 }]
    const reasons: unknown[] = []
    for (const body of bodies) {
      const response = await ollama.post('/api/generate', { model: 'dictated/tiny', ...body })
      const { done, done_reason: reason, response: text } = await jsonOf(response)
      assert.deepEqual([done, text], [true, ''])
      reasons.push(reason)
    }
    assert.deepEqual(reasons, ['load', 'load', 'unload'])
    assert.deepEqual(ollama.calls, ['load dictated/tiny', 'load dictated/tiny', 'unload dictated/tiny'])
  })

  it('for a model that cannot be loaded says why', async () => {
    const { load } = ollama.service.app.models
    Object.assign(ollama.service.app.models, {
      load: async (_: unknown, ref: string) => {
        throw ref.startsWith('none')
          ? new LmappError('model-not-found', `No model is called "none".`, { details: { known: ['tiny', 'other'] } })
          : new LmappError('model-too-large', 'It does not fit.')
      },
    })
    const large = await ollama.post('/api/generate', { model: 'large' })
    assert.equal(large.status, 507)
    const none = await ollama.post('/api/generate', { model: 'none:latest' })
    assert.equal(none.status, 404)
    assert.match(String((await jsonOf(none)).error), /^model 'none:latest' not found\. The nearest: tiny, other\. /)
    Object.assign(ollama.service.app.models, { load })
  })

  for (const body of [{ suffix: 'end' }, { template: '{{ .Prompt }}' }, { raw: true }]) {
    const [field = ''] = Object.keys(body)
    it(`with ${field} is refused, since no backend could be asked for it`, async () => {
      const response = await ollama.post('/api/generate', { model: 'dictated/tiny', prompt: 'Why?', ...body })
      assert.equal(response.status, 400)
      assert.match(String((await jsonOf(response)).error), new RegExp(`^"${field}" .*lmapp.*backend`))
    })
  }

  it('with an image for a model that cannot see is refused by the name of the field', async () => {
    await using blind = await openOllama()
    makeBlind(blind)
    for (const stream of [false, true]) {
      const body = { model: 'dictated/tiny', prompt: 'What is it?', images: [png], stream }
      const response = await blind.post('/api/generate', body)
      assert.equal(response.status, 400)
      assert.match(String((await jsonOf(response)).error), /^"images" has an image, and dictated\/tiny cannot/)
    }
  })

  it('is told what of it was left out', async () => {
    const { dictation, answer } = await ask({ context: [1, 2], steps: 4, surprise: 1 })
    await dictation.say('So.')
    await dictation.finish()
    const response = await answer
    for (const field of ['context', 'steps', 'surprise']) assert.match(warningOf(response), new RegExp(`"${field}"`))
    await response.arrayBuffer()
  })
})
