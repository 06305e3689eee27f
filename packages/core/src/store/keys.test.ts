import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from './index.ts'
import {
  converse,
  createFolder,
  openTemporary,
  owner,
  rejectsWith,
  toAsk,
  toNewKey,
} from './testing/temporary-store.ts'

const at = '2026-02-02T00:00:00.000Z'
const later = '2026-02-03T00:00:00.000Z'

test('keys are kept in their order, with what was done with them', async () => {
  await using folder = await createFolder()
  const [editor, script] = [toNewKey('editor'), { ...toNewKey('script'), scopes: ['models', 'admin'] }]
  {
    await using store = await openStore({ path: folder.file })
    await store.addKey(editor)
    await store.addKey(script)
    await store.noteKeyUse(script.id, at)
    await store.noteKeyUse(script.id, later)
    assert.deepEqual(await store.revokeKey(editor.id, at), { ...editor, lastUsedAt: null, revokedAt: at })
  }
  await using store = await openStore({ path: folder.file })
  assert.deepEqual(await store.listKeys(), [
    { ...editor, lastUsedAt: null, revokedAt: at },
    { ...script, lastUsedAt: later, revokedAt: null },
  ])
})

test('a name belongs to one key in use; when that is revoked it is free again', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const first = toNewKey('editor')
  await store.addKey(first)
  await rejectsWith(store.addKey(toNewKey('editor')), 'bad-input')
  await store.revokeKey(first.id, at)
  const second = toNewKey('editor')
  await store.addKey(second)
  assert.deepEqual(
    (await store.listKeys()).map(({ id, revokedAt }) => [id, revokedAt]),
    [
      [first.id, at],
      [second.id, null],
    ],
  )
})

test('a key is revoked once: the first time counts', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const key = toNewKey('editor')
  await store.addKey(key)
  await store.revokeKey(key.id, at)
  assert.equal((await store.revokeKey(key.id, later)).revokedAt, at)
  await rejectsWith(store.revokeKey('none', at), 'not-found')
})

test('of two keys with one hash, or of one with two hashes, the second is refused', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const key = toNewKey('editor')
  await store.addKey(key)
  await rejectsWith(store.addKey({ ...toNewKey('other'), sha256: key.sha256 }), 'store-failed')
  await rejectsWith(store.addKey({ ...toNewKey('other'), id: key.id }), 'store-failed')
  assert.equal((await store.listKeys()).length, 1)
})

test('keys have nothing to do with conversations', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const ask = await converse(store, toAsk('Hello'), 'Hi')
  const key = toNewKey('editor')
  await store.addKey(key)
  await store.revokeKey(key.id, at)
  await store.deleteConversation(ask.conversationId, owner)
  await store.vacuum()
  assert.equal((await store.listKeys()).length, 1)
})
