import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { ImportedConversation } from './imported.ts'
import { importFile, importSample, openFolder, readSample } from './testing/files.ts'

const speech = ({ messages }: ImportedConversation) => messages.map(({ role, text }) => `${role}: ${text}`)

function named(conversations: readonly ImportedConversation[], title: RegExp): ImportedConversation {
  const found = conversations.find((conversation) => title.test(conversation.title))
  assert.ok(found, String(title))
  return found
}

describe('the database of llm', () => {
  for (const version of ['0.13', '0.19']) {
    it(`${version}: questions, answers, a system prompt that was given once, other scripts`, async () => {
      const { kind, conversations, notices } = await importSample(`llm-${version}.db.gz`)
      assert.equal(kind, 'llm')
      assert.deepEqual(notices, [])
      assert.equal(conversations.length, 2)
      const first = named(conversations, /^Hello$/)
      assert.deepEqual(speech(first), [
        'user: Hello',
        'assistant: You said: Hello',
        'user: And again',
        'assistant: You said: And again',
      ])
      assert.equal(first.system, 'Be brief.')
      assert.equal(first.model, 'echo')
      assert.equal(first.head, first.messages[3]?.id)
      assert.deepEqual(speech(named(conversations, /Grüße/)), [
        'user: Grüße, 日本語',
        'assistant: You said: Grüße, 日本語',
      ])
    })
  }

  it('0.19 and later: how many tokens', async () => {
    const { conversations } = await importSample('llm-0.19.db.gz')
    assert.deepEqual(named(conversations, /^Hello$/).messages[1]?.usage, { inputTokens: 5, outputTokens: 5 })
  })

  for (const version of ['0.26', '0.36']) {
    it(`${version}: a fragment is a file, an image is one, a tool is called and answers`, async () => {
      const { conversations, notices } = await importSample(`llm-${version}.db.gz`)
      assert.deepEqual(notices, [])
      assert.equal(conversations.length, 3)
      assert.equal(named(conversations, /^Hello$/).system, 'Be brief.')
      const [question] = named(conversations, /fragment/).messages
      assert.deepEqual(
        question?.parts.map((part) =>
          part.type === 'image' ? part.mediaType : 'text' in part ? part.text : part.type,
        ),
        ['A fragment: 日本語.\n', 'See this', 'image/png'],
      )
      assert.equal(question?.parts[0]?.type === 'file' && question.parts[0].name, 'notes.txt')
      const tool = named(conversations, /use a tool/)
      assert.deepEqual(
        tool.messages.map(({ role }) => role),
        ['user', 'assistant', 'tool', 'assistant'],
      )
      const call = tool.messages[1]?.parts.find(({ type }) => type === 'tool-call')
      const [result] = tool.messages[2]?.parts ?? []
      assert.ok(call?.type === 'tool-call' && result?.type === 'tool-result')
      assert.equal(call.name, 'llm_version')
      assert.equal(call.arguments, '{}')
      assert.equal(result.id, call.id)
      assert.equal(result.text, version)
    })
  }

  it('what was said before an update to newer tables keeps its ids when it goes on', async () => {
    const before = await importSample('llm-0.26.db.gz')
    const after = await importSample('llm-upgraded.db.gz')
    assert.deepEqual(after.notices, [])
    assert.equal(after.conversations.length, 3)
    for (const old of before.conversations) {
      const now = after.conversations.find(({ id }) => id === old.id)
      assert.ok(now)
      assert.equal(now.title, old.title)
      assert.deepEqual(now.messages.slice(0, old.messages.length), old.messages)
    }
    const last = after.conversations.at(-1)
    assert.deepEqual(
      last?.messages.map(({ role }) => role),
      ['user', 'assistant', 'tool', 'assistant', 'user', 'assistant'],
    )
    assert.equal(last?.messages[4]?.text, 'After the update')
  })
})

/** A sample with changes, as the program could have left it. */
async function change(sample: string, statements: string) {
  await using folder = await openFolder()
  const path = await folder.write('logs.db', await readSample(sample))
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA foreign_keys = OFF; ${statements}`)
  database.close()
  return await importFile(path)
}

describe('what is odd in the database of llm', () => {
  it('files that are known by their path or address only are named, and not read', async () => {
    const { conversations, notices } = await change(
      'llm-0.26.db.gz',
      `UPDATE attachments SET content = NULL, path = '/etc/hostname'`,
    )
    assert.equal(
      named(conversations, /fragment/).messages[0]?.parts.some(({ type }) => type === 'image'),
      false,
    )
    assert.match(notices[0]?.why ?? '', /^\/etc\/hostname: the database holds only where it was/)
  })

  it('files that are missing, too large, or neither image nor text', async () => {
    for (const [statement, why] of [
      ['DELETE FROM attachments', /missing/],
      ['UPDATE attachments SET content = zeroblob(21000000)', /larger/],
      ["UPDATE attachments SET content = x'00ff'", /neither/],
    ] as const) {
      for (const sample of ['llm-0.26.db.gz', 'llm-0.36.db.gz']) {
        const { notices } = await change(sample, `PRAGMA foreign_keys = OFF; ${statement}`)
        assert.match(notices[0]?.why ?? '', why, `${sample}: ${statement}`)
      }
    }
  })

  it('an answer that was cut at its bound, reasoning, failed tools, what the engine counted, a changed system prompt', async () => {
    const { conversations, notices } = await change(
      'llm-0.26.db.gz',
      `ALTER TABLE responses ADD COLUMN reasoning TEXT;
       ALTER TABLE tool_results ADD COLUMN exception TEXT;
       UPDATE responses SET reasoning = 'Hm.', input_tokens = NULL, output_tokens = NULL,
         response_json = '{"finish_reason":"length","usage":{"prompt_tokens":7,"completion_tokens":8}}' WHERE prompt = 'Hello';
       UPDATE responses SET response_json = '{"finish_reason":"odd"}', system = 'Be long.' WHERE prompt = 'And again';
       UPDATE tool_results SET exception = 'Boom', output = NULL`,
    )
    const { messages, system } = named(conversations, /^Hello$/)
    assert.equal(messages[1]?.state, 'length')
    assert.equal(messages[1]?.reason, 'length')
    assert.deepEqual(messages[1]?.usage, { inputTokens: 7, outputTokens: 8 })
    assert.deepEqual(messages[1]?.parts[0], { type: 'reasoning', text: 'Hm.' })
    assert.equal(messages[3]?.reason, 'other')
    assert.equal(system, 'Be long.')
    assert.match(notices[0]?.why ?? '', /last one/)
    const [result] = named(conversations, /use a tool/).messages[2]?.parts ?? []
    assert.ok(result?.type === 'tool-result' && result.isError === true && result.text === 'Boom')
  })

  it('numbers beyond what JavaScript counts, times that are none, and names that are missing', async () => {
    const { conversations } = await change(
      'llm-0.26.db.gz',
      `UPDATE responses SET input_tokens = 9223372036854775807, datetime_utc = 'soon'; UPDATE conversations SET name = NULL, model = NULL`,
    )
    const { messages, model } = named(conversations, /^Hello$/)
    assert.equal(messages[1]?.usage?.inputTokens, undefined)
    assert.equal(model, 'echo')
    assert.match(messages[1]?.createdAt ?? '', /^20/)
  })

  it('tables of before 0.5 are named', async () => {
    const { notices } = await change('llm-0.13.db.gz', 'CREATE TABLE logs (prompt TEXT)')
    assert.match(notices[0]?.why ?? '', /before 0\.5/)
  })

  it('threads: branches, reasoning, parts and roles that are not known, lost messages and fragments', async () => {
    const { conversations, notices } = await change(
      'llm-0.36.db.gz',
      `UPDATE parts SET type = 'reasoning' WHERE text LIKE '%And again%' AND text LIKE '{%';
       DELETE FROM fragments;
       UPDATE parts SET type = 'hologram' WHERE type = 'attachment';
       UPDATE parts SET payload = '{"name":"f","exception":"Boom","attachments":[{"id":"gone"}]}' WHERE type = 'tool_result';
       INSERT INTO messages SELECT 'branch', parent_hash, 'assistant', NULL FROM messages WHERE hash = (SELECT tip_message_hash FROM threads WHERE name = 'Hello');
       INSERT INTO parts (message_hash, position, type, text) VALUES ('branch', 0, 'text', 'Another answer');
       INSERT INTO turns (id, thread_id, tip_message_hash, model) SELECT 'turn', id, 'branch', 'other' FROM threads WHERE name = 'Hello';
       INSERT INTO messages VALUES ('robot', NULL, 'robot', NULL), ('orphan', 'gone', 'user', NULL);
       INSERT INTO threads (id, name, tip_message_hash) VALUES ('t1', 'Robot', 'robot'), ('t2', 'Orphan', 'orphan'), ('t3', 'Lost', 'gone'), ('t4', 'Empty', NULL)`,
    )
    const hello = named(conversations, /^Hello$/)
    const answers = hello.messages.filter(({ parentId }) => parentId === hello.messages[2]?.id)
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['', 'Another answer'],
    )
    assert.equal(hello.head, answers[0]?.id)
    assert.equal(answers[0]?.parts[0]?.type, 'reasoning')
    assert.equal(named(conversations, /^Orphan$/).messages.length, 1)
    assert.deepEqual(named(conversations, /^Lost$/).messages, [])
    const whats = notices.map(({ what }) => what)
    for (const what of ['fragment', 'part', 'attachment', 'message', 'link']) assert.ok(whats.includes(what), what)
  })

  it('fragments within reasoning, and system fragments of older tables', async () => {
    const older = await change('llm-0.26.db.gz', 'INSERT INTO system_fragments SELECT id, 1, 0 FROM responses')
    assert.equal(named(older.conversations, /^Hello$/).system, 'A fragment: 日本語.\n')
    const newer = await change('llm-0.36.db.gz', `UPDATE parts SET type = 'reasoning' WHERE payload LIKE '%text_ref%'`)
    assert.deepEqual(named(newer.conversations, /fragment/).messages[0]?.parts[0], {
      type: 'reasoning',
      text: 'A fragment: 日本語.\nSee this',
    })
  })
})
