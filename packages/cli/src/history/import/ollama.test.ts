import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { importBytes, importFile, importSample, openFolder, readSample } from './testing/files.ts'

describe('the database of the Ollama app', () => {
  it('has thoughts, images, text files, tools, and answers that broke off', async () => {
    const { kind, conversations, notices } = await importSample('ollama-app-0.17.4.sqlite.gz')
    assert.equal(kind, 'ollama-app')
    const [broken, weather] = conversations
    assert.equal(broken?.title, 'Hello')
    assert.equal(broken?.messages[1]?.state, 'incomplete')
    assert.equal(weather?.title, 'Weather in Zürich')
    assert.equal(weather?.createdAt, '2026-08-14T07:00:00.123Z')
    assert.deepEqual(
      weather?.messages.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)].join(' ')),
      [
        'user image file text',
        'assistant reasoning text',
        'user text',
        'assistant tool-call',
        'tool tool-result',
        'assistant text',
      ],
    )
    const [call] = weather?.messages[3]?.parts ?? []
    const [result] = weather?.messages[4]?.parts ?? []
    assert.ok(call?.type === 'tool-call' && result?.type === 'tool-result')
    assert.deepEqual(
      [call.name, call.arguments, result.text, result.id, result.name],
      ['weather', '{"city":"Zürich"}', '21 °C', call.id, 'weather'],
    )
    assert.deepEqual(
      notices.map(({ why }) => why),
      ['report.pdf: neither an image nor a text'],
    )
  })

  it('as its first versions made it, with roles that are not known, results without calls and large files', async () => {
    await using folder = await openFolder()
    const path = await folder.write('db.sqlite', await readSample('ollama-app-0.17.4.sqlite.gz'))
    const database = new DatabaseSync(path)
    database.exec(`UPDATE messages SET role = 'robot' WHERE content = 'Hello'; DROP TABLE tool_calls;
      UPDATE attachments SET data = zeroblob(21000000) WHERE filename = 'dot.png'; UPDATE attachments SET filename = '' WHERE filename = 'notes.txt';
      UPDATE messages SET content = '' WHERE role = 'tool'; UPDATE chats SET created_at = 'x'`)
    database.close()
    const { conversations, notices } = await importFile(path)
    const [broken, weather] = conversations
    assert.deepEqual(
      broken?.messages.map(({ role }) => role),
      ['assistant'],
    )
    assert.equal(broken?.title, 'Imported conversation')
    const result = weather?.messages[4]?.parts[0]
    assert.ok(result?.type === 'tool-result')
    assert.equal(result.text, '{"temperature":21,"unit":"C"}')
    assert.deepEqual(notices.map(({ what }) => what).toSorted(), ['attachment', 'attachment', 'message'])
    const old = new DatabaseSync(path)
    old.exec('DROP TABLE attachments')
    old.close()
    assert.equal((await importFile(path)).conversations.length, 2)
  })
})

describe('a session of ollama run', () => {
  it('that was saved has its turns, its system prompt and the name of its model', async () => {
    const { kind, conversations, notices } = await importSample('ollama-session.modelfile')
    assert.equal(kind, 'ollama-modelfile')
    assert.deepEqual(notices, [])
    const [session] = conversations
    assert.equal(session?.model, 'session:latest')
    assert.match(session?.system ?? '', /^Be brief\./)
    assert.deepEqual(
      session?.messages.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant'],
    )
    assert.equal(session?.messages[0]?.text, 'Say "hello" to Zoë.')
    assert.equal(session?.messages[2]?.text, 'Two lines:\nMESSAGE user no')
  })

  it('written by hand: quotes of both kinds, comments, commands in any case', async () => {
    const text =
      '# mine\r\nfrom llama3\r\nSYSTEM """You\nare "kind"."""\nMESSAGE user "a\nb"\nmessage assistant """x"y\n"""\nMESSAGE user\t  plain  \nLICENSE "\nMESSAGE user hidden\n"\n'
    const { conversations } = await importBytes(text)
    const [session] = conversations
    assert.equal(session?.system, 'You\nare "kind".')
    assert.equal(session?.model, 'llama3')
    assert.deepEqual(
      session?.messages.map(({ text }) => text),
      ['a\nb', 'x"y\n', 'plain'],
    )
    assert.equal(session?.title, 'a b')
  })

  it('that holds no turns, an unknown role, or quotes that never end is refused with the line', async () => {
    const isAt = (line: number | undefined) => (error: unknown) =>
      isLmappError(error, 'bad-input') && error.details?.line === line
    await assert.rejects(importBytes('FROM llama3\nSYSTEM Hi\n'), isAt(undefined))
    await assert.rejects(importBytes('FROM llama3\nMESSAGE robot Hi\n'), isAt(2))
    await assert.rejects(importBytes('FROM llama3\n\nMESSAGE user """Hi\n'), isAt(3))
    await assert.rejects(importBytes(`FROM llama3\nMESSAGE user "${'x\n'.repeat(500_000)}`), isAt(2))
  })
})
