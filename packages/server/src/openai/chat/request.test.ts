import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Dictation } from '../../testing/dictated-backend.ts'
import { startTestService, type TestService } from '../../testing/test-app.ts'
import { askWhole as askAt, hello, post, read, startBlindService } from '../testing/ask.ts'

const path = '/v1/chat/completions'
let service: TestService
before(async () => {
  service = await startTestService()
  const info = await service.backend.backend.getInfo()
  const capabilities = { ...info.capabilities, vision: 'yes' as const }
  Object.assign(service.backend.backend, { getInfo: async () => ({ ...info, capabilities }) })
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

/** How it is refused before any backend is asked. */
async function refusal(body: object): Promise<{ param: string; message: string; code: string }> {
  const { status, body: answer } = await read(post(service, path, { messages: hello, ...body }))
  assert.equal(status, 400, JSON.stringify(answer))
  assert.equal(answer.error.type, 'invalid_request_error')
  return answer.error
}

const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: { city: {} } } },
}

describe('what is asked', () => {
  it('is every setting, by the name that OpenAI or the engines have for it', async () => {
    const { chat, headers } = await ask({
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 7,
      stop: ['a', 'b', ''],
      seed: -1,
      presence_penalty: 1,
      frequency_penalty: -1,
      top_k: -1,
      min_p: 0.1,
      repeat_penalty: 1.1,
      logprobs: true,
      n: 1,
      logit_bias: {},
      modalities: ['text'],
      functions: [],
      function_call: 'auto',
      parallel_tool_calls: true,
      store: false,
      service_tier: 'auto',
      response_format: { type: 'text' },
    })
    assert.deepEqual(chat.request.options, {
      temperature: 0.5,
      topP: 0.9,
      topK: 0,
      minP: 0.1,
      repeatPenalty: 1.1,
      presencePenalty: 1,
      frequencyPenalty: -1,
      seed: -1,
      maxTokens: 7,
      stop: ['a', 'b'],
      logprobs: 0,
    })
    assert.equal(chat.request.schema, undefined)
    assert.equal(headers.get('x-lmapp-warning'), null)
  })

  it('takes null for nothing, -1 for no bound, and one text to stop at', async () => {
    const nothing = await ask({ temperature: null, stop: null, tools: null, n: null, max_tokens: -1, top_logprobs: 0 })
    assert.deepEqual(nothing.chat.request.options, {})
    const one = await ask({ stop: 'x', max_tokens: 3, repetition_penalty: 1.2, top_logprobs: 2 })
    assert.deepEqual(one.chat.request.options, { stop: ['x'], maxTokens: 3, repeatPenalty: 1.2, logprobs: 2 })
  })

  it('has messages of every role, with the name of the call that a result answers', async () => {
    const { chat, headers } = await ask({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', content: [{ type: 'text', text: 'Rain?' }] },
        {
          role: 'assistant',
          content: null,
          reasoning_content: 'I should look.',
          refusal: null,
          annotations: [],
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } },
            { id: 'c2', function: { name: 'time', arguments: { zone: 'x' } } },
          ],
        },
        { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'noon' }] },
        { role: 'tool', tool_call_id: 'c1', content: 'dry' },
        { role: 'tool', tool_call_id: 'lost', name: 'sun', content: 'up' },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }], reasoning: 'Never.' },
        { role: 'assistant', refusal: 'Nor this.' },
        { role: 'user', content: 'Thanks' },
      ],
    })
    assert.equal(headers.get('x-lmapp-warning'), null)
    assert.deepEqual(chat.request.messages, [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Rain?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'I should look.' },
          { type: 'tool-call', id: 'c1', name: 'weather', arguments: '{}' },
          { type: 'tool-call', id: 'c2', name: 'time', arguments: '{"zone":"x"}' },
        ],
      },
      { role: 'tool', content: [{ type: 'tool-result', id: 'c2', name: 'time', text: 'noon' }] },
      { role: 'tool', content: [{ type: 'tool-result', id: 'c1', name: 'weather', text: 'dry' }] },
      { role: 'tool', content: [{ type: 'tool-result', id: 'lost', name: 'sun', text: 'up' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Never.' },
          { type: 'text', text: 'No.' },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'Nor this.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Thanks' }] },
    ])
  })

  it('has images and files of text, inline', async () => {
    const data = Buffer.from('a picture').toString('base64')
    const text = Buffer.from('# Grüße').toString('base64')
    const { chat } = await ask({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: `data:image/jpg;base64,${data}`, detail: 'low' } },
            { type: 'file', file: { filename: 'a.md', file_data: `data:text/markdown;charset=utf-8;base64,${text}` } },
            { type: 'file', file: { file_data: `data:application/json;base64,${text}` } },
          ],
        },
      ],
    })
    assert.deepEqual(chat.request.messages[0]?.content, [
      { type: 'image', mediaType: 'image/jpeg', data },
      { type: 'file', name: 'a.md', mediaType: 'text/markdown', text: '# Grüße' },
      { type: 'file', name: 'file', mediaType: 'application/json', text: '# Grüße' },
    ])
  })

  it('has tools and which of them to call', async () => {
    const bare = { type: 'function', function: { name: 'now' } }
    const any = await ask({ tools: [weather, bare], tool_choice: 'required' })
    assert.deepEqual(any.chat.request.tools, [
      weather.function,
      { name: 'now', parameters: { type: 'object', properties: {} } },
    ])
    assert.equal(any.chat.request.toolChoice, 'required')
    const one = await ask({ tools: [bare], tool_choice: { type: 'function', function: { name: 'now' } } })
    assert.deepEqual(one.chat.request.toolChoice, { name: 'now' })
    const free = await ask({ tools: [bare], tool_choice: 'auto' })
    assert.equal(free.chat.request.toolChoice, undefined)
    const none = await ask({ tools: [bare], tool_choice: 'none' })
    assert.equal(none.chat.request.toolChoice, 'none')
    const nothing = await ask({ tools: [], tool_choice: 'none' })
    assert.deepEqual([nothing.chat.request.tools, nothing.chat.request.toolChoice], [undefined, undefined])
  })

  it('has a schema for JSON, and for JSON of a form', async () => {
    const answer = async (chat: Dictation) => {
      await chat.say('{"a":1}')
      await chat.finish()
    }
    const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
    const exact = await ask({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }, answer)
    assert.equal(exact.body.choices[0].message.content, '{"a":1}')
    const loose = await ask({ response_format: { type: 'json_object' } }, answer)
    assert.equal(loose.status, 200)
    const open = await ask({ response_format: { type: 'json_schema', json_schema: { name: 'x' } } }, answer)
    assert.equal(open.status, 200)
    const wrong = { response_format: { type: 'json_schema', json_schema: { schema: { type: 'nonsense' } } } }
    assert.equal((await refusal(wrong)).code, 'bad-input')
  })

  it('has how much to think', async () => {
    const efforts = { none: false, minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high' }
    for (const [effort, reasoning] of Object.entries(efforts)) {
      const { chat, headers } = await ask({ reasoning_effort: effort })
      assert.equal(chat.request.reasoning, reasoning)
      assert.equal(headers.get('x-lmapp-warning') !== null, effort === 'xhigh')
    }
  })

  it('names what is left out in a header', async () => {
    const { headers } = await ask({
      messages: [{ role: 'user', name: 'Ann', content: 'Hello' }],
      user: 'u1',
      metadata: { a: 'b' },
      store: true,
      service_tier: 'flex',
      prompt_cache_key: 'k',
      safety_identifier: 's',
      parallel_tool_calls: false,
      tools: [{ type: 'web_search' }, { type: 'function', function: { name: 'f', strict: true } }],
      chat_template_kwargs: { enable_thinking: false },
      grüße: 1,
    })
    const warning = headers.get('x-lmapp-warning') ?? ''
    const named = [...warning.matchAll(/"([^"]+)" is/g)].map(([, name]) => name)
    assert.deepEqual(named.sort(), [
      'chat_template_kwargs',
      'gr??e',
      'messages[].name',
      'metadata',
      'parallel_tool_calls',
      'prompt_cache_key',
      'safety_identifier',
      'service_tier',
      'store',
      'tools[0]',
      'tools[].function.strict',
      'user',
    ])
  })
})

describe('what would make another answer than the one asked for', () => {
  const part = (content: object) => ({ messages: [{ role: 'user', content: [content] }] })
  const wrong: [string, object][] = [
    ['n', { n: 2 }],
    ['logit_bias', { logit_bias: { 50256: -100 } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['audio', { audio: { voice: 'x', format: 'wav' } }],
    ['web_search_options', { web_search_options: {} }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['function_call', { function_call: { name: 'f' } }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice', { tools: [weather], tool_choice: { type: 'function', function: { name: 'other' } } }],
    ['tool_choice', { tools: [weather], tool_choice: { type: 'allowed_tools', allowed_tools: {} } }],
    ['messages[0].role', { messages: [{ role: 'function', name: 'f', content: 'x' }] }],
    ['messages[0].role', { messages: [{ role: 'wizard', content: 'x' }] }],
    ['messages[0].function_call', { messages: [{ role: 'assistant', function_call: { name: 'f', arguments: '' } }] }],
    ['messages[0].audio', { messages: [{ role: 'assistant', audio: { id: 'a' } }] }],
    ['messages[0].content', { messages: [{ role: 'assistant' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 7 }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', tool_call_id: 'nobody', content: 'x' }] }],
    [
      'messages[0].tool_calls[0].type',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'x' } }] }] },
    ],
    ['messages[0].content[0].input_audio', part({ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } })],
    ['messages[0].content[0].file.file_id', part({ type: 'file', file: { file_id: 'f' } })],
    [
      'messages[0].content[0].file.file_data',
      part({ type: 'file', file: { file_data: 'data:application/pdf;base64,AA==' } }),
    ],
    [
      'messages[0].content[0].file.file_data',
      part({ type: 'file', file: { file_data: 'data:text/plain;base64,/w==' } }),
    ],
    ['messages[0].content[0].image_url.url', part({ type: 'image_url', image_url: { url: 'http://x.example/a.png' } })],
    ['messages[0].content[0].image_url.url', part({ type: 'image_url', image_url: { url: 'data:image/png,AA' } })],
    [
      'messages[0].content[0].image_url.url',
      part({ type: 'image_url', image_url: { url: 'data:text/plain;base64,AA==' } }),
    ],
    [
      'messages[0].content[0].image_url.url',
      part({ type: 'image_url', image_url: { url: 'data:image/png;base64,A A' } }),
    ],
    ['max_tokens', { max_tokens: 0 }],
    ['response_format.type', { response_format: { type: 'grammar' } }],
  ]
  for (const [field, body] of wrong) {
    it(`is refused by its name: ${field} in ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const { param, message } = await refusal(body)
      assert.equal(param, field)
      assert.ok(message.includes(field))
    })
  }

  it('is refused too where only the backend knows that it cannot', async () => {
    const { status, body } = await ask({ logprobs: true }, async (chat) => {
      await chat.push({
        type: 'warning',
        code: 'unsupported-setting',
        setting: 'options.logprobs',
        message: 'Toy gives no log probabilities.',
      })
      await chat.say('Hi')
    })
    assert.equal(status, 400)
    assert.equal(body.error.param, 'logprobs')
    assert.match(body.error.message, /^Toy gives no log probabilities\. Leave it out/)
  })

  it('is refused for an image that the model cannot see', async () => {
    await using blind = await startBlindService()
    const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }]
    for (const stream of [false, true]) {
      const { status, body } = await read(post(blind, path, { messages: [{ role: 'user', content }], stream }))
      assert.deepEqual([status, body.error.param, body.error.code], [400, 'messages', 'unsupported'])
      assert.match(body.error.message, /^"messages" has an image, and dictated\/tiny cannot see images\./)
    }
    assert.deepEqual(blind.bugs, [])
  })

  it('is a warning where a backend leaves out what can be left out', async () => {
    const { status, headers } = await ask({ top_k: 3 }, async (chat) => {
      await chat.push({ type: 'warning', code: 'unsupported-setting', setting: 'options.topK', message: 'No top_k.' })
      await sayHi(chat)
    })
    assert.equal(status, 200)
    assert.equal(headers.get('x-lmapp-warning'), 'No top_k.')
  })
})
