import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { type Json, post, read, startBlindService } from '../testing/ask.ts'
import { answer, askResponse, path, refused } from './testing/ask-response.ts'
import { openService } from './testing/open-service.ts'

const pixel = 'iVBORw0KGgo='
const clock = { type: 'function', name: 'clock', description: 'Tells the time.', parameters: { type: 'object' } }
const text = (words: string) => ({ type: 'text', text: words })

describe('a response', async () => {
  const service = await openService()
  after(() => service[Symbol.asyncDispose]())

  it('is whole: all that clients read is there', async () => {
    const { status, headers, body } = await askResponse(service, {})
    assert.equal(status, 200)
    assert.equal(headers.get('x-lmapp-model'), 'dictated/tiny')
    const { id, created_at, completed_at, output, ...rest } = body
    assert.match(id, /^resp_[0-9a-f]{32}$/)
    assert.ok(Number.isInteger(created_at) && completed_at >= created_at)
    assert.deepEqual(output, [
      {
        id: `msg_${id.slice('resp_'.length)}_0`,
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Hi.', annotations: [], logprobs: [] }],
      },
    ])
    assert.deepEqual(rest, {
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: 'dictated/tiny',
      background: false,
      instructions: null,
      max_output_tokens: null,
      metadata: {},
      parallel_tool_calls: true,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: true,
      temperature: 1,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_logprobs: 0,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      max_tool_calls: null,
      safety_identifier: null,
      prompt_cache_key: null,
      service_tier: 'default',
      truncation: 'disabled',
      usage: {
        input_tokens: 3,
        input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        output_tokens: 2,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 5,
      },
    })
  })

  it('takes every setting, and shows it again', async () => {
    const schema = { type: 'object', properties: { sky: { type: 'string' } } }
    const settings = {
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 50,
      metadata: { topic: 'sky' },
      instructions: 'Be brief.',
      parallel_tool_calls: true,
    }
    const format = { type: 'json_schema', name: 'sky', schema, strict: true }
    const { body, chat } = await askResponse(
      service,
      {
        ...settings,
        model: 'dictated/tiny',
        text: { format },
        reasoning: { effort: 'minimal', summary: 'concise' },
        include: ['message.output_text.logprobs'],
        top_logprobs: 2,
      },
      (dictated) => answer(dictated, '{"sky":"blue"}'),
    )
    assert.deepEqual(chat.request.options, { temperature: 0.5, topP: 0.9, maxTokens: 50, logprobs: 2 })
    assert.deepEqual(chat.request.schema, schema)
    assert.equal(chat.request.reasoning, 'low')
    const [system, question] = chat.request.messages
    assert.deepEqual([system?.role, system?.content[0]], ['system', text('Be brief.')])
    assert.deepEqual(question, { role: 'user', content: [text('Hello')] })
    for (const [name, value] of Object.entries(settings)) assert.deepEqual(body[name], value, name)
    assert.deepEqual(body.text, { format })
    assert.deepEqual(body.reasoning, { effort: 'minimal', summary: 'concise' })
    assert.equal(body.top_logprobs, 2)
  })

  it('reads every item of the input', async () => {
    const image = { type: 'input_image', image_url: `data:image/png;base64,${pixel}`, detail: 'high' }
    const file = {
      type: 'input_file',
      filename: 'a.txt',
      file_data: `data:text/plain;base64,${Buffer.from('Text.').toString('base64')}`,
    }
    const { chat } = await askResponse(service, {
      instructions: 'One.',
      input: [
        { role: 'developer', content: 'Two.' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'See' }, image, file] },
        { type: 'reasoning', id: 'rs_x', summary: [{ type: 'summary_text', text: 'Hmm.' }] },
        {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [
            { type: 'output_text', text: 'I ', annotations: [] },
            { type: 'refusal', refusal: 'see.' },
          ],
        },
        { type: 'function_call', call_id: 'c1', name: 'clock', arguments: '{}' },
        { type: 'function_call', call_id: 'c2', name: 'clock' },
        { type: 'function_call_output', call_id: 'c1', output: 'noon' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'one' }, image] },
        { role: 'user', content: 'And' },
        { role: 'user', content: 'now?' },
      ],
    })
    const shown = { type: 'image', mediaType: 'image/png', data: pixel }
    assert.deepEqual(chat.request.messages, [
      { role: 'system', content: [text('One.\n\nTwo.')] },
      {
        role: 'user',
        content: [text('See'), shown, { type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'Text.' }],
      },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hmm.' },
          text('I '),
          text('see.'),
          { type: 'tool-call', id: 'c1', name: 'clock', arguments: '{}' },
          { type: 'tool-call', id: 'c2', name: 'clock', arguments: '' },
        ],
      },
      { role: 'tool', content: [{ type: 'tool-result', id: 'c1', name: 'clock', text: 'noon' }] },
      { role: 'tool', content: [{ type: 'tool-result', id: 'c2', name: 'clock', text: 'one' }] },
      { role: 'user', content: [shown, text('And\n\nnow?')] },
    ])
  })

  it('goes on from a last message of the assistant', async () => {
    const input = [
      { role: 'user', content: 'Sky?' },
      { role: 'assistant', content: 'The sky' },
    ]
    const { body, chat } = await askResponse(service, { input }, (dictated) => answer(dictated, ' is blue.'))
    assert.equal(chat.request.continue, true)
    assert.equal(body.output[0].content[0].text, ' is blue.')
    const next = await askResponse(service, { input: 'Why?', previous_response_id: body.id })
    assert.deepEqual(next.chat.request.messages[1], { role: 'assistant', content: [text('The sky is blue.')] })
  })

  it('calls functions, and nothing else', async () => {
    const { body, chat, headers } = await askResponse(
      service,
      {
        tools: [
          { ...clock, strict: true },
          { type: 'web_search' },
          { type: 'custom', name: 'patch', format: { type: 'grammar' } },
          { type: 'mcp', server_label: 'x', server_url: 'http://127.0.0.1' },
          { type: 'namespace', name: 'n', tools: [] },
        ],
        tool_choice: { type: 'function', name: 'clock' },
      },
      async (dictated) => {
        await dictated.push({ type: 'tool-call', id: 'c1', name: 'clock', arguments: '{"a":1}' })
        await dictated.finish('tool-calls')
      },
    )
    const { type: _, ...told } = clock
    assert.deepEqual(chat.request.tools, [told])
    assert.deepEqual(chat.request.toolChoice, { name: 'clock' })
    assert.deepEqual(body.tools, [{ ...clock, strict: true }])
    assert.deepEqual(body.tool_choice, { type: 'function', name: 'clock' })
    assert.equal(body.status, 'completed')
    const { id, ...call } = body.output[0]
    assert.match(id, /^fc_/)
    assert.deepEqual(call, {
      type: 'function_call',
      status: 'completed',
      call_id: 'c1',
      name: 'clock',
      arguments: '{"a":1}',
    })
    const warning = headers.get('x-lmapp-warning') ?? ''
    for (const name of ['tools[1]', 'tools[2]', 'tools[3]', 'tools[4]', 'strict'])
      assert.ok(warning.includes(name), name)
  })

  it('may be bound to some of the functions', async () => {
    const tools = [clock, { ...clock, name: 'calendar' }]
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'calendar' }] }
    const { body, chat } = await askResponse(service, { tools, tool_choice: allowed })
    assert.deepEqual(
      chat.request.tools?.map(({ name }) => name),
      ['calendar'],
    )
    assert.equal(chat.request.toolChoice, 'required')
    assert.deepEqual(body.tool_choice, allowed)
  })

  it('takes thoughts of its kind, and tells them', async () => {
    const { body } = await askResponse(service, {}, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm' })
      await chat.push({ type: 'reasoning-delta', text: 'm.' })
      await chat.push({ type: 'text-delta', text: 'A', logprobs: [{ token: 'A', logprob: -1 }] })
      await chat.push({ type: 'text-delta', text: 'B', logprobs: [{ token: 'B', logprob: -2 }] })
      await chat.finish()
    })
    const [thought, message] = body.output
    assert.deepEqual(thought.content, [{ type: 'reasoning_text', text: 'Hmm.' }])
    assert.equal(message.content[0].text, 'AB')
    assert.deepEqual(
      message.content[0].logprobs.map(({ logprob }: Json) => logprob),
      [-1, -2],
    )
  })

  it('tells what it leaves out', async () => {
    const { headers } = await askResponse(service, {
      input: [
        { role: 'user', content: 'Hi' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed' },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' },
        { type: 'reasoning', id: 'rs_2', summary: [] },
      ],
      include: ['reasoning.encrypted_content'],
      text: { verbosity: 'low' },
      truncation: 'auto',
      user: 'me',
      reasoning: { effort: 'xhigh' },
      prompt_cache_key: 'k',
      client_metadata: {},
      parallel_tool_calls: false,
      tools: null,
      conversation: null,
    })
    const warning = headers.get('x-lmapp-warning') ?? ''
    for (const name of [
      'input[1]',
      'input[2]',
      'input[3]',
      'reasoning.encrypted_content',
      'text.verbosity',
      'truncation',
      'user',
      'reasoning.effort',
      'prompt_cache_key',
      'client_metadata',
      'parallel_tool_calls',
    ]) {
      assert.ok(warning.includes(`"${name}"`), name)
    }
    const quiet = await askResponse(service, {
      truncation: 'disabled',
      service_tier: 'auto',
      parallel_tool_calls: true,
    })
    assert.equal(quiet.headers.get('x-lmapp-warning'), null)
  })

  it('counts nothing where the engine counts nothing', async () => {
    const { body } = await askResponse(service, {}, async (chat) => {
      await chat.say('Hi.')
      await chat.push({ type: 'finish', reason: 'stop', usage: {} })
    })
    assert.equal(body.usage, null)
  })

  it('that breaks off is an error, and none that is good', async () => {
    const { status, body } = await askResponse(service, {}, async (chat) => {
      await chat.say('Half a')
      chat.fail(new LmappError('engine-died', 'The engine died.'))
    })
    assert.equal(status, 502)
    assert.equal(body.error.code, 'engine-died')
  })

  it('whose client leaves ends, and is not kept', async () => {
    const leaving = new AbortController()
    const asked = post(service, path, { input: 'Hello' }, { signal: leaving.signal })
    const chat = await service.backend.nextChat()
    await chat.say('One')
    const run = service.app.runs.list('guest')[0]
    leaving.abort()
    await assert.rejects(asked, { name: 'AbortError' })
    assert.equal((await run?.ended)?.state, 'stopped')
  })

  it('that was asked to go on is answered whole too', async () => {
    const headers = { 'x-lmapp-detach': 'on' }
    const { body } = await askResponse(service, {}, (chat) => answer(chat, 'Hi.'), headers)
    assert.equal(body.output[0].content[0].text, 'Hi.')
    const failed = await askResponse(
      service,
      {},
      async (chat) => {
        await chat.say('Half')
        chat.fail(new LmappError('engine-died', 'The engine died.'))
      },
      headers,
    )
    assert.equal(failed.status, 502)
  })

  it('is bound to JSON where that is asked', async () => {
    const ask = { text: { format: { type: 'json_object' } } }
    const { body, chat } = await askResponse(service, ask, (dictated) => answer(dictated, '{}'))
    assert.deepEqual(chat.request.schema, { type: 'object' })
    assert.deepEqual(body.text, { format: { type: 'json_object' } })
    const loose = { text: { format: { type: 'json_schema', description: 'Any.' } } }
    const { body: other } = await askResponse(service, loose, (dictated) => answer(dictated, '{}'))
    assert.deepEqual(other.text.format, {
      type: 'json_schema',
      name: 'answer',
      description: 'Any.',
      schema: { type: 'object' },
      strict: null,
    })
  })

  const image = (url: string) => [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }]
  const part = (given: object) => [{ role: 'user', content: [given] }]
  const refusals: [string, object, string | null][] = [
    ['nothing', { input: undefined }, 'input'],
    ['an empty list', { input: [] }, 'input'],
    ['an empty question', { input: '' }, 'input'],
    ['nothing that is read', { input: [{ type: 'web_search_call' }] }, 'input'],
    [
      'a result without its call',
      { input: [{ type: 'function_call_output', call_id: 'c', output: '' }] },
      'input[0].call_id',
    ],
    ['an item that is none', { input: ['Hi'] }, 'input[0]'],
    ['a role that is none', { input: [{ role: 'tool', content: 'x' }] }, 'input[0].role'],
    ['an item without a type', { input: [{ type: 7 }] }, 'input[0].type'],
    ['a part that is none', { input: part({ type: 'video' }) }, 'input[0].content[0].type'],
    ['content that is none', { input: [{ role: 'user', content: 7 }] }, 'input[0].content'],
    ['an image elsewhere', { input: image('https://example.com/a.png') }, 'input[0].content[0].image_url'],
    ['an image that is none', { input: image('data:text/plain;base64,aGk=') }, 'input[0].content[0].image_url'],
    ['an image by its id', { input: part({ type: 'input_image', file_id: 'f' }) }, 'input[0].content[0].file_id'],
    ['a file elsewhere', { input: part({ type: 'input_file', file_url: 'u' }) }, 'input[0].content[0].file_url'],
    [
      'a file of no text',
      { input: part({ type: 'input_file', file_data: 'data:application/pdf;base64,aGk=' }) },
      'input[0].content[0].file_data',
    ],
    [
      'a file of broken text',
      { input: part({ type: 'input_file', file_data: 'data:text/plain;base64,/w==' }) },
      'input[0].content[0].file_data',
    ],
    ['sound', { input: part({ type: 'input_audio', input_audio: {} }) }, 'input[0].content[0]'],
    [
      'an image of the assistant',
      { input: [{ role: 'assistant', content: image('data:image/png;base64,aGk=')[0]?.content }] },
      'input[0].content',
    ],
    ['a conversation', { conversation: 'conv_1' }, 'conversation'],
    ['a template', { prompt: { id: 'pmpt_1' } }, 'prompt'],
    ['a tool of its provider as choice', { tools: [clock], tool_choice: { type: 'web_search' } }, 'tool_choice'],
    ['a choice that is none', { tools: [clock], tool_choice: { type: 'function' } }, 'tool_choice.name'],
    ['a function that is not there', { tools: [clock], tool_choice: { type: 'function', name: 'x' } }, 'tool_choice'],
    ['a call without functions', { tools: [{ type: 'web_search' }], tool_choice: 'required' }, 'tool_choice'],
    [
      'none of the functions',
      { tools: [clock], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ name: 'x' }] } },
      'tool_choice.tools',
    ],
    ['the background without a store', { background: true, store: false }, 'store'],
    ['long metadata', { metadata: { a: 'x'.repeat(513) } }, 'metadata'],
    ['metadata that is no text', { metadata: { a: 1 } }, 'metadata'],
    ['a temperature that is none', { temperature: 3 }, 'temperature'],
    ['an unknown format', { text: { format: { type: 'grammar' } } }, 'text.format.type'],
  ]
  for (const [name, body, param] of refusals) {
    it(`is refused by the name of the field: ${name}`, async () => {
      const told = await refused(service, { input: 'Hello', ...body })
      assert.equal(told.status, 400, JSON.stringify(told.body))
      assert.equal(told.body.error.param, param)
      assert.equal(told.body.error.type, 'invalid_request_error')
    })
  }

  it('is refused for a model that is not there', async () => {
    const { status, body } = await refused(service, { model: 'nobody/has-this', input: 'Hello' })
    assert.equal(status, 404)
    assert.equal(body.error.code, 'model_not_found')
  })

  it('is refused where the engine leaves out what was asked', async () => {
    const asked = post(service, path, { input: 'Hello', top_logprobs: 3 })
    const chat = await service.backend.nextChat()
    await chat.push({
      type: 'warning',
      code: 'unsupported-setting',
      message: 'No log probabilities.',
      setting: 'options.logprobs',
    })
    await chat.say('Hi')
    const { status, body } = await read(asked)
    assert.deepEqual([status, body.error.param], [400, 'top_logprobs'])
  })

  it('is refused for an image that the model cannot see', async () => {
    await using blind = await startBlindService()
    for (const stream of [false, true]) {
      const { status, body } = await refused(blind, { input: image(`data:image/png;base64,${pixel}`), stream })
      assert.deepEqual([status, body.error.param, body.error.code], [400, 'input', 'unsupported'])
      assert.match(body.error.message, /^"input" has an image, and dictated\/tiny cannot see images\./)
    }
    assert.deepEqual(blind.bugs, [])
  })

  it('is not made shorter than it is', async () => {
    const { status, body } = await read(post(service, `${path}/compact`, { input: 'Hello' }))
    assert.deepEqual([status, body.error.code], [404, 'not-found'])
  })

  it('tells how long its prompt is', async () => {
    const body = { input: 'Hello', instructions: 'Be brief.', tools: [clock, { type: 'web_search' }] }
    const { status, body: counted, headers } = await read(post(service, `${path}/input_tokens`, body))
    assert.equal(status, 200)
    assert.deepEqual(counted, { object: 'response.input_tokens', input_tokens: 2 })
    assert.match(headers.get('x-lmapp-warning') ?? '', /tools\[1\]/)
    const count = service.app.countTokens
    service.app.countTokens = async () => ({ model: 'dictated/tiny', tokens: 7, exact: false })
    const estimate = await read(post(service, `${path}/input_tokens`, { input: 'Hello', model: 'tiny' }))
    service.app.countTokens = count
    assert.equal(estimate.body.input_tokens, 7)
    assert.match(estimate.headers.get('x-lmapp-warning') ?? '', /estimate/)
  })
})
