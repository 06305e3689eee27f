import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ChatRequest, isLmappError, type Message } from 'lmapp-kit'
import { commonDialect, type Dialect, toChatBody } from './index.ts'

const hello: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] }
const usual = { stream: true, stream_options: { include_usage: true } }
const look = { name: 'look', description: 'Looks.', parameters: { type: 'object' } }
const listen = { name: 'listen', parameters: {} }
const asTool = (tool: object) => ({ type: 'function', function: tool })

function toBody(request: Partial<ChatRequest>, dialect: Partial<Dialect> = {}, contextLength?: number) {
  const { body, warnings } = toChatBody(
    { model: 'm', messages: [hello], ...request },
    { dialect: { ...commonDialect, ...dialect }, ...(contextLength && { contextLength }) },
  )
  return { body, settings: warnings.map(({ code, setting }) => (code === 'unsupported-setting' ? setting : code)) }
}

describe('the body of a chat', () => {
  it('carries messages: text, files, images, calls and results', () => {
    const messages: Message[] = [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look: ' },
          { type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'A' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'A' },
          { type: 'image', mediaType: 'image/png', data: 'AAAA' },
          { type: 'reasoning', text: 'odd' },
          { type: 'text', text: 'This.' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'I look.' },
          { type: 'tool-call', id: 'c1', name: 'look', arguments: '{"at":"it"}' },
          { type: 'tool-call', id: 'c2', name: 'look', arguments: '' },
          { type: 'tool-call', id: 'c3', name: 'look', arguments: 'at it' },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', id: 'c1', name: 'look', text: 'seen' },
          { type: 'tool-result', id: 'c2', name: 'look', text: 'nothing', isError: true },
        ],
      },
      { role: 'assistant', content: [] },
    ]
    const call = (id: string, given: string) => ({ id, type: 'function', function: { name: 'look', arguments: given } })
    const calls = [call('c1', '{"at":"it"}'), call('c2', '{}'), call('c3', '{"arguments":"at it"}')]
    const { body } = toBody({ messages })
    assert.deepEqual(body.messages, [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Look: a.txt\n```\nA\n```\n\n' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a.txt\n```\nA\n```\n\n' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'text', text: 'This.' },
        ],
      },
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', content: 'seen', tool_call_id: 'c1' },
      { role: 'tool', content: 'nothing', tool_call_id: 'c2' },
      { role: 'assistant', content: '' },
    ])
    const { body: thinking } = toBody({ messages }, { reasoningMember: 'reasoning_content' })
    assert.equal(thinking.messages[3]?.reasoning_content, 'I look.')
  })

  it('gives settings the names of the dialect, and warns of those it has none for', () => {
    const options = {
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      minP: 0.1,
      repeatPenalty: 1.1,
      presencePenalty: 0.2,
      frequencyPenalty: 0.3,
      seed: 7,
      maxTokens: 32,
      stop: ['END'],
    }
    const common = {
      temperature: 0.5,
      top_p: 0.9,
      presence_penalty: 0.2,
      frequency_penalty: 0.3,
      seed: 7,
      max_tokens: 32,
      stop: ['END'],
    }
    const plain = toBody({ options })
    assert.deepEqual(plain.body, {
      model: 'm',
      messages: [{ role: 'user', content: 'Hello' }],
      ...usual,
      ...common,
    })
    assert.deepEqual(plain.settings, ['options.topK', 'options.minP', 'options.repeatPenalty'])
    const settings = { ...commonDialect.settings, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repetition_penalty' }
    const rich = toBody({ options }, { settings })
    assert.deepEqual(rich.settings, [])
    assert.equal(rich.body.repetition_penalty, 1.1)
  })

  it('sends no bound of tokens that nobody wanted, and refuses a fraction where a whole number is due', () => {
    assert.deepEqual(Object.keys(toBody({}).body), ['model', 'messages', 'stream', 'stream_options'])
    const isBadInput = (error: unknown) => isLmappError(error, 'bad-input')
    assert.throws(() => toBody({ options: { maxTokens: 1.5 } }), isBadInput)
  })

  it('cannot set the context: only one that is there anyway may be wished for', () => {
    assert.deepEqual(toBody({ options: { contextLength: 4096 } }).settings, ['options.contextLength'])
    assert.deepEqual(toBody({ options: { contextLength: 4096 } }, {}, 2048).settings, ['options.contextLength'])
    assert.deepEqual(toBody({ options: { contextLength: 4096 } }, {}, 8192).settings, [])
  })

  it('offers tools, all, none or one', () => {
    const tools = [look, listen]
    assert.deepEqual(toBody({ tools }).body.tools, [asTool(look), asTool(listen)])
    assert.equal(toBody({ tools }).body.tool_choice, undefined)
    assert.equal(toBody({ tools, toolChoice: 'required' }).body.tool_choice, 'required')
    assert.equal(toBody({ tools, toolChoice: 'none' }).body.tools, undefined)
    const named = toBody({ tools, toolChoice: { name: 'listen' } })
    assert.deepEqual(named.body.tool_choice, { type: 'function', function: { name: 'listen' } })
    const only = toBody({ tools, toolChoice: { name: 'listen' } }, { namedToolChoice: false })
    assert.deepEqual([only.body.tools, only.body.tool_choice], [[asTool(listen)], 'required'])
    const isBadInput = (error: unknown) => isLmappError(error, 'bad-input')
    assert.throws(() => toBody({ tools, toolChoice: { name: 'taste' } }), isBadInput)
  })

  it('asks for JSON by its schema', () => {
    const schema = { type: 'object' }
    assert.deepEqual(toBody({ schema }).body.response_format, {
      type: 'json_schema',
      json_schema: { name: 'answer', strict: true, schema },
    })
  })

  it('asks for reasoning as the dialect knows it', () => {
    assert.deepEqual(toBody({ reasoning: true }).settings, ['reasoning'])
    assert.deepEqual(toBody({ reasoning: false }).settings, ['reasoning'])
    const level = toBody({ reasoning: 'high' })
    assert.deepEqual([level.body.reasoning_effort, level.settings], ['high', []])
    assert.deepEqual(toBody({ reasoning: 'high' }, { reasoningEffort: false }).settings, ['reasoning'])
    for (const [reasoning, thinking] of [
      [true, true],
      [false, false],
      ['low', true],
    ] as const) {
      const { body, settings } = toBody({ reasoning }, { reasoningSwitch: 'enable_thinking' })
      assert.deepEqual([body.chat_template_kwargs, settings], [{ enable_thinking: thinking }, []])
    }
  })

  it('asks for log probabilities, of one alternative at least, where the dialect knows them', () => {
    for (const [wanted, sent] of [
      [5, 5],
      [0, 1],
    ] as const) {
      const { body, settings } = toBody({ options: { logprobs: wanted } })
      assert.deepEqual([body.logprobs, body.top_logprobs, settings], [true, sent, []])
    }
    const { body, settings } = toBody({ options: { logprobs: 5 } }, { logprobs: false })
    assert.deepEqual([body.logprobs, body.top_logprobs, settings], [undefined, undefined, ['options.logprobs']])
    assert.equal('logprobs' in toBody({}).body, false)
    assert.throws(
      () => toBody({ options: { logprobs: 0.5 } }),
      (error) => isLmappError(error, 'bad-input'),
    )
  })

  it('brings what the dialect and the caller add, which replaces nothing', () => {
    const dialect = { extra: { return_progress: true }, continuation: { continue_final_message: true } }
    const vendor = { logprobs: true, stream: false, model: 'other' }
    const { body } = toBody({ vendor }, dialect)
    assert.equal(body.return_progress, true)
    assert.equal(body.logprobs, true)
    assert.deepEqual([body.stream, body.model], [true, 'm'])
    assert.equal(body.continue_final_message, undefined)
    assert.equal(toBody({ continue: true }, dialect).body.continue_final_message, true)
  })
})
