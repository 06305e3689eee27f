import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { openStore } from './index.ts'
import { loadSqlite } from './load-sqlite.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { createSql } from './sql.ts'
import { converse, createFolder, owner, toAsk, toNewKey } from './testing/temporary-store.ts'

const { DatabaseSync } = loadSqlite()
const ids = { conversation: 'aaaa0000-1', question: 'aaaa0000-2', answer: 'aaaa0000-3', run: 'aaaa0000-4' }

/** A history as the lmapp of that version left it, with a run that was under way. */
function makeVersion(file: string, version: number): void {
  mkdirSync(dirname(file), { recursive: true })
  const sql = createSql(new DatabaseSync(file))
  sql.exec('PRAGMA journal_mode = WAL')
  migrate(sql, file, migrations.slice(0, version))
  const at = '2026-01-01T00:00:00.000Z'
  sql.transaction('normal', () => {
    sql.run(
      "INSERT INTO conversations (id, owner, title, head, touched, created_at, updated_at) VALUES (?, ?, 'Old', ?, 1, ?, ?)",
      ids.conversation,
      owner,
      ids.answer,
      at,
      at,
    )
    const message =
      'INSERT INTO messages (id, conversation_id, parent_id, depth, role, text, parts, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'
    sql.run(
      message,
      ids.question,
      ids.conversation,
      null,
      1,
      'user',
      'An old pelican',
      '[{"type":"text","text":"An old pelican"}]',
      'complete',
      at,
    )
    sql.run(message, ids.answer, ids.conversation, ids.question, 2, 'assistant', '', '[]', 'running', at)
    sql.run(
      "INSERT INTO runs (id, owner, message_id, state, snapshot, started_at) VALUES (?, ?, ?, 'running', '{}', ?)",
      ids.run,
      owner,
      ids.answer,
      at,
    )
    sql.run(
      `INSERT INTO journal (run_id, from_seq, parts) VALUES (?, 1, '[{"type":"text","text":"An old flamingo"}]')`,
      ids.run,
    )
  })
  sql.close()
}

test('versions are numbered from 1 without gaps', () => {
  assert.deepEqual(
    migrations.map((migration) => migration.version),
    migrations.map((_, index) => index + 1),
  )
})

for (const { version } of migrations.slice(0, -1)) {
  test(`a history of version ${version} is brought to the newest, all of it, and copied before`, async () => {
    await using folder = await createFolder()
    makeVersion(folder.file, version)
    {
      await using store = await openStore({ path: folder.file })
      assert.equal(store.setAside, undefined)
      assert.equal(await store.recoverCrashed(), 1)
      const { messages } = await store.getConversation(ids.conversation, owner)
      assert.deepEqual(
        messages.map((message) => [message.text, message.state]),
        [
          ['An old pelican', 'complete'],
          ['An old flamingo', 'crashed'],
        ],
      )
      assert.equal((await store.search('pelican', { owner })).length, 1)
      assert.equal((await store.search('flamingo', { owner })).length, 1)
      const [summary] = await store.listConversations({ owner })
      assert.deepEqual([summary?.pinned, summary?.tags, summary?.messageCount], [false, [], 2])
      assert.equal((await store.search('old', { owner })).length, 2)
      assert.equal(await store.setAutomaticTitle(ids.conversation, 'New'), false)
      await store.setTags(ids.conversation, ['kept'], owner)
      await converse(store, toAsk('New'), 'Newer')
      assert.deepEqual(await store.listKeys(), [])
      await store.addKey(toNewKey('editor'))
    }
    const copy = `${folder.file}.v${version}-copy`
    assert.equal(statSync(copy).mode & 0o777, 0o600)
    using database = new DatabaseSync(copy, { readOnly: true })
    assert.equal(database.prepare('PRAGMA user_version').get()?.user_version, version)
    assert.equal(database.prepare('SELECT count(*) AS n FROM messages').get()?.n, 2)
    assert.deepEqual(readdirSync(dirname(folder.file)).sort(), ['history.db', `history.db.v${version}-copy`])
  })
}

test('an image that an older version kept in the database is read from there', async () => {
  await using folder = await createFolder()
  makeVersion(folder.file, 2)
  const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' }
  {
    using database = new DatabaseSync(folder.file)
    database.prepare('UPDATE messages SET parts = ? WHERE id = ?').run(JSON.stringify([image]), ids.question)
  }
  await using store = await openStore({ path: folder.file })
  const { messages } = await store.getConversation(ids.conversation, owner)
  assert.deepEqual(messages[0]?.parts, [image])
})

test('a migration that fails leaves the older version as it was', async () => {
  await using folder = await createFolder()
  makeVersion(folder.file, 1)
  const sql = createSql(new DatabaseSync(folder.file))
  const broken = [...migrations.slice(0, 1), { version: 2, sql: 'CREATE TABLE half (x); SELECT nonsense' }]
  assert.throws(() => migrate(sql, folder.file, broken))
  assert.equal(sql.get('PRAGMA user_version')?.user_version, 1)
  assert.equal(sql.get("SELECT 1 FROM sqlite_schema WHERE name = 'half'"), undefined)
  sql.close()
})

test('a history of a newer lmapp is refused, and not a byte of it changes', async () => {
  await using folder = await createFolder()
  makeVersion(folder.file, 1)
  {
    using database = new DatabaseSync(folder.file)
    database.exec('PRAGMA user_version = 1000')
  }
  const before = readFileSync(folder.file)
  await assert.rejects(openStore({ path: folder.file }), (error) => {
    assert.ok(isLmappError(error, 'store-newer'))
    assert.equal(error.details?.version, 1000)
    return true
  })
  assert.ok(before.equals(readFileSync(folder.file)))
  assert.deepEqual(readdirSync(dirname(folder.file)), ['history.db'])
})

test('a newer one is known also when its version stands in the write-ahead log only', async () => {
  await using folder = await createFolder()
  makeVersion(folder.file, 1)
  using database = new DatabaseSync(folder.file)
  database.exec('PRAGMA user_version = 1000')
  const before = readFileSync(folder.file)
  assert.equal(before.readUInt32BE(60), 1)
  await assert.rejects(openStore({ path: folder.file }), (error) => isLmappError(error, 'store-newer'))
  assert.ok(before.equals(readFileSync(folder.file)))
})

test('an empty file becomes a history', async () => {
  await using folder = await createFolder()
  mkdirSync(dirname(folder.file))
  writeFileSync(folder.file, '', { mode: 0o644 })
  await using store = await openStore({ path: folder.file })
  await converse(store, toAsk('Hello'), 'Hi')
  assert.equal(statSync(folder.file).mode & 0o777, 0o600)
})
