import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { patchConversation } from './conversations.ts'
import { createRun } from './create-run.ts'
import { pullModel } from './requests.ts'

const content = [
  { type: 'text', text: '' },
  { type: 'reasoning', text: 'hm' },
  { type: 'image', mediaType: 'image/png', data: 'aGk=' },
  { type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'a' },
  { type: 'tool-call', id: '1', name: 'f', arguments: '{' },
  { type: 'tool-result', id: '1', name: 'f', text: 'r', isError: false },
]

const whole = {
  model: 'box1/tiny',
  kind: 'ask',
  conversation: 'c',
  message: 'm',
  content,
  system: '',
  options: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: -1, maxTokens: 1, stop: ['x'], contextLength: 8192 },
  tools: [{ name: 'f', description: 'd', parameters: {} }],
  toolChoice: { name: 'f' },
  schema: { type: 'object' },
  reasoning: 'low',
  save: false,
  failover: false,
  terminal: 't',
  allowFetch: true,
  offline: false,
  cancelOnDisconnect: true,
}

test('a whole request is read as it is', () => {
  assert.deepEqual(createRun(whole, ''), whole)
  assert.deepEqual(createRun({ kind: 'continue', message: 'm' }, ''), { kind: 'continue', message: 'm' })
  assert.deepEqual(createRun({ kind: 'retry', conversation: 'c' }, ''), { kind: 'retry', conversation: 'c' })
  assert.deepEqual(createRun({ content, toolChoice: 'none', reasoning: true }, '').toolChoice, 'none')
})

test('what a newer client adds is left out', () => {
  const newer = { ...whole, mood: 'good', options: { ...whole.options, warmth: 1 } }
  assert.deepEqual(createRun(newer, ''), whole)
})

test('what is wrong is named by its place', () => {
  const wrong: [place: string, change: Record<string, unknown>][] = [
    ['model', { model: '' }],
    ['kind', { kind: 'guess' }],
    ['messages[0].role', { content, messages: [{ role: 'nobody', content }] }],
    ['content', { content: [] }],
    ['content', { content: undefined }],
    ['content', { content: 'text' }],
    ['content[0]', { content: ['text'] }],
    ['content[1].type', { content: [content[0], { type: 'smell' }] }],
    ['content[0].text', { content: [{ type: 'text' }] }],
    ['content[0].data', { content: [{ type: 'image', mediaType: 'image/png', data: 'no base64!' }] }],
    ['content[0].name', { content: [{ type: 'file', mediaType: 'text/plain', text: '' }] }],
    ['content[0].isError', { content: [{ ...content[5], isError: 1 }] }],
    ['system', { system: 1 }],
    ['options', { options: [] }],
    ['options.temperature', { options: { temperature: '1' } }],
    ['options.topK', { options: { topK: -1 } }],
    ['options.seed', { options: { seed: 1.5 } }],
    ['options.maxTokens', { options: { maxTokens: 0 } }],
    ['options.stop[1]', { options: { stop: ['a', ''] } }],
    ['tools[0].parameters', { tools: [{ name: 'f' }] }],
    ['tools[0].description', { tools: [{ name: 'f', parameters: {}, description: 1 }] }],
    ['toolChoice', { toolChoice: 'maybe' }],
    ['toolChoice.name', { toolChoice: {} }],
    ['schema', { schema: true }],
    ['reasoning', { reasoning: 'a lot' }],
    ['save', { save: 'no' }],
    ['message', { kind: 'continue', message: undefined, conversation: undefined }],
  ]
  for (const [place, change] of wrong) {
    assert.throws(
      () => createRun({ ...whole, ...change }, ''),
      (error) => isLmappError(error, 'bad-input') && error.details?.field === place && error.message.includes(place),
      place,
    )
  }
  for (const body of [null, 'x', []]) {
    assert.throws(
      () => createRun(body, ''),
      (error) => isLmappError(error, 'bad-input') && error.details?.field === 'body',
    )
  }
})

test('the changes of a conversation may be null where that means none', () => {
  assert.deepEqual(patchConversation({ head: null, system: null, title: 'T' }, ''), {
    head: null,
    system: null,
    title: 'T',
  })
  assert.throws(
    () => patchConversation({ title: null }, ''),
    (error) => isLmappError(error, 'bad-input'),
  )
})

test('a pull names its model', () => {
  assert.deepEqual(pullModel({ model: 'm', offline: true }, ''), { model: 'm', offline: true })
  assert.throws(
    () => pullModel({}, ''),
    (error) => isLmappError(error, 'bad-input') && error.details?.field === 'model',
  )
})
