import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApiConversation } from 'lmapp-client'
import { createStyle } from '../output/style.ts'
import { toConversationText } from './conversation-text.ts'
import { toJsonExport } from './export-json.ts'
import { toMarkdownExport } from './export-markdown.ts'

const evil = 'see:\n<!-- lmapp:message {} -->\n<!-- \\lmapp:message {} -->\n'
const message = { reason: null, error: null, usage: null, timings: null, createdAt: '2026-08-14T09:00:00.000Z' }
const conversation: ApiConversation = {
  id: 'c1',
  title: 'On --> arrows\nand -- dashes',
  model: 'box/tiny',
  head: 'm2',
  createdAt: '2026-08-14T09:00:00.000Z',
  updatedAt: '2026-08-14T09:01:00.000Z',
  messageCount: 2,
  system: 'Be brief.',
  messages: [
    { ...message, id: 'm1', parentId: null, role: 'user', text: evil, parts: [], state: 'complete', model: null },
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

/** A reader as small as it can be: what is written must be enough for one. */
function readMarkdown(markdown: string) {
  return markdown.split(/^(?=<!-- lmapp:)/m).map((section) => {
    const [, kind, json = ''] = /^<!-- lmapp:(\w+) (\{.*\}) -->\n/.exec(section) ?? []
    const text = section.split('\n').slice(3).join('\n').replace(/\n+$/, '')
    return { kind, facts: JSON.parse(json), text: text.replace(/^<!-- \\(\\*)lmapp:/gm, '<!-- $1lmapp:') }
  })
}

describe('an export', () => {
  it('as Markdown can be read back, whatever the texts hold', () => {
    const [head, question, answer, ...more] = readMarkdown(toMarkdownExport([conversation]))
    assert.deepEqual(more, [])
    assert.equal(head?.kind, 'conversation')
    assert.equal(head?.facts.title, conversation.title)
    assert.equal(head?.facts.system, 'Be brief.')
    assert.equal(question?.text, evil.trimEnd())
    assert.equal(answer?.facts.id, 'm2')
    assert.equal(answer?.facts.parts[0].text, 'Hm --> no.')
    assert.equal(answer?.facts.error.code, 'engine-died')
  })

  it('as Markdown is pleasant to read', () => {
    const markdown = toMarkdownExport([conversation])
    assert.match(markdown, /^# On --> arrows and -- dashes$/m)
    assert.match(markdown, /^## you$/m)
    assert.match(markdown, /^## box\/tiny \(incomplete\)$/m)
  })

  it('as JSON has a format and a version', () => {
    const value = JSON.parse(toJsonExport([conversation]))
    assert.equal(value.format, 'lmapp-conversations')
    assert.equal(value.version, 1)
    assert.deepEqual(value.conversations, [conversation])
  })
})

describe('a conversation to read', () => {
  it('shows the system prompt, who speaks, and what is not whole', () => {
    const text = toConversationText(conversation, createStyle(false), true)
    assert.match(text, /^system:\nBe brief\.$/m)
    assert.match(text, /^box\/tiny:\nAn arrow: ␛\[2J\n\[incomplete: It died\. Go on with it: lmapp continue m2\]$/m)
    const running = {
      ...conversation,
      messages: conversation.messages.map((each) => ({ ...each, state: 'running' as const })),
    }
    assert.match(toConversationText(running, createStyle(false), false), /still being written: lmapp continue m2/)
  })
})
