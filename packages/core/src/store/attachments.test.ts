import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { Content, ImageContent } from 'lmapp-kit'
import { attachAll } from './attached-parts.ts'
import { createAttachments } from './attachments.ts'
import { createId, openStore } from './index.ts'
import {
  converse,
  countRows,
  createFolder,
  openTemporary,
  owner,
  rejectsWith,
  toAsk,
  toRetry,
} from './testing/temporary-store.ts'
import { pixel, toImage, toTree } from './testing/trees.ts'

const image: ImageContent = { type: 'image', mediaType: 'image/png', data: pixel }
const hashOf = (data: string) => createHash('sha256').update(Buffer.from(data, 'base64')).digest('hex')
const folderOf = (file: string) => join(dirname(file), 'attachments')

function toAskWith(...content: Content[]) {
  const ask = toAsk('What is this?')
  return { ...ask, question: { id: createId(), content: [...content, ...(ask.question?.content ?? [])], text: 'this' } }
}

describe('an image', () => {
  test('is a file of its owner, named by its hash, before the question is stored; the database has none of it', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const large = { ...image, data: Buffer.alloc(3_000_000, 7).toString('base64') }
    const ask = toAskWith(image, large)
    await store.beginRun(ask)
    const folder = folderOf(file)
    assert.deepEqual(readdirSync(folder).sort(), [hashOf(pixel), hashOf(large.data)].sort())
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
    assert.equal(readFileSync(join(folder, hashOf(pixel))).toString('base64'), pixel)
    assert.ok(statSync(file).size + statSync(`${file}-wal`).size < 1_000_000)
  })

  test('is in the message again where that is read, and in no list and no hit', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAskWith(image), 'A pixel')
    const [question] = (await store.getConversation(ask.conversationId, owner)).messages
    assert.deepEqual(question?.parts, [image, { type: 'text', text: 'What is this?' }])
    assert.ok(!JSON.stringify(await store.listConversations({ owner })).includes(pixel))
    assert.ok(!JSON.stringify(await store.search('this', { owner })).includes(pixel))
  })

  test('that is asked about twice is kept once, and goes with the last that needs it', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const [first, second] = [await converse(store, toAskWith(image), 'x'), await converse(store, toAskWith(image), 'y')]
    const fork = await store.forkConversation(second.conversationId, owner)
    assert.equal(countRows(file, 'attachments'), 3)
    const names = () => readdirSync(folderOf(file))
    assert.deepEqual(names(), [hashOf(pixel)])
    await store.deleteConversation(first.conversationId, owner)
    await store.deleteConversation(second.conversationId, owner)
    assert.deepEqual(names(), [hashOf(pixel)])
    assert.deepEqual((await store.getConversation(fork, owner)).messages[0]?.parts[0], image)
    await store.deleteConversation(fork, owner)
    assert.deepEqual(names(), [])
    assert.equal(countRows(file, 'attachments'), 0)
  })

  test('is imported, and goes by prune too', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const tree = toTree('cats')
    const [question, ...answers] = tree.messages
    assert.ok(question)
    const messages = [{ ...question, parts: [...question.parts, image] }, ...answers]
    await store.importConversations([{ ...tree, messages }], owner)
    const { messages: stored } = await store.getConversation(tree.id, owner, { branches: true })
    assert.deepEqual(stored[0]?.parts[1], image)
    await store.pruneConversations({ owner, before: '2027-01-01T00:00:00.000Z' })
    assert.deepEqual(readdirSync(folderOf(file)), [])
  })

  test('in a folder of its own choosing', async () => {
    await using folder = await createFolder()
    const attachmentsDir = join(folder.path, 'elsewhere')
    await using store = await openStore({ path: folder.file, attachmentsDir })
    await store.beginRun(toAskWith(image))
    assert.deepEqual(readdirSync(attachmentsDir), [hashOf(pixel)])
  })
})

describe('an image that is lost', () => {
  const damages: [name: string, damage: (path: string) => void, why: RegExp][] = [
    ['whose file is gone', (path) => rmSync(path), /missing/],
    ['whose file was changed', (path) => writeFileSync(path, 'other bytes'), /damaged/],
    ['whose file is empty', (path) => writeFileSync(path, ''), /damaged/],
  ]
  for (const [name, damage, why] of damages) {
    test(`${name} is a text that says so, and everything else is read`, async () => {
      await using temporary = await openTemporary()
      const { store, file } = temporary
      const ask = await converse(store, toAskWith(image), 'A pixel')
      damage(join(folderOf(file), hashOf(pixel)))
      const { messages } = await store.getConversation(ask.conversationId, owner)
      const [lost, text] = messages[0]?.parts ?? []
      assert.ok(lost?.type === 'file' && lost.mediaType === 'image/png')
      assert.match(lost.text, why)
      assert.deepEqual(text, { type: 'text', text: 'What is this?' })
      assert.equal(messages[1]?.text, 'A pixel')
    })
  }

  test('is mended when it is given again', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const ask = await converse(store, toAskWith(image), 'A pixel')
    writeFileSync(join(folderOf(file), hashOf(pixel)), 'other bytes')
    await converse(store, toAskWith(image), 'Again')
    assert.deepEqual((await store.getConversation(ask.conversationId, owner)).messages[0]?.parts[0], image)
  })

  test('whose answer is asked for again stays in the question', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAskWith(image), 'A pixel')
    await converse(store, toRetry(ask, ask.question?.id ?? ''), 'One pixel')
    assert.deepEqual((await store.getConversation(ask.conversationId, owner)).messages[0]?.parts[0], image)
  })

  test('a folder that cannot be made is told, and nothing of the question stays', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    writeFileSync(folderOf(file), 'not a folder')
    await rejectsWith(store.beginRun(toAskWith(image)), 'store-failed')
    assert.equal(countRows(file, 'messages'), 0)
    await converse(store, toAsk('Without'), 'works')
  })
})

test('more images than fit into one answer of the service are left out, the oldest first, and said', async () => {
  await using folder = await createFolder()
  const attachments = createAttachments(join(folder.path, 'attachments'))
  const messages = ['old', 'middle', 'new'].map((text) => {
    const sha256 = attachments.keep(Buffer.from(text))
    return { parts: [{ type: 'image', mediaType: 'image/png', sha256, bytes: text.length } as const] }
  })
  const [old, middle, newest] = attachAll(messages, attachments, 9).map(({ parts }) => parts[0])
  assert.ok(old?.type === 'file' && /more images/.test(old.text))
  assert.deepEqual([middle, newest], [toImage('middle'), toImage('new')])
})

test('what an interrupted write left is removed when the files are listed; foreign files are not', async () => {
  await using folder = await createFolder()
  const place = join(folder.path, 'attachments')
  const attachments = createAttachments(place)
  assert.deepEqual(attachments.list(), [])
  mkdirSync(place)
  writeFileSync(join(place, `${'a'.repeat(64)}.x.part`), 'half')
  writeFileSync(join(place, 'notes.txt'), 'mine')
  const kept = attachments.keep(Buffer.from('x'))
  assert.deepEqual(attachments.list(), [kept])
  assert.ok(existsSync(join(place, 'notes.txt')))
  assert.deepEqual(attachments.read('../../etc/passwd'), { lost: 'missing' })
})
