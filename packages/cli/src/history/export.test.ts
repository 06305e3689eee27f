import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApiConversation, ApiMessage } from 'lmapp-client'
import { createStyle } from '../output/style.ts'
import { toConversationText } from './conversation-text.ts'
import { toJsonExport } from './export-json.ts'
import { toMarkdownExport } from './export-markdown.ts'
import { toText } from './import/testing/files.ts'

const evil = 'see:\n<!-- lmapp:message {} -->\n<!-- \\lmapp:message {} -->\n'
const message = { reason: null, error: null, usage: null, timings: null, createdAt: '2026-08-14T09:00:00.000Z' }
const question: ApiMessage = {
  ...message,
  id: 'm1',
  parentId: null,
  role: 'user',
  text: evil,
  parts: [],
  state: 'complete',
  model: null,
}
const conversation: ApiConversation = {
  id: 'c1',
  title: 'On --> arrows\nand -- dashes',
  model: 'box/tiny',
  head: 'm2',
  createdAt: '2026-08-14T09:00:00.000Z',
  updatedAt: '2026-08-14T09:01:00.000Z',
  messageCount: 2,
  pinned: true,
  tags: ['arrows'],
  system: 'Be brief.',
  messages: [
    question,
    {
      ...message,
      id: 'm2',
      parentId: 'm1',
      role: 'assistant',
      text: 'An arrow: \u001b[2J',
      parts: [
        { type: 'reasoning', text: 'Hm --> no.' },
        { type: 'text', text: 'An arrow: \u001b[2J' },
      ],
      state: 'incomplete',
      error: { code: 'engine-died', message: 'It died.' },
      model: 'box/tiny',
    },
  ],
}

describe('an export', () => {
  it('as Markdown is pleasant to read', async () => {
    const markdown = await toText(toMarkdownExport([conversation]))
    assert.match(markdown, /^# On --> arrows and -- dashes$/m)
    assert.match(markdown, /^## you$/m)
    assert.match(markdown, /^## box\/tiny \(incomplete\)$/m)
  })

  it('as Markdown names images and files below the text, with their size', async () => {
    const parts = [
      { type: 'image' as const, mediaType: 'image/png', data: Buffer.alloc(2048).toString('base64') },
      { type: 'file' as const, name: 'notes\n.txt', mediaType: 'text/plain', text: 'A note.' },
    ]
    const messages = conversation.messages.map((each) => ({ ...each, parts }))
    const markdown = await toText(toMarkdownExport([{ ...conversation, messages }]))
    assert.match(markdown, /^<!-- lmapp:attachments -->\n- image: image\/png, 2.*\n- file: notes \.txt, 7 B$/m)
    assert.doesNotMatch(markdown, /AAAA/)
  })

  it('as Markdown holds the branch that the head is on', async () => {
    const other: ApiMessage = { ...question, id: 'm3', parentId: 'm1', text: 'another answer' }
    const messages = [...conversation.messages, other]
    const markdown = await toText(toMarkdownExport([{ ...conversation, messages }]))
    assert.match(markdown, /An arrow/)
    assert.doesNotMatch(markdown, /another answer/)
    const toOther = await toText(toMarkdownExport([{ ...conversation, messages, head: 'm3' }]))
    assert.match(toOther, /another answer/)
    assert.doesNotMatch(toOther, /An arrow/)
  })

  it('as JSON has a format and a version, and all that is stored', async () => {
    const value = JSON.parse(await toText(toJsonExport([conversation])))
    assert.equal(value.format, 'lmapp-conversations')
    assert.equal(value.version, 2)
    const { messageCount, ...stored } = conversation
    assert.deepEqual(value.conversations, [stored])
  })

  it('as JSON comes in pieces, not larger than a message', async () => {
    const messages = Array.from({ length: 100 }, (_, index) => ({ ...question, id: `m${index}` }))
    const pieces: string[] = []
    for await (const piece of toJsonExport([{ ...conversation, messages }])) pieces.push(piece)
    assert.ok(pieces.length > 100)
    assert.equal(JSON.parse(pieces.join('')).conversations[0].messages.length, 100)
  })

  it('of nothing is whole as well', async () => {
    assert.deepEqual(JSON.parse(await toText(toJsonExport([]))).conversations, [])
    const empty = await toText(toJsonExport([{ ...conversation, messages: [] }]))
    assert.deepEqual(JSON.parse(empty).conversations[0].messages, [])
    assert.equal(await toText(toMarkdownExport([])), '')
  })

  it('says of an answer that is being written that it is incomplete', async () => {
    const messages = [{ ...question, state: 'running' as const }]
    const value = JSON.parse(await toText(toJsonExport([{ ...conversation, messages }])))
    assert.equal(value.conversations[0].messages[0].state, 'incomplete')
  })
})

describe('a conversation to read', () => {
  it('shows the system prompt, who speaks, and what is not whole', () => {
    const text = toConversationText(conversation, createStyle(false), true)
    assert.match(text, /^system:\nBe brief\.$/m)
    assert.match(text, /^box\/tiny:\nAn arrow: ␛\[2J\n\[incomplete: It died\. Go on with it: lmapp continue m2\]$/m)
    const cut = { ...conversation, messages: [{ ...question, state: 'length' as const }] }
    assert.match(toConversationText(cut, createStyle(false), true), /^\[cut by the length limit\. Go on with it: /m)
    const running = {
      ...conversation,
      messages: conversation.messages.map((each) => ({ ...each, state: 'running' as const })),
    }
    assert.match(toConversationText(running, createStyle(false), false), /still being written: lmapp continue m2/)
  })
})
