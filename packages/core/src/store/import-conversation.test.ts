import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createId, type ImportConversation, type ImportMessage, openStore, type Store } from './index.ts'
import { loadSqlite } from './load-sqlite.ts'
import {
  converse,
  countRows,
  createFolder,
  openTemporary,
  owner,
  rejectsWith,
  toAsk,
} from './testing/temporary-store.ts'
import { at, toMessage, toTree } from './testing/trees.ts'

describe('what is imported', () => {
  test('is there as it was, with all branches and its own ids', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const tree = toTree('pelicans', { pinned: true, tags: ['birds', 'zoo'] })
    assert.deepEqual(await store.importConversations([tree], owner), {
      imported: [tree.id],
      extended: [],
      present: [],
      messages: 3,
    })
    assert.deepEqual(await store.getConversation(tree.id, owner, { branches: true }), { ...tree, messageCount: 2 })
    const { messages } = await store.getConversation(tree.id, owner)
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['pelicans?', 'pelicans two'],
    )
  })

  test('is found at once, by its words and by its title', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    await store.importConversations([toTree('pelicans'), toTree('flamingos', { title: 'Pelicans no more' })], owner)
    const { DatabaseSync } = loadSqlite()
    using database = new DatabaseSync(file, { readOnly: true })
    assert.equal(database.prepare('SELECT count(*) AS n FROM messages WHERE index_due = 1').get()?.n, 0)
    assert.equal((await store.search('pelicans', { owner })).length, 4)
  })

  test('a second time changes nothing', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const tree = toTree('pelicans')
    await store.importConversations([tree], owner)
    await store.renameConversation(tree.id, 'Mine', owner)
    assert.deepEqual(await store.importConversations([tree, tree], owner), {
      imported: [],
      extended: [],
      present: [tree.id, tree.id],
      messages: 0,
    })
    assert.equal(countRows(file, 'messages'), 3)
    assert.equal((await store.getConversation(tree.id, owner)).title, 'Mine')
  })

  test('extends what is there by the messages that it lacks; the head moves on only along its own path', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const tree = toTree('pelicans')
    await store.importConversations([tree], owner)
    const more = toMessage({ text: 'And then?', parentId: tree.head })
    const longer = { ...tree, head: more.id, updatedAt: '2026-02-01T00:00:00.000Z', messages: [...tree.messages, more] }
    const result = await store.importConversations([longer], owner)
    assert.deepEqual([result.extended, result.messages], [[tree.id], 1])
    assert.deepEqual((await store.getConversation(tree.id, owner)).head, more.id)
    const aside = toMessage({ text: 'Or else?', parentId: tree.messages[1]?.id ?? null })
    await store.importConversations([{ ...tree, head: aside.id, messages: [aside] }], owner)
    const { head, updatedAt } = await store.getConversation(tree.id, owner)
    assert.deepEqual([head, updatedAt], [more.id, longer.updatedAt])
    assert.equal((await store.getConversation(tree.id, owner, { branches: true })).messages.length, 5)
  })

  test('may come in pieces, the head with the last', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const tree = toTree('pelicans')
    const [question, ...answers] = tree.messages
    assert.ok(question)
    await store.importConversations([{ ...tree, head: null, messages: [question] }], owner)
    await store.importConversations([{ ...tree, messages: answers }], owner)
    assert.deepEqual(await store.getConversation(tree.id, owner, { branches: true }), {
      ...tree,
      messageCount: 2,
      pinned: false,
      tags: [],
    })
  })

  test('stands in the list where its time says, whatever its order in the file', async () => {
    const times = ['2026-03-01T00:00:00Z', '2026-05-01T00:00:00Z']
    await using temporary = await openTemporary({ now: () => new Date(times[0] ?? '') })
    const { store } = temporary
    const march = await converse(store, toAsk('March'), 'x')
    times.shift()
    const may = await converse(store, toAsk('May'), 'x')
    const trees = ['2026-04-01', '2026-02-01', '2026-06-01', '2026-04-02'].map((day) =>
      toTree(day, { updatedAt: `${day}T00:00:00.000Z` }),
    )
    for (const tree of trees) await store.importConversations([tree], owner)
    const expected = [trees[2]?.id, may.conversationId, trees[3]?.id, trees[0]?.id, march.conversationId, trees[1]?.id]
    const list = await store.listConversations({ owner })
    assert.deepEqual(
      list.map(({ id }) => id),
      expected,
    )
    const paged: string[] = []
    for (;;) {
      const [next] = await store.listConversations({
        owner,
        limit: 1,
        ...(paged.length > 0 && { before: paged.at(-1) ?? '' }),
      })
      if (!next) break
      paged.push(next.id)
    }
    assert.deepEqual(paged, expected)
    await converse(store, toAsk('More', { conversationId: trees[1]?.id ?? '' }), 'y')
    assert.equal((await store.listConversations({ owner }))[0]?.id, trees[1]?.id)
  })

  test('has a title that no model replaces, and an empty conversation is one too', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const tree = toTree('x', { messages: [], head: null })
    await store.importConversations([tree], owner)
    assert.equal(await store.setAutomaticTitle(tree.id, 'Better'), false)
    assert.deepEqual((await store.getConversation(tree.id, owner)).messages, [])
  })
})

describe('what cannot be imported', () => {
  const change = (tree: ImportConversation, index: number, values: object): ImportConversation => ({
    ...tree,
    messages: tree.messages.map((message, at) => (at === index ? { ...message, ...values } : message)),
  })
  const wrong: [name: string, spoil: (tree: ImportConversation) => ImportConversation, why: RegExp][] = [
    ['a parent that is missing', (tree) => change(tree, 1, { parentId: createId() }), /message 2 .*missing/],
    ['a parent that comes later', (tree) => ({ ...tree, messages: tree.messages.toReversed() }), /before its parent/],
    ['a message that is its own parent', (tree) => change(tree, 0, { parentId: tree.messages[0]?.id }), /its own/],
    ['a circle', (tree) => change(tree, 0, { parentId: tree.messages[2]?.id }), /before its parent/],
    ['the same id twice', (tree) => change(tree, 2, { id: tree.messages[1]?.id }), /earlier/],
    ['a head that is elsewhere', (tree) => ({ ...tree, head: createId() }), /head/],
    ['a role that is none', (tree) => change(tree, 1, { role: 'king' }), /message 2 .*role/],
    ['a state that is none', (tree) => change(tree, 1, { state: 'running' }), /state/],
    ['a question that is not complete', (tree) => change(tree, 0, { state: 'length' }), /not complete/],
    ['a time that is none', (tree) => change(tree, 0, { createdAt: 'yesterday' }), /time/],
    ['a time that cannot be', (tree) => ({ ...tree, updatedAt: '2026-13-45T99:00:00.000Z' }), /time/],
    ['an id that nobody could type', (tree) => ({ ...tree, id: "x'; DROP" }), /its id/],
    ['a message with such an id', (tree) => change(tree, 0, { id: 'A~' }), /message 1 has an id/],
    ['an empty tag', (tree) => ({ ...tree, tags: [''] }), /tag/],
  ]
  for (const [name, spoil, why] of wrong) {
    test(`${name} is refused, the conversation is named, and nothing of the batch is written`, async () => {
      await using temporary = await openTemporary()
      const { store, file } = temporary
      const bad = spoil(toTree('bad'))
      await assert.rejects(store.importConversations([toTree('good'), bad], owner), (error) => {
        assert.ok(isLmappError(error, 'bad-input'))
        assert.equal(error.details?.conversation, bad.id)
        assert.match(String(error.details?.problem), why)
        return true
      })
      assert.equal(countRows(file, 'conversations'), 0)
    })
  }

  test('an id that is taken by another owner, or in another conversation', async () => {
    await using temporary = await openTemporary()
    const { store, file } = temporary
    const tree = toTree('mine')
    await store.importConversations([tree], owner)
    await rejectsWith(store.importConversations([tree], 'key:1'), 'bad-input')
    await rejectsWith(store.importConversations([{ ...tree, id: createId() }], 'key:1'), 'bad-input')
    await rejectsWith(store.importConversations([{ ...tree, id: createId() }], owner), 'bad-input')
    const twins = [toTree('twin'), toTree('twin')].map((each) => ({
      ...each,
      head: null,
      messages: tree.messages.slice(0, 1),
    }))
    await rejectsWith(store.importConversations(twins, owner), 'bad-input')
    const both = toTree('both')
    await rejectsWith(store.importConversations([both, { ...both, id: createId() }], owner), 'bad-input')
    assert.equal(countRows(file, 'conversations'), 1)
  })

  test('what is right in one batch with itself: a conversation in two parts', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const tree = toTree('parts')
    const parts = [
      { ...tree, head: null, messages: tree.messages.slice(0, 1) },
      { ...tree, messages: tree.messages.slice(1) },
    ]
    const result = await store.importConversations(parts, owner)
    assert.deepEqual([result.imported, result.extended, result.messages], [[tree.id], [tree.id], 3])
  })
})

describe('when something happens on the way', () => {
  test('on a full disk whole conversations are there, and the same import goes on later', async () => {
    await using folder = await createFolder()
    const trees = Array.from({ length: 12 }, (_, index) => toTree(`${index} ${'word '.repeat(20_000)}`))
    {
      await using small = await openStore({ path: folder.file, maxPages: 600 })
      await rejectsWith(small.importConversations(trees, owner), 'disk-full')
      assert.ok((await wholeOnes(small, trees)) > 0)
    }
    await using large = await openStore({ path: folder.file })
    const { imported, present } = await large.importConversations(trees, owner)
    assert.ok(imported.length > 0 && present.length > 0)
    assert.equal(await wholeOnes(large, trees), trees.length)
  })

  test('after kill -9 whole conversations are there, and can be found', async () => {
    await using folder = await createFolder()
    const program = join(folder.path, 'importer.mjs')
    const trees = Array.from({ length: 200 }, (_, index) => toTree(`t${index} ${'word '.repeat(500)}`))
    await writeFile(join(folder.path, 'trees.json'), JSON.stringify(trees))
    await writeFile(
      program,
      `import { readFileSync } from 'node:fs'
       import { openStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
       const trees = JSON.parse(readFileSync(process.argv[3], 'utf8'))
       const store = await openStore({ path: process.argv[2] })
       const importing = store.importConversations(trees, 'owner')
       while ((await store.listConversations({ owner: 'owner', limit: 20 })).length < 20) {}
       process.stdout.write('some')
       await importing`,
    )
    const args = ['--conditions=lmapp-source', program, folder.file, join(folder.path, 'trees.json')]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.once('data', () => child.kill('SIGKILL'))
    const [, signal] = await once(child, 'close')
    assert.equal(signal, 'SIGKILL')
    await using store = await openStore({ path: folder.file })
    assert.equal(store.setAside, undefined)
    const whole = await wholeOnes(store, trees)
    assert.ok(whole >= 20, String(whole))
    const { present } = await store.importConversations(trees, owner)
    assert.equal(present.length, whole)
  })

  test('a question that is asked meanwhile waits for one conversation, not for all', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const trees = Array.from({ length: 50 }, (_, index) => toTree(`${index}`))
    const order: string[] = []
    const importing = store.importConversations(trees, owner).then(() => order.push('imported'))
    await store.beginRun(toAsk('Now?')).then(() => order.push('asked'))
    await importing
    assert.deepEqual(order, ['asked', 'imported'])
  })
})

test('any nonsense is refused or taken whole, never a crash', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const random = createRandom(7)
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T
  const ids = Array.from({ length: 6 }, () => createId())
  for (let round = 0; round < 300; round += 1) {
    const messages = Array.from({ length: 4 }, () => ({
      ...toMessage({ text: pick(['', 'a\0b', '\ud800', 'x'.repeat(5000)]) }),
      id: pick([...ids, '']),
      parentId: pick([null, ...ids]),
      role: pick(['user', 'assistant', 'tool', 'x']),
      createdAt: pick([at, 'x']),
    })) as ImportMessage[]
    const tree = { ...toTree('x'), id: pick(ids), head: pick([null, ...ids]), messages }
    const before = (await store.listConversations({ owner })).length
    try {
      await store.importConversations([tree], owner)
    } catch (error) {
      assert.ok(isLmappError(error, 'bad-input'), String(error))
      assert.equal((await store.listConversations({ owner })).length, before)
    }
  }
  for (const { id } of await store.listConversations({ owner }))
    await store.getConversation(id, owner, { branches: true })
})

/** How many are there; each must have all its messages, or not be there. */
async function wholeOnes(store: Store, trees: readonly ImportConversation[]): Promise<number> {
  const list = await store.listConversations({ owner })
  for (const { id } of list) {
    const { messages } = await store.getConversation(id, owner, { branches: true })
    assert.equal(messages.length, trees.find((tree) => tree.id === id)?.messages.length)
  }
  return list.length
}

function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
