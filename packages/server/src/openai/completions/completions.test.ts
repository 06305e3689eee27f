import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import type { Dictation } from '../../testing/dictated-backend.ts'
import { startTestService, type TestService } from '../../testing/test-app.ts'
import { askStream, askWhole, post, read } from '../testing/ask.ts'
import { createCompletionEncoder } from './answer.ts'

const path = '/v1/completions'
let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service[Symbol.asyncDispose]())

const sayHi = async (chat: Dictation) => {
  await chat.say('Hi')
  await chat.finish()
}

describe('POST /v1/completions', () => {
  it("asks the prompt as a user's message, and says so", async () => {
    const body = {
      model: 'dictated/tiny',
      prompt: ['Once'],
      max_tokens: 5,
      echo: false,
      best_of: 1,
      suffix: '',
      user: 'u',
    }
    const { status, headers, body: answer, chat } = await askWhole(service, path, body, sayHi)
    assert.equal(status, 200)
    assert.deepEqual(chat.request.messages, [{ role: 'user', content: [{ type: 'text', text: 'Once' }] }])
    assert.deepEqual(chat.request.options, { maxTokens: 5 })
    assert.match(headers.get('x-lmapp-warning') ?? '', /chat template.*"user" is ignored/)
    const { id, created, usage, ...rest } = answer
    assert.equal(id, `cmpl-${headers.get('x-lmapp-run')}`)
    assert.ok(Number.isInteger(created))
    assert.equal(usage.total_tokens, 5)
    assert.deepEqual(rest, {
      object: 'text_completion',
      model: 'dictated/tiny',
      choices: [{ index: 0, text: 'Hi', logprobs: null, finish_reason: 'stop' }],
    })
  })

  it('streams the text, then a reason, usage and [DONE]', async () => {
    const body = { prompt: 'Once', stream_options: { include_usage: true } }
    const { events, comments } = await askStream(service, path, body, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm' })
      await chat.say(' upon')
      await chat.say(' a')
      await chat.push({ type: 'warning', code: 'other', message: 'slow' })
      await chat.finish('length')
    })
    assert.deepEqual(
      events.map((event) =>
        event.choices?.map((choice: { text: string; finish_reason: string }) => [choice.text, choice.finish_reason]),
      ),
      [[[' upon', null]], [[' a', null]], [['', 'length']], [], undefined],
    )
    assert.deepEqual(
      events.map((event) => event.usage?.total_tokens ?? event.usage),
      [null, null, null, 5, undefined],
    )
    assert.equal(events.at(-1), '[DONE]')
    assert.deepEqual(comments, [': warning: slow'])
  })

  it('has log probabilities by lists, with places in characters', async () => {
    const dictate = async (chat: Dictation) => {
      const top = [
        { token: '🙂', logprob: -0.5 },
        { token: 'x', logprob: -2 },
      ]
      await chat.push({ type: 'text-delta', text: '🙂', logprobs: [{ token: '🙂', logprob: -0.5, top }] })
      await chat.push({
        type: 'text-delta',
        text: 'ab',
        logprobs: [
          { token: 'a', logprob: -1 },
          { token: 'b', logprob: -3 },
        ],
      })
      await chat.finish()
    }
    const { body, chat } = await askWhole(service, path, { prompt: 'Once', logprobs: 2 }, dictate)
    assert.equal(chat.request.options?.logprobs, 2)
    assert.deepEqual(body.choices[0].logprobs, {
      tokens: ['🙂', 'a', 'b'],
      token_logprobs: [-0.5, -1, -3],
      top_logprobs: [{ '🙂': -0.5, x: -2 }, {}, {}],
      text_offset: [0, 1, 2],
    })
    const { events } = await askStream(service, path, { prompt: 'Once', logprobs: 2 }, dictate)
    assert.deepEqual(events[1].choices[0].logprobs.text_offset, [1, 2])
  })

  it('ends a stream that breaks off with an error and nothing else', async () => {
    const { events } = await askStream(service, path, { prompt: 'Once' }, async (chat) => {
      await chat.say(' upon')
      chat.fail(new LmappError('stream-incomplete', 'It broke.'))
    })
    assert.equal(events.length, 2)
    assert.equal(events[1].error.code, 'stream-incomplete')
  })

  const wrong: [string, object][] = [
    ['prompt', {}],
    ['prompt', { prompt: '' }],
    ['prompt', { prompt: [] }],
    ['prompt[0]', { prompt: [{}] }],
    ['prompt', { prompt: ['a', 'b'] }],
    ['prompt', { prompt: [1, 2, 3] }],
    ['prompt', { prompt: [[1, 2], [3]] }],
    ['suffix', { prompt: 'a', suffix: 'z' }],
    ['echo', { prompt: 'a', echo: true }],
    ['best_of', { prompt: 'a', best_of: 2 }],
    ['n', { prompt: 'a', n: 2 }],
    ['logit_bias', { prompt: 'a', logit_bias: { 1: 2 } }],
    ['logprobs', { prompt: 'a', logprobs: true }],
  ]
  for (const [field, body] of wrong) {
    it(`refuses by its name: ${field} in ${JSON.stringify(body)}`, async () => {
      const { status, body: answer } = await read(post(service, path, body))
      assert.equal(status, 400)
      assert.equal(answer.error.param, field)
    })
  }
})

it('names in its chunks who goes on', () => {
  const encoder = createCompletionEncoder({ id: 'cmpl-1', created: 1, model: 'a/m' }, { includeUsage: false })
  const reason = { code: 'engine-died', message: 'It died.' } as const
  assert.equal(encoder.take({ type: 'handover', from: 'a/m', to: 'b/m', reason }), ': b/m goes on for a/m\n\n')
  assert.match(encoder.take({ type: 'text-delta', text: 'x' }), /"model":"b\/m"/)
  assert.equal(encoder.take({ type: 'tool-call', id: 'c', name: 'f', arguments: '' }), '')
})
