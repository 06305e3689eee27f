import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { createId, openStore, type Store } from './index.ts'
import { loadSqlite } from './load-sqlite.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { createSql } from './sql.ts'
import {
  converse,
  createFolder,
  openTemporary,
  owner,
  rejectsWith,
  toAsk,
  toContinue,
  toEnd,
} from './testing/temporary-store.ts'
import { toImage, toTree } from './testing/trees.ts'

/** Every byte of every file in the folder of the history. */
function allBytes(folder: string): Buffer {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Buffer.concat(
    entries.filter((entry) => entry.isFile()).map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  )
}

/** Parts of words, as an index may hold them too. */
const secrets = ['uixotropi', 'anzibarit', 'ecret titl', 'ersecret pictur']

function assertNoSecret(folder: string): void {
  const bytes = allBytes(folder)
  for (const secret of secrets) assert.equal(bytes.includes(secret), false, secret)
}

async function tellSecrets(store: Store) {
  const ask = toAsk('The zanzibarite', { title: 'Secret title' })
  const image = toImage('A supersecret picture')
  const question = {
    id: createId(),
    content: [image, { type: 'text', text: 'The zanzibarite' } as const],
    text: 'The zanzibarite',
  }
  await converse(store, { ...ask, question }, 'A quixotropic answer')
  await converse(store, toContinue(ask), ', more quixotropic')
  await store.search('quixotropic zanzibarite', { owner })
  return ask
}

describe('a secret that was deleted', () => {
  test('is in no file of the history any more: not after delete, not after vacuum', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const folder = dirname(file)
    await converse(store, toAsk('kept pelican'), 'kept flamingo')
    const ask = await tellSecrets(store)
    await store.forkConversation(ask.conversationId, owner)
    await store.renameConversation(ask.conversationId, 'Another secret title', owner)
    assert.ok(allBytes(folder).includes('ersecret pictur'))
    for (const { id, title } of await store.listConversations({ owner })) {
      if (/secret/i.test(title)) await store.deleteConversation(id, owner)
    }
    assertNoSecret(folder)
    await store.vacuum()
    assertNoSecret(folder)
    assert.equal((await store.search('pelican', { owner })).length, 1)
    assert.equal((await store.search('elican kept', { owner })).length, 0)
    assert.equal((await store.search('flamin-', { owner })).length, 0)
  })

  test('is not in what prune leaves either', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    await tellSecrets(store)
    await store.pruneConversations({ owner, before: '9000-01-01T00:00:00.000Z' })
    assertNoSecret(dirname(file))
  })

  test('is not in an old title, once the log is emptied', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = await converse(store, toAsk('x', { title: 'A zanzibarite' }), 'y')
    await store.search('zanzibarite', { owner })
    await store.renameConversation(ask.conversationId, 'Harmless', owner)
    assert.deepEqual(await store.search('zanzibarite', { owner }), [])
    await store.vacuum()
    assertNoSecret(dirname(file))
  })

  test('is not in the copy that was made before an update: vacuum removes it, whole or half', async () => {
    await using folder = await createFolder()
    mkdirSync(dirname(folder.file))
    const { DatabaseSync } = loadSqlite()
    const old = createSql(new DatabaseSync(folder.file))
    migrate(old, folder.file, migrations.slice(0, 2))
    const at = '2026-01-01T00:00:00.000Z'
    const id = createId()
    old.run(
      `INSERT INTO conversations (id, owner, title, touched, created_at, updated_at)
       VALUES (?, ?, 'Secret title quixotropic', 1, ?, ?)`,
      id,
      owner,
      at,
      at,
    )
    old.close()
    await using store = await openStore({ path: folder.file })
    writeFileSync(`${folder.file}.v1-copy.part`, 'half a zanzibarite')
    await store.deleteConversation(id, owner)
    assert.ok(allBytes(dirname(folder.file)).includes('uixotropi'))
    const { freedBytes } = await store.vacuum()
    assert.ok(freedBytes > 0)
    assertNoSecret(dirname(folder.file))
    assert.deepEqual(readdirSync(dirname(folder.file)), ['history.db', 'history.db-shm', 'history.db-wal'])
  })

  test('is not in what an interrupted write of an image left', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const folder = join(dirname(file), 'attachments')
    mkdirSync(folder)
    writeFileSync(join(folder, `${'a'.repeat(64)}.b.part`), 'A supersecret picture')
    writeFileSync(join(folder, 'b'.repeat(64)), 'Nobody needs this supersecret picture')
    await store.vacuum()
    assertNoSecret(dirname(file))
  })
})

test('a damaged history that was set aside is the only one of its words: it is left alone, and named', async () => {
  await using folder = await createFolder()
  mkdirSync(dirname(folder.file))
  writeFileSync(folder.file, 'not a database, '.repeat(1000))
  await using store = await openStore({ path: folder.file, now: () => new Date('2026-01-02T03:04:05.678Z') })
  const { damaged } = await store.vacuum()
  assert.deepEqual(damaged, [`${folder.file}.corrupt-20260102T030405Z`])
  assert.ok(statSync(damaged[0] ?? '').size > 0)
  assert.deepEqual((await store.vacuum()).damaged, damaged)
})

test('vacuum gives the space back and says how much there is', async () => {
  await using temporary = await openTemporary()
  const { store, file } = temporary
  const ask = await converse(store, toAsk('x'), 'long answer '.repeat(200_000))
  await store.deleteConversation(ask.conversationId, owner)
  const before = statSync(file).size
  const { freedBytes, sizeBytes } = await store.vacuum()
  assert.ok(before > 2_000_000 && freedBytes > 2_000_000 && statSync(file).size < 300_000)
  assert.equal(
    sizeBytes,
    ['', '-wal', '-shm'].reduce((sum, suffix) => sum + statSync(file + suffix).size, 0),
  )
  await converse(store, toAsk('still'), 'works')
  assert.equal((await store.search('works', { owner })).length, 1)
})

test('vacuum is refused while an answer is being written', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = toAsk('x')
  await store.beginRun(ask)
  await rejectsWith(store.vacuum(), 'busy')
  await store.endRun(toEnd(ask))
  await store.vacuum()
})

test('attachments that cannot be listed are told, and nothing is lost', async () => {
  await using temporary = await openTemporary()
  const { store, file } = temporary
  await converse(store, toAsk('kept'), 'kept')
  await store[Symbol.asyncDispose]()
  await using other = await openStore({ path: file, attachmentsDir: file })
  await rejectsWith(other.vacuum(), 'store-failed')
  assert.equal((await other.search('kept', { owner })).length, 2)
})

describe('prune', () => {
  test('deletes what was last used before a time: not what is pinned, newer, being written or another owner’s', async () => {
    await using temporary = await openTemporary({ now: () => new Date('2026-06-01T00:00:00Z') })
    const { store } = temporary
    const old = { createdAt: '2025-01-01T00:00:00.000Z', updatedAt: '2025-01-01T00:00:00.000Z' }
    const [plain, tagged, pinned, foreign, running] = [
      toTree('plain', old),
      toTree('tagged', { ...old, tags: ['work'] }),
      toTree('pinned', { ...old, pinned: true }),
      toTree('foreign', old),
      toTree('running', old),
    ]
    await store.importConversations([plain, tagged, pinned, running], owner)
    await store.importConversations([foreign], 'key:1')
    const fresh = await converse(store, toAsk('fresh'), 'x')
    const before = '2026-01-01T00:00:00.000Z'
    const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).sort()
    const trial = await store.pruneConversations({ owner, before, dryRun: true })
    assert.deepEqual(ids(trial), [plain.id, tagged.id, running.id].sort())
    assert.equal((await store.listConversations({ owner })).length, 5)
    const ask = toAsk('go', { conversationId: running.id })
    await store.beginRun(ask)
    const far = '2030-01-01T00:00:00.000Z'
    assert.deepEqual(ids(await store.pruneConversations({ owner, before: far, tag: 'work' })), [tagged.id])
    assert.deepEqual(ids(await store.pruneConversations({ owner, before })), [plain.id])
    const left = await store.listConversations({ owner })
    assert.deepEqual(ids(left), [pinned.id, running.id, fresh.conversationId].sort())
    assert.deepEqual(ids(await store.pruneConversations({ owner, before: far })), [fresh.conversationId])
    await store.endRun(toEnd(ask))
    assert.equal((await store.listConversations({ owner: 'key:1' })).length, 1)
  })

  test('goes on in pieces, so that others need not wait for all', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    await store.importConversations(
      Array.from({ length: 45 }, (_, index) => toTree(`t${index}`)),
      owner,
    )
    const order: string[] = []
    const pruning = store.pruneConversations({ owner, before: '9000-01-01T00:00:00.000Z' })
    const told = pruning.then((pruned) => order.push(`pruned ${pruned.length}`))
    await store.getFact('x').then(() => order.push('asked'))
    await told
    assert.deepEqual(order, ['asked', 'pruned 45'])
    assert.deepEqual(await store.search('t1', { owner }), [])
  })
})
