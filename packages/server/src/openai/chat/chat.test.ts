import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import type { Dictation } from '../../testing/dictated-backend.ts'
import { startTestService, type TestService } from '../../testing/test-app.ts'
import { askWhole as askAt, hello, post, read } from '../testing/ask.ts'

const path = '/v1/chat/completions'
let service: TestService
before(async () => {
  service = await startTestService()
})
after(async () => {
  await service[Symbol.asyncDispose]()
  assert.deepEqual(service.bugs, [])
})

const sayHi = async (chat: Dictation) => {
  await chat.say('Hi')
  await chat.finish()
}
const ask = (body: object, dictate: (chat: Dictation) => Promise<void> | void = sayHi) =>
  askAt(service, path, { messages: hello, ...body }, dictate)

const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: { city: {} } } },
}

describe('a whole answer', () => {
  it("has OpenAI's shape, and says who answered", async () => {
    const { status, headers, body } = await ask({ model: 'dictated/tiny' })
    assert.equal(status, 200)
    const { id, created, ...rest } = body
    assert.equal(id, `chatcmpl-${headers.get('x-lmapp-run')}`)
    assert.ok(Number.isInteger(created))
    assert.equal(headers.get('x-lmapp-backend'), 'dictated')
    assert.equal(headers.get('x-lmapp-warning'), null)
    assert.deepEqual(rest, {
      object: 'chat.completion',
      model: 'dictated/tiny',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi', refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 2,
        total_tokens: 5,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    })
  })

  it('has tool calls, and no content where nothing else was said', async () => {
    const { body } = await ask({ tools: [weather] }, async (chat) => {
      await chat.push({ type: 'tool-call', id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' })
      await chat.push({ type: 'tool-call', id: 'c2', name: 'weather', arguments: '{"city":' })
      await chat.finish('tool-calls')
    })
    const [{ message, finish_reason: reason }] = body.choices
    assert.equal(reason, 'tool_calls')
    assert.equal(message.content, null)
    assert.deepEqual(message.tool_calls, [
      { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
      { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{"city":' } },
    ])
  })

  it('says that tools were called where an engine ends with `stop`, since clients run them only then', async () => {
    const { body } = await ask({ tools: [weather] }, async (chat) => {
      await chat.push({ type: 'tool-call', id: 'c1', name: 'weather', arguments: '{}' })
      await chat.finish('stop')
    })
    assert.equal(body.choices[0].finish_reason, 'tool_calls')
  })

  it('has what the model thought under both names', async () => {
    const { body } = await ask({}, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm' })
      await chat.push({ type: 'reasoning-delta', text: 'm.' })
      await chat.say('Yes')
      await chat.finish()
    })
    const { message } = body.choices[0]
    assert.deepEqual([message.reasoning_content, message.reasoning, message.content], ['Hmm.', 'Hmm.', 'Yes'])
  })

  it('has log probabilities, with the bytes of each token', async () => {
    const { body, chat } = await ask({ logprobs: true, top_logprobs: 1 }, async (dictation) => {
      const top = [{ token: '🙂', logprob: -0.5 }]
      await dictation.push({ type: 'text-delta', text: '🙂', logprobs: [{ token: '🙂', logprob: -0.5, top }] })
      await dictation.push({ type: 'text-delta', text: '!', logprobs: [{ token: '!', logprob: -1 }] })
      await dictation.finish()
    })
    assert.equal(chat.request.options?.logprobs, 1)
    const smile = { token: '🙂', logprob: -0.5, bytes: [240, 159, 153, 130] }
    assert.deepEqual(body.choices[0].logprobs, {
      content: [
        { ...smile, top_logprobs: [smile] },
        { token: '!', logprob: -1, bytes: [33], top_logprobs: [] },
      ],
      refusal: null,
    })
  })

  it('tells the limit and a filter as what they are', async () => {
    const cut = await ask({ max_tokens: 1 }, async (chat) => {
      await chat.say('Hi')
      await chat.finish('length')
    })
    assert.equal(cut.body.choices[0].finish_reason, 'length')
    const filtered = await ask({}, async (chat) => {
      await chat.say('Hi')
      await chat.finish('content-filter')
    })
    assert.equal(filtered.body.choices[0].finish_reason, 'content_filter')
  })

  it('has no usage where the engine counted nothing, and all of it where it did', async () => {
    const none = await ask({}, async (chat) => {
      await chat.say('Hi')
      await chat.push({ type: 'finish', reason: 'stop', usage: {} })
    })
    assert.equal('usage' in none.body, false)
    const all = await ask({}, async (chat) => {
      await chat.say('Hi')
      const usage = { inputTokens: 9, outputTokens: 4, cachedTokens: 8, reasoningTokens: 1 }
      await chat.push({ type: 'finish', reason: 'stop', usage })
    })
    assert.deepEqual(all.body.usage, {
      prompt_tokens: 9,
      completion_tokens: 4,
      total_tokens: 13,
      prompt_tokens_details: { cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 1 },
    })
    const half = await ask({}, async (chat) => {
      await chat.say('Hi')
      await chat.push({ type: 'finish', reason: 'stop', usage: { outputTokens: 1 } })
    })
    assert.equal(half.body.usage.total_tokens, 1)
  })
})

describe('what goes wrong', () => {
  it('before the first word has the status, type and code that clients look for', async () => {
    const cases: [LmappError, number, string, string, string | null][] = [
      [new LmappError('context-overflow', 'Too long.'), 400, 'invalid_request_error', 'context_length_exceeded', null],
      [new LmappError('model-not-found', 'No such model.'), 404, 'invalid_request_error', 'model_not_found', 'false'],
      [new LmappError('unauthorized', 'Box: bad key'), 401, 'authentication_error', 'unauthorized', null],
      [new LmappError('forbidden', 'Not you.'), 403, 'permission_error', 'forbidden', null],
      [new LmappError('model-too-large', 'Too big.'), 507, 'server_error', 'model-too-large', 'false'],
      [new LmappError('engine-failed', 'Broken.'), 502, 'server_error', 'engine-failed', null],
      [
        new LmappError('bad-input', 'That is no choice.', { details: { setting: 'toolChoice' } }),
        400,
        'invalid_request_error',
        'bad-input',
        null,
      ],
    ]
    for (const [error, status, type, code, retry] of cases) {
      const answer = await ask({}, (chat) => chat.fail(error))
      assert.equal(answer.status, status, error.code)
      assert.equal(answer.body.error.type, type)
      assert.equal(answer.body.error.code, code)
      assert.ok(answer.body.error.message.startsWith(error.message))
      if (status >= 500) assert.equal(answer.headers.get('x-should-retry'), retry)
    }
  })

  it('after the first word is an error too, and no answer', async () => {
    const { status, body } = await ask({}, async (chat) => {
      await chat.say('Half an')
      chat.fail(new LmappError('engine-died', 'The engine died.'))
    })
    assert.equal(status, 502)
    assert.equal(body.error.code, 'engine-died')
    assert.equal('choices' in body, false)
  })

  it('with a key that is needed and not known is what clients look for', async () => {
    service.app.serve.requireKey = true
    try {
      const { status, body } = await read(post(service, path, { messages: hello }))
      assert.equal(status, 401)
      assert.deepEqual(
        [body.error.type, body.error.code, body.error.param],
        ['authentication_error', 'invalid_api_key', null],
      )
    } finally {
      service.app.serve.requireKey = false
    }
  })

  it('at a path where nothing is, or by another method, is told in the same shape', async () => {
    const nowhere = await read(post(service, '/v1/audio/speech', {}))
    assert.deepEqual([nowhere.status, nowhere.body.error.type], [404, 'invalid_request_error'])
    const get = await read(fetch(service.address + path))
    assert.deepEqual([get.status, get.body.error.type], [405, 'invalid_request_error'])
  })
})

it('goes on with a last message of the assistant', async () => {
  const messages = [...hello, { role: 'assistant', content: 'Good mor' }]
  const { body, chat, status } = await ask({ messages }, async (dictation) => {
    await dictation.say('ning')
    await dictation.finish()
  })
  assert.equal(status, 200)
  assert.equal(chat.request.continue, true)
  assert.equal(body.choices[0].message.content, 'ning')
})
