import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { ImportedConversation } from './imported.ts'
import { importBytes, importFile, importSample, openFolder, readSample } from './testing/files.ts'

function outline({ messages }: ImportedConversation): string[] {
  return messages.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)].join(' '))
}

function assertSample(conversations: readonly ImportedConversation[]): void {
  const [dot, hello] = conversations
  assert.ok(dot && hello)
  assert.deepEqual(
    [dot.title, dot.system, dot.pinned, dot.tags],
    ['A dot', 'Be brief.', true, ['pixels', 'small_things']],
  )
  assert.equal(dot.createdAt, '2026-08-14T09:33:20.000Z')
  assert.deepEqual(outline(dot), [
    'user image file text',
    'assistant text',
    'assistant reasoning text',
    'user text',
    'assistant',
  ])
  const [question, first, second, , failed] = dot.messages
  assert.deepEqual([first?.parentId, second?.parentId], [question?.id, question?.id])
  assert.equal(dot.head, failed?.id)
  assert.equal(failed?.state, 'failed')
  assert.equal(failed?.error?.message, 'The model is gone.')
  assert.deepEqual(second?.parts, [
    { type: 'reasoning', text: 'One pixel & nothing else.' },
    { type: 'text', text: 'A single dot.' },
  ])
  assert.deepEqual(second?.usage, { inputTokens: 12, outputTokens: 5 })
  assert.deepEqual(second?.timings, { totalMs: 2000, generationMs: 1500 })
  assert.deepEqual(outline(hello), ['user text', 'assistant reasoning tool-call', 'tool tool-result', 'assistant text'])
  assert.equal(hello.messages[3]?.text, 'Good day.')
  assert.equal(hello.head, hello.messages[3]?.id)
}

describe('Open WebUI', () => {
  it('its export has branches, thoughts, files, tools, errors, tags and a pin', async () => {
    const { kind, conversations, notices } = await importSample('open-webui-0.12.4.json')
    assert.equal(kind, 'open-webui')
    assertSample(conversations)
    assert.deepEqual(notices, [
      { what: 'attachment', where: 'conversation 1 "A dot"', why: 'Papers: its content is not in the export' },
    ])
  })

  it('its database has the same, with the same ids', async () => {
    const database = await importSample('open-webui-0.12.4.db.gz')
    assert.equal(database.kind, 'open-webui-database')
    assertSample(database.conversations)
    const exported = await importSample('open-webui-0.12.4.json')
    assert.deepEqual(
      database.conversations.map(({ id }) => id),
      exported.conversations.map(({ id }) => id),
    )
  })

  it('its database: messages that are only rows, chats of several users, chats that are none', async () => {
    await using folder = await openFolder()
    const path = await folder.write('webui.db', await readSample('open-webui-0.12.4.db.gz'))
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA foreign_keys = OFF;
      UPDATE chat SET chat = json_set(chat, '$.history.messages', json('{}')) WHERE title = 'Hello';
      INSERT INTO chat (id, user_id, title, chat, created_at, updated_at) VALUES ('x', 'other', 'Broken', '[]', 1, 1)`)
    database.close()
    const { conversations, notices } = await importFile(path)
    assertSample(conversations)
    assert.deepEqual(
      notices.map(({ what }) => what),
      ['users', 'conversation', 'attachment'],
    )
  })

  it('its database without rows for messages, as older versions have it', async () => {
    await using folder = await openFolder()
    const path = await folder.write('webui.db', await readSample('open-webui-0.12.4.db.gz'))
    const database = new DatabaseSync(path)
    database.exec('DROP TABLE chat_message')
    database.close()
    assertSample((await importFile(path)).conversations)
  })

  it('a chat of its first versions is a list; one alone, without its columns, is read', async () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello', info: { prompt_eval_count: 3, eval_count: 4 } },
    ]
    const { conversations } = await importBytes(JSON.stringify([{ chat: { title: 'Old', messages, models: ['m'] } }]))
    const [old] = conversations
    assert.deepEqual(old && outline(old), ['user text', 'assistant text'])
    assert.deepEqual(old?.messages[1]?.usage, { inputTokens: 3, outputTokens: 4 })
    const alone = { title: 'Alone', history: { currentId: 'a', messages: { a: { role: 'user', content: 'Hi' } } } }
    assert.equal((await importBytes(JSON.stringify(alone))).conversations[0]?.title, 'Alone')
  })
})

async function importAnswer(answer: object, question: object = { content: 'Hi' }) {
  const messages = { q: { role: 'user', ...question }, a: { role: 'assistant', parentId: 'q', ...answer } }
  const { conversations, notices } = await importBytes(
    JSON.stringify([{ id: 'x', chat: { title: 'T', history: { messages } } }]),
  )
  const [asked, ...others] = conversations[0]?.messages ?? []
  return { asked, answer: others.at(-1), steps: others, notices }
}

describe('answers of Open WebUI', () => {
  const details = (inner: string) => `<details type="reasoning" done="true">${inner}</details>`
  const cases: [string, string, string[]][] = [
    ['without thoughts', 'A <details> of HTML</details>.', ['text: A <details> of HTML</details>.']],
    [
      'with thoughts between texts',
      `One${details('\n> two\n')}\n\nthree`,
      ['text: One', 'reasoning: two', 'text: three'],
    ],
    ['with thoughts that never end', '<details type="reasoning">x', ['text: <details type="reasoning">x']],
    ['with a tag that never ends', 'x <details', ['text: x <details']],
    [
      'with other details first',
      `<details><summary>s</summary></details>${details('t')}`,
      ['text: <details><summary>s</summary></details>', 'reasoning: t'],
    ],
  ]
  for (const [name, content, expected] of cases) {
    it(name, async () => {
      const { answer } = await importAnswer({ content })
      assert.deepEqual(
        answer?.parts.map((part) => `${part.type}: ${'text' in part ? part.text : ''}`),
        expected,
      )
    })
  }

  it('in blocks, unfinished, failed without a word, and with output that is not known', async () => {
    assert.equal((await importAnswer({ content: [{ text: 'a' }, { text: 'b' }] })).answer?.text, 'ab')
    assert.equal((await importAnswer({ content: 'a', done: false })).answer?.state, 'incomplete')
    assert.equal((await importAnswer({ error: true })).answer?.error?.message, 'It failed.')
    assert.equal((await importAnswer({ error: 'Boom' })).answer?.error?.message, 'Boom')
    assert.equal((await importAnswer({ error: { message: 'Bang' } })).answer?.error?.message, 'Bang')
    const output = [
      { type: 'x' },
      5,
      { type: 'reasoning', summary: [{ text: 's' }] },
      { type: 'function_call_output', call_id: 'c', output: 'r' },
    ]
    const { steps } = await importAnswer({ output })
    assert.deepEqual(
      steps.map(({ role }) => role),
      ['assistant', 'tool', 'assistant'],
    )
  })
})

describe('questions of Open WebUI', () => {
  it('with images in the text or beside it, on the server or inline', async () => {
    const data = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=='
    const content = [{ type: 'text', text: 'Look' }, { type: 'image_url', image_url: { url: data } }, { type: 'other' }]
    const files = [
      { type: 'image', url: 'https://server/1.png' },
      { type: 'image', url: 'data:,plain' },
      { type: 'image', url: 'data:;base64' },
      5,
    ]
    const { asked, notices } = await importAnswer({}, { content, files })
    assert.deepEqual(
      asked?.parts.map(({ type }) => type),
      ['text', 'image'],
    )
    assert.equal(notices.length, 4)
  })

  it('of a role that is not known are named, and what follows them stays', async () => {
    const { asked, notices } = await importAnswer({ content: 'x' }, { role: 'robot' })
    assert.equal(asked?.role, 'assistant')
    assert.equal(notices[0]?.what, 'message')
  })

  it('a chat without messages is named', async () => {
    const { conversations, notices } = await importBytes(
      '[{"chat":{"title":"T","messages":[]}},{"chat":{"history":{"messages":{"a":1}}}}]',
    )
    assert.deepEqual(conversations, [])
    assert.equal(notices.length, 2)
  })
})
