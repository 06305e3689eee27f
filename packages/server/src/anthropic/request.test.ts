import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatRequest } from 'lmapp-kit'
import { startTestService, type TestService } from '../testing/test-app.ts'
import { giveAbilities, hello, postMessages, textBlock, toolUse } from './testing/exchange.ts'

/** What the engine gets for a body, and the header that says what it did not get. */
async function ask(service: TestService, body: object): Promise<{ request: ChatRequest; warning: string | null }> {
  const answer = postMessages(service, { ...hello, ...body })
  const dictation = await service.backend.nextChat()
  await dictation.say('Well')
  await dictation.finish()
  const response = await answer
  assert.equal(response.status, 200, await response.clone().text())
  return { request: dictation.request, warning: response.headers.get('x-lmapp-warning') }
}

/** What a body is refused with, before an engine hears of it. */
async function refusal(service: TestService, body: object) {
  const response = await postMessages(service, { ...hello, ...body })
  const { error } = (await response.json()) as { error: { type: string; message: string } }
  return { status: response.status, ...error }
}

const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })
const text = (words: string) => ({ type: 'text', text: words })

test('settings reach the engine under their names in lmapp', async () => {
  await using service = await startTestService()
  const { request, warning } = await ask(service, {
    max_tokens: 7,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    stop_sequences: ['END', '\n\n'],
    cache_control: { type: 'ephemeral' },
  })
  assert.equal(request.model, 'tiny')
  assert.deepEqual(request.options, { maxTokens: 7, temperature: 0.5, topP: 0.9, topK: 40, stop: ['END', '\n\n'] })
  assert.deepEqual(request.messages, [{ role: 'user', content: [text('Hello')] }])
  assert.equal(warning, null)
})

test('null is as good as nothing', async () => {
  await using service = await startTestService()
  const { request } = await ask(service, { system: null, temperature: null, tools: null, thinking: null, stream: null })
  assert.deepEqual(request.options, { maxTokens: 100 })
  assert.equal(request.tools, undefined)
})

test('the system prompt is a text or blocks, and one message with what stands as system in front', async () => {
  await using service = await startTestService()
  const first = await ask(service, { system: 'Be brief.' })
  assert.deepEqual(first.request.messages[0], { role: 'system', content: [text('Be brief.')] })
  const second = await ask(service, {
    system: [{ ...text('Be brief.'), cache_control: { type: 'ephemeral' } }, text('Be kind.')],
    messages: [{ role: 'system', content: 'Be true.' }, user('Hello'), { role: 'system', content: [text('Now!')] }],
  })
  assert.deepEqual(second.request.messages, [
    { role: 'system', content: [text('Be brief.\n\nBe kind.'), text('\n\n'), text('Be true.')] },
    { role: 'user', content: [text('Hello')] },
    { role: 'system', content: [text('Now!')] },
  ])
})

test('a billing line in front of the system prompt is left out, so that the prompt stays the same', async () => {
  await using service = await startTestService()
  const blocks = await ask(service, {
    system: [text('x-anthropic-billing-header: cc_version=2; cch=eb6c6;'), text('Be brief.')],
  })
  assert.deepEqual(blocks.request.messages[0]?.content, [text('Be brief.')])
  assert.match(blocks.warning ?? '', /billing line of "system"/)
  const line = await ask(service, { system: 'x-anthropic-billing-header: cch=1;\nBe brief.' })
  assert.deepEqual(line.request.messages[0]?.content, [text('Be brief.')])
  const quoted = await ask(service, { system: 'What is x-anthropic-billing-header: 1?' })
  assert.deepEqual(quoted.request.messages[0]?.content, [text('What is x-anthropic-billing-header: 1?')])
})

test('images and documents reach the engine, documents as files', async () => {
  await using service = await startTestService()
  giveAbilities(service, 'vision')
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }
  const source = { type: 'text', media_type: 'text/plain', data: 'one' }
  const { request, warning } = await ask(service, {
    messages: [
      user([
        image,
        { type: 'document', source, title: 'a.txt', context: 'From home.', citations: { enabled: true } },
        { type: 'document', source },
        text('What is it?'),
      ]),
    ],
  })
  assert.deepEqual(request.messages[0]?.content, [
    { type: 'image', mediaType: 'image/png', data: 'aGk=' },
    text('From home.\n'),
    { type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'one' },
    { type: 'file', name: 'document', mediaType: 'text/plain', text: 'one' },
    text('What is it?'),
  ])
  assert.match(warning ?? '', /messages\[0\]\.content\[1\]\.citations/)
})

test('calls of tools and their results are told to the engine, results first', async () => {
  await using service = await startTestService()
  giveAbilities(service, 'vision')
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }
  const file = { type: 'document', title: 'log', source: { type: 'text', data: 'line' } }
  const { request, warning } = await ask(service, {
    messages: [
      user('Weather?'),
      assistant([
        { type: 'thinking', thinking: 'Hm.', signature: 'abc' },
        { type: 'thinking', thinking: '', signature: 'abc' },
        { type: 'redacted_thinking', data: 'xyz' },
        text('I look.'),
        { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'Ulm' } },
        { type: 'tool_use', id: 'b', name: 'clock', input: {} },
      ]),
      user([
        text('Here.'),
        { type: 'tool_result', tool_use_id: 'a', content: 'rain' },
        { type: 'tool_result', tool_use_id: 'b', content: [text('12'), image, file], is_error: true },
      ]),
      user('And now?'),
    ],
  })
  assert.deepEqual(request.messages, [
    { role: 'user', content: [text('Weather?')] },
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'Hm.' },
        text('I look.'),
        { type: 'tool-call', id: 'a', name: 'weather', arguments: '{"city":"Ulm"}' },
        { type: 'tool-call', id: 'b', name: 'clock', arguments: '{}' },
      ],
    },
    { role: 'tool', content: [{ type: 'tool-result', id: 'a', name: 'weather', text: 'rain' }] },
    {
      role: 'tool',
      content: [{ type: 'tool-result', id: 'b', name: 'clock', text: '12\nlog\n```\nline\n```\n\n', isError: true }],
    },
    {
      role: 'user',
      content: [{ type: 'image', mediaType: 'image/png', data: 'aGk=' }, text('Here.'), text('\n\n'), text('And now?')],
    },
  ])
  assert.match(warning ?? '', /"messages\[1\]\.content\[2\]" was left out: redacted thinking/)
})

test('a result without content is empty, and an empty turn is none', async () => {
  await using service = await startTestService()
  const { request } = await ask(service, {
    messages: [
      user('Go'),
      assistant([{ type: 'tool_use', id: 'a', name: 'go', input: {} }]),
      user([{ type: 'tool_result', tool_use_id: 'a' }]),
      assistant(''),
    ],
  })
  assert.deepEqual(request.messages.at(-1), {
    role: 'tool',
    content: [{ type: 'tool-result', id: 'a', name: 'go', text: '' }],
  })
})

test('blocks of an answer are sent back as they came, and nothing is said to that', async () => {
  await using service = await startTestService()
  const { request, warning } = await ask(service, {
    messages: [
      user('What time is it?'),
      assistant([textBlock('I look.'), toolUse('a', { zone: 'utc' })]),
      user([{ type: 'tool_result', tool_use_id: 'a', content: '12' }]),
    ],
  })
  assert.deepEqual(request.messages[1]?.content, [
    text('I look.'),
    { type: 'tool-call', id: 'a', name: 'clock', arguments: '{"zone":"utc"}' },
  ])
  assert.equal(warning, null)
})

test('the answer goes on from the words of an assistant that stand last', async () => {
  await using service = await startTestService()
  giveAbilities(service, 'continue')
  const answer = postMessages(service, { ...hello, messages: [user('Count'), assistant('One, two,')] })
  const dictation = await service.backend.nextChat()
  assert.equal(dictation.request.continue, true)
  assert.deepEqual(dictation.request.messages.at(-1), { role: 'assistant', content: [text('One, two,')] })
  await dictation.say(' three')
  await dictation.finish()
  const { content } = (await (await answer).json()) as { content: unknown }
  assert.deepEqual(content, [textBlock(' three')])
})

test('tools that a client defines are offered; those of a provider are named and left out', async () => {
  await using service = await startTestService()
  const schema = { type: 'object', properties: { city: { type: 'string' } } }
  const { request, warning } = await ask(service, {
    tools: [
      { name: 'weather', description: 'Tells it.', input_schema: schema },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
      { type: 'custom', name: 'clock', input_schema: {}, strict: true, defer_loading: true, input_examples: [{}] },
      { type: 'bash_20250124', name: 'bash' },
    ],
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  })
  assert.deepEqual(request.tools, [
    { name: 'weather', description: 'Tells it.', parameters: schema },
    { name: 'clock', parameters: {} },
  ])
  assert.equal(request.toolChoice, 'auto')
  for (const named of [
    /web_search_20250305/,
    /bash_20250124/,
    /"tools\[2\]" was left out: strict, defer_loading, input_examples/,
  ]) {
    assert.match(warning ?? '', named)
  }
  assert.match(warning ?? '', /tool_choice\.disable_parallel_tool_use/)
})

test('a choice of tools is told to the engine', async () => {
  await using service = await startTestService()
  const tools = [{ name: 'clock', input_schema: { type: 'object' } }]
  const cases = [
    [{ type: 'any' }, 'required'],
    [{ type: 'none' }, 'none'],
    [{ type: 'tool', name: 'clock' }, { name: 'clock' }],
  ]
  for (const [tool_choice, expected] of cases) {
    assert.deepEqual((await ask(service, { tools, tool_choice })).request.toolChoice, expected)
  }
  const alone = await ask(service, { tool_choice: { type: 'auto' } })
  assert.equal(alone.request.toolChoice, undefined)
})

test('a call that is asked for and cannot come is refused', async () => {
  await using service = await startTestService()
  const provider = [{ type: 'web_search_20250305', name: 'web_search' }]
  for (const tool_choice of [{ type: 'any' }, { type: 'tool', name: 'web_search' }]) {
    const refused = await refusal(service, { tools: provider, tool_choice })
    assert.equal(refused.status, 400)
    assert.equal(refused.type, 'invalid_request_error')
    assert.match(refused.message, /tool_choice/)
  }
})

test('thinking is asked for, not asked for, or left to the model, and effort says how much', async () => {
  await using service = await startTestService()
  const cases: [object, ChatRequest['reasoning']][] = [
    [{}, undefined],
    [{ thinking: { type: 'enabled', budget_tokens: 2048 } }, true],
    [{ thinking: { type: 'adaptive' } }, true],
    [{ thinking: { type: 'between_tools' } }, true],
    [{ thinking: { type: 'disabled' } }, false],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }, 'low'],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }, 'high'],
    [{ output_config: { effort: 'medium' } }, undefined],
  ]
  for (const [body, expected] of cases) assert.equal((await ask(service, body)).request.reasoning, expected)
  const { warning } = await ask(service, { thinking: { type: 'enabled', budget_tokens: 2048, display: 'omitted' } })
  assert.match(warning ?? '', /thinking\.budget_tokens, thinking\.display/)
  assert.match((await ask(service, { output_config: { effort: 'low' } })).warning ?? '', /output_config\.effort/)
})

test('a schema is asked of the answer, under both names of it', async () => {
  await using service = await startTestService()
  giveAbilities(service, 'json-schema')
  const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
  const format = { type: 'json_schema', schema }
  for (const body of [{ output_config: { format } }, { output_format: format }]) {
    const answer = postMessages(service, { ...hello, ...body })
    const dictation = await service.backend.nextChat()
    assert.deepEqual(dictation.request.schema, schema)
    await dictation.say('{"a":1}')
    await dictation.finish()
    const { content } = (await (await answer).json()) as { content: unknown }
    assert.deepEqual(content, [textBlock('{"a":1}')])
  }
  const messages = [...hello.messages, assistant('{')]
  const refused = await refusal(service, { messages, output_config: { format } })
  assert.equal(refused.status, 400)
})

test('what is not used is left out and named, also what nobody knows', async () => {
  await using service = await startTestService()
  const { warning } = await ask(service, {
    metadata: { user_id: 'u' },
    service_tier: 'auto',
    context_management: { edits: [] },
    mcp_servers: [],
    'inference_geo\n': 'eu',
  })
  assert.match(warning ?? '', /metadata, service_tier, context_management, inference_geo\?/)
})

test('what would make the answer another one is refused by name', async () => {
  await using service = await startTestService()
  const block = (content: object) => ({ messages: [user([content])] })
  const url = { type: 'url', url: 'http://127.0.0.1/x.png' }
  const place = 'messages[0].content[0]'
  const cases: [object, string][] = [
    [{ container: 'c' }, 'container'],
    [{ mcp_servers: [{ type: 'url', url: 'http://x' }] }, 'mcp_servers'],
    [block({ type: 'image', source: url }), `${place}.source`],
    [block({ type: 'image', source: { type: 'file', file_id: 'f' } }), `${place}.source`],
    [
      block({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } }),
      `${place}.source`,
    ],
    [block({ type: 'search_result', content: [], source: 's', title: 't' }), `${place}.type`],
    [block({ type: 'tool_use', id: 'a', name: 'n', input: {} }), `${place}.type`],
    [block({ type: 'tool_result', tool_use_id: 'nobody' }), `${place}.tool_use_id`],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [] }, 'messages'],
    [{ max_tokens: undefined }, 'max_tokens'],
    [{ model: undefined }, 'model'],
    [{ tools: [{ name: 'x' }] }, 'tools[0].input_schema'],
    [{ tools: [{ type: '', name: 'x' }] }, 'tools[0].type'],
  ]
  for (const [body, field] of cases) {
    const refused = await refusal(service, body)
    assert.equal(refused.status, 400, field)
    assert.equal(refused.type, 'invalid_request_error')
    assert.ok(refused.message.includes(`"${field}"`), `${refused.message} names ${field}`)
  }
  const open = await refusal(service, {
    messages: [user('Go'), assistant([{ type: 'tool_use', id: 'a', name: 'go', input: {} }])],
  })
  assert.equal(open.status, 400)
})

test('what the engine cannot honour is refused by its name here', async () => {
  await using service = await startTestService()
  const tools = [{ name: 'clock', input_schema: { type: 'object' } }]
  for (const [setting, field] of [
    ['tools', 'tools'],
    ['toolChoice', 'tool_choice'],
  ] as const) {
    const answer = postMessages(service, { ...hello, tools, tool_choice: { type: 'any' } })
    const dictation = await service.backend.nextChat()
    await dictation.push({ type: 'warning', code: 'unsupported-setting', setting, message: `It cannot do ${field}.` })
    await dictation.say('Well')
    const response = await answer
    assert.equal(response.status, 400)
    const { error } = (await response.json()) as { error: { message: string } }
    assert.match(error.message, new RegExp(`It cannot do ${field}`))
  }
})
