import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Content } from '../../content.ts'
import { ask, message, open, say } from '../fixtures/ask-mock.ts'
import { readChat } from '../read-chat.ts'
import type { MockScript } from './mock-script.ts'

describe('what a mock says', () => {
  it('is the question, when nothing is scripted', async () => {
    assert.equal((await say({}, 'How are you?')).text, 'How are you?')
  })

  it('is the reply, with what was asked filled in', async () => {
    const request = {
      messages: [
        message('system', 'Be brief.'),
        message('user', 'Hi.'),
        message('assistant', 'Hi.'),
        message('user', 'Why?'),
      ],
    }
    const { text } = await say({ reply: '{system} {turns} {question} {other}' }, '', request)
    assert.equal(text, 'Be brief. 2 Why? {other}')
  })

  it('is nothing, when the reply is empty', async () => {
    const { text, finishes } = await say({ reply: '', repeatTokens: 10 }, 'Hi.')
    assert.equal(text, '')
    assert.equal(finishes[0]?.reason, 'stop')
  })

  it('is said again and again up to a number of tokens', async () => {
    const { text, finishes } = await say({ reply: 'one two', repeatTokens: 5 }, 'Hi.')
    assert.equal(text, 'one two one two one ')
    assert.deepEqual(finishes[0]?.usage, { inputTokens: 2, outputTokens: 5 })
  })

  it('ends with length where the context is full', async () => {
    const { text, finishes } = await say({ reply: 'one two three', contextLength: 4 }, 'Hi.')
    assert.equal(text, 'one two ')
    assert.equal(finishes[0]?.reason, 'length')
  })

  it('ends before the first of the stop sequences, wherever it lies', async () => {
    const script = { reply: 'one two three four' }
    const stopAt = async (...stop: string[]) => (await say(script, 'Hi.', { options: { stop } })).text
    assert.equal(await stopAt('o th', 'wo'), 'one t')
    assert.equal(await stopAt('', 'never'), 'one two three four')
    assert.equal(await stopAt('one'), '')
  })

  it('names the images that it sees', async () => {
    const image: Content = { type: 'image', mediaType: 'image/png', data: Buffer.from('12345').toString('base64') }
    const { text, finishes } = await say({ seesImages: true }, '', { messages: [message('user', 'What?', image)] })
    assert.equal(text, 'I see image/png of 5 bytes.\nWhat?')
    assert.equal(finishes[0]?.usage.inputTokens, 66)
  })

  it('is the smallest instance of a schema', async () => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }
    assert.equal((await say({ repeatTokens: 99 }, 'Hi.', { schema })).text, '{"ok":false}')
  })

  it('is thought before it is said, and only when thinking is wanted', async () => {
    const script = { reply: 'Yes.', reasoningText: 'Let me think.' }
    const { reasoning, finishes } = await say(script, 'Hi.')
    assert.equal(reasoning, 'Let me think.')
    assert.deepEqual(finishes[0]?.usage, { inputTokens: 2, outputTokens: 4, reasoningTokens: 3 })
    assert.equal((await say(script, 'Hi.', { reasoning: false })).reasoning, '')
    const short = await say(script, 'Hi.', { options: { maxTokens: 2 } })
    assert.deepEqual([short.reasoning, short.text, short.finishes[0]?.reason], ['Let me ', '', 'length'])
  })

  it('warns about each setting that it does not honour', async () => {
    const options = {
      topK: 1,
      minP: 0.1,
      repeatPenalty: 1,
      presencePenalty: 1,
      frequencyPenalty: 1,
      contextLength: 99999,
    }
    const { warnings } = await say({}, 'Hi.', { options, reasoning: 'high' })
    assert.deepEqual(
      warnings.map(({ setting }) => setting),
      ['topK', 'minP', 'repeatPenalty', 'presencePenalty', 'frequencyPenalty']
        .map((name) => `options.${name}`)
        .concat('reasoning', 'options.contextLength'),
    )
  })

  it('comes with log probabilities where they are scripted and asked for', async () => {
    const script = { reply: 'one two', logprobs: true }
    const { parts, warnings } = await say(script, 'Hi.', { options: { logprobs: 2 } })
    const told = parts.flatMap((part) => (part.type === 'text-delta' ? (part.logprobs ?? []) : []))
    assert.deepEqual(
      told.map(({ token, top }) => [token, top?.length]),
      [
        ['one ', 2],
        ['two', 2],
      ],
    )
    assert.deepEqual(warnings, [])
    const silent = await say(script, 'Hi.')
    assert.ok(silent.parts.every((part) => part.type !== 'text-delta' || part.logprobs === undefined))
    const unable = await say({ reply: 'one' }, 'Hi.', { options: { logprobs: 0 } })
    assert.deepEqual(
      unable.warnings.map(({ setting }) => setting),
      ['options.logprobs'],
    )
  })

  it('is refused with context-overflow where the question leaves no room', async () => {
    await assert.rejects(say({ contextLength: 3 }, 'one two'), { code: 'context-overflow' })
    await assert.rejects(say({}, 'one two', { options: { contextLength: 3 } }), { code: 'context-overflow' })
  })
})

describe('a mock that continues', () => {
  const continued = async (partial: string, script: MockScript = { reply: 'one two three' }) => {
    const messages = [message('user', 'Hi.'), message('assistant', partial)]
    return (await say({ reasoningText: 'Hm.', ...script }, '', { messages, continue: true })).text
  }

  it('goes on where the answer stopped, also inside of a word', async () => {
    assert.equal(await continued('one '), 'two three')
    assert.equal(await continued('one'), ' two three')
    assert.equal(await continued('one tw'), 'o three')
    assert.equal(await continued(''), 'one two three')
  })

  it('has nothing to add to what is whole', async () => {
    assert.equal(await continued('one two three'), '')
  })

  it('says all that it has to say after what it would never have said', async () => {
    assert.equal(await continued('zero '), 'one two three')
  })
})

describe('a mock with a tool', () => {
  const script = { reply: 'It is sunny.', toolCall: { name: 'weather', arguments: { city: 'Paris' } } }
  const tools = [{ name: 'weather', parameters: {} }]

  it('calls it when it is given, each call with its own id', async () => {
    await using mock = await open({ models: { m: script } })
    const chats = [await readChat(mock.chat(ask('Hi.', { tools }))), await readChat(mock.chat(ask('Hi.', { tools })))]
    assert.deepEqual(
      chats.map(({ toolCalls }) => toolCalls),
      [1, 2].map((n) => [{ type: 'tool-call', id: `call-${n}`, name: 'weather', arguments: '{"city":"Paris"}' }]),
    )
    assert.equal(chats[0]?.finishes[0]?.reason, 'tool-calls')
  })

  it('keeps raw arguments as they are, also when they are no JSON', async () => {
    const { toolCalls } = await say({ toolCall: { name: 'weather', arguments: '{oops' } }, 'Hi.', { tools })
    assert.equal(toolCalls[0]?.arguments, '{oops')
  })

  it('answers in words without it, with another tool, and after its result', async () => {
    const result: Content = { type: 'tool-result', id: 'call-1', name: 'weather', text: 'sunny' }
    const after = [message('user', 'Hi.'), { role: 'tool' as const, content: [result] }]
    for (const more of [{}, { tools: [{ name: 'other', parameters: {} }] }, { tools, messages: after }]) {
      assert.equal((await say(script, 'Hi.', more)).text, 'It is sunny.')
    }
  })
})
