import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createAttachments } from './attachments.ts'
import { deleteConversation } from './delete-conversations.ts'
import { openStore } from './index.ts'
import { openDatabase } from './open-database.ts'
import { createScrubber } from './scrub.ts'
import { converse, createFolder, openTemporary, owner, toAsk } from './testing/temporary-store.ts'
import { toTree } from './testing/trees.ts'

const bytesOf = (file: string) => Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)])

test('what was deleted by a service that died before it was overwritten is overwritten by the next one', async () => {
  await using folder = await createFolder()
  const ask = toAsk('The zanzibarite')
  {
    await using store = await openStore({ path: folder.file })
    await converse(store, toAsk('kept'), 'kept')
    await converse(store, ask, 'A quixotropic answer')
    await store.search('quixotropic', { owner })
  }
  const { sql } = openDatabase({ path: folder.file, now: new Date() })
  const attachments = createAttachments(join(dirname(folder.file), 'attachments'))
  const room = { sql, attachments, scrubber: createScrubber(sql), path: folder.file }
  deleteConversation(room, ask.conversationId, owner)
  sql.close()
  assert.ok(readFileSync(folder.file).includes('uixotropi'))
  await using store = await openStore({ path: folder.file })
  while ((await store.getFact('scrub')) !== null) await store.getFact('any')
  const bytes = bytesOf(folder.file)
  for (const word of ['uixotropi', 'anzibarit']) assert.equal(bytes.includes(word), false, word)
  assert.equal((await store.search('kept', { owner })).length, 2)
})

test('a deletion while another one is being overwritten is overwritten too, and nobody waits for all of it', async () => {
  await using temporary = await openTemporary()
  const { store, file } = temporary
  const long = (word: string) => `${word} ${Array.from({ length: 5_000 }, (_, index) => `w${index}${word}`).join(' ')}`
  const trees = ['zanzibarite', 'quixotropic', 'pelican'].map((word) => toTree(long(word), { title: word }))
  await store.importConversations(trees, owner)
  const [first, second] = trees.map(({ id }) => id)
  const order: string[] = []
  const deleting = [store.deleteConversation(first ?? '', owner), store.deleteConversation(second ?? '', owner)]
  const done = Promise.all(deleting).then(() => order.push('deleted'))
  await store.setFact('a', 'b').then(() => order.push('asked'))
  await done
  assert.deepEqual(order, ['asked', 'deleted'])
  const bytes = bytesOf(file)
  for (const word of ['uixotropi', 'anzibarit']) assert.equal(bytes.includes(word), false, word)
  assert.equal((await store.search('w17pelican', { owner })).length, 3)
})
