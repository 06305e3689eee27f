import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createClient, createFetchTransport, type ImportConversation, type ImportMessage } from 'lmapp-client'
import { type Content, type ErrorCode, isLmappError } from 'lmapp-kit'
import { jsonType, ownerHeaders, rawRequest } from './testing/raw-request.ts'
import { startTestService, type TestService } from './testing/test-app.ts'

const createdAt = '2026-01-02T03:04:05.678Z'
const base = '/lmapp/v1'

function toMessage(id: string, values: Partial<ImportMessage> = {}): ImportMessage {
  const text = values.text ?? `text of ${id}`
  const parts: Content[] = [{ type: 'text', text }]
  const facts = { model: null, reason: null, error: null, usage: null, timings: null, createdAt }
  return { id, parentId: null, role: 'user', text, parts, state: 'complete', ...facts, ...values }
}

function toTree(name: string, values: Partial<ImportConversation> = {}): ImportConversation {
  const below = { parentId: `${name}-q`, role: 'assistant', model: 'box/tiny' } as const
  return {
    id: `${name}-c`,
    title: `About ${name}`,
    model: 'box/tiny',
    head: `${name}-b`,
    system: null,
    createdAt,
    updatedAt: createdAt,
    messages: [toMessage(`${name}-q`), toMessage(`${name}-a`, below), toMessage(`${name}-b`, below)],
    ...values,
  }
}

const rejectsWith = (promise: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(promise, (error) => isLmappError(error, code))

async function openWith(...trees: ImportConversation[]): Promise<TestService> {
  const service = await startTestService()
  await service.client.importConversations({ conversations: trees })
  return service
}

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id)

describe('the list', () => {
  test('has pinned ones first and can be narrowed', async () => {
    await using service = await openWith(toTree('aaaa'), toTree('bbbb', { tags: ['work'] }), toTree('cccc'))
    const { client } = service
    const changed = await client.patchConversation('aaaa-c', { pinned: true, tags: ['work', '  my  art ', 'work'] })
    assert.deepEqual([changed.pinned, changed.tags], [true, ['my art', 'work']])
    const list = await client.listConversations()
    assert.equal(list[0]?.id, 'aaaa-c')
    assert.deepEqual(ids(await client.listConversations({ tag: 'work', pinned: false })), ['bbbb-c'])
    assert.deepEqual(ids(await client.listConversations({ pinned: true })), ['aaaa-c'])
    assert.deepEqual((await client.patchConversation('aaaa-c', { pinned: false, tags: [] })).tags, [])
    assert.deepEqual(await client.listConversations({ tag: 'my art' }), [])
  })

  test('refuses what is no filter, and what is no tag', async () => {
    await using service = await openWith(toTree('aaaa'))
    const raw = (path: string) =>
      rawRequest({ socketPath: service.socketPath, path: base + path, headers: ownerHeaders(service.app.token) })
    assert.equal((await raw('/conversations?pinned=maybe')).code, 'bad-input')
    assert.equal((await raw('/conversations/aaaa-c?branches=1')).code, 'bad-input')
    const many = Array.from({ length: 101 }, (_, index) => `t${index}`)
    for (const tags of [[' '], ['x'.repeat(65)], ['a\u0007b'], many]) {
      await rejectsWith(service.client.patchConversation('aaaa-c', { tags }), 'bad-input')
    }
  })
})

test('a conversation is read with all its branches', async () => {
  await using service = await openWith(toTree('aaaa'))
  const { client } = service
  assert.deepEqual(ids((await client.getConversation('aaaa-c')).messages), ['aaaa-q', 'aaaa-b'])
  const tree = await client.getConversation('aaaa-c', { branches: true })
  assert.deepEqual(ids(tree.messages), ['aaaa-q', 'aaaa-a', 'aaaa-b'])
})

describe('a fork', () => {
  test('is made from a conversation, from a message, and from a message that is named by its beginning', async () => {
    await using service = await openWith(toTree('aaaa'), toTree('bbbb'))
    const { client } = service
    const texts = (conversation: { messages: { text: string }[] }) => conversation.messages.map(({ text }) => text)
    const fork = await client.forkConversation('aaaa-c', { title: 'Another' })
    assert.deepEqual([fork.title, texts(fork)], ['Another', ['text of aaaa-q', 'text of aaaa-b']])
    assert.deepEqual(texts(await client.forkConversation('aaaa-a', {})), ['text of aaaa-q', 'text of aaaa-a'])
    assert.deepEqual(texts(await client.forkConversation('aaaa-c', { message: 'aaaa-q' })), ['text of aaaa-q'])
    await rejectsWith(client.forkConversation('aaaa-c', { message: 'bbbb-q' }), 'not-found')
    await rejectsWith(client.forkConversation('aaaa-c', { message: 'bbbb-c' }), 'not-found')
    await rejectsWith(client.forkConversation('none-c', {}), 'not-found')
    await rejectsWith(client.forkConversation('aaaa-c', { title: '' }), 'bad-input')
  })
})

describe('an import', () => {
  test('keeps all that a message can have, and is the same when it comes again', async () => {
    await using service = await startTestService()
    const { client } = service
    const answer = toMessage('full-b', {
      parentId: 'full-q',
      role: 'assistant',
      state: 'incomplete',
      reason: 'other',
      error: { code: 'engine-died', message: 'x', hint: 'y', details: { z: 1 } },
      usage: { inputTokens: 1, outputTokens: 2 },
      timings: { totalMs: 3.5 },
      parts: [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'yes' },
        { type: 'tool-call', id: '1', name: 'f', arguments: '{}' },
      ],
    })
    const image: Content = { type: 'image', mediaType: 'image/png', data: 'AAAA' }
    const question = toMessage('full-q', { parts: [image, { type: 'text', text: 'text of full-q' }] })
    const tree = toTree('full', { messages: [question, answer], pinned: true, tags: ['x'] })
    const first = await client.importConversations({ conversations: [tree] })
    assert.deepEqual(first, { imported: ['full-c'], extended: [], present: [], messages: 2 })
    const again = await client.importConversations({ conversations: [tree] })
    assert.deepEqual(again, { imported: [], extended: [], present: ['full-c'], messages: 0 })
    assert.deepEqual(await client.getConversation('full-c', { branches: true }), { ...tree, messageCount: 2 })
  })

  test('takes times in other forms, and errors of a newer lmapp', async () => {
    await using service = await startTestService()
    const error: unknown = { code: 'from-the-future', message: 'x', details: { deep: 'x'.repeat(20_000) } }
    const answer = toMessage('aaaa-b', {
      role: 'assistant',
      error: error as null,
      createdAt: '2026-01-02T04:04:05+01:00',
    })
    const tree = toTree('aaaa', { messages: [answer], updatedAt: '2026-01-02' })
    await service.client.importConversations({ conversations: [tree] })
    const { messages, updatedAt } = await service.client.getConversation('aaaa-c')
    assert.deepEqual(messages[0]?.error, { code: 'engine-failed', message: 'x' })
    assert.deepEqual([messages[0]?.createdAt, updatedAt], ['2026-01-02T03:04:05.000Z', '2026-01-02T00:00:00.000Z'])
  })

  test('names the conversation that is wrong, whether in its form or in its tree, and writes none', async () => {
    await using service = await startTestService()
    const good = toTree('good')
    const wrong: [why: string, tree: ImportConversation][] = [
      ['role', toTree('aaaa', { messages: [toMessage('aaaa-b', { role: 'king' as 'user' })] })],
      ['state', toTree('aaaa', { messages: [toMessage('aaaa-b', { state: 'running' as 'stopped' })] })],
      ['time', toTree('aaaa', { updatedAt: 'yesterday' })],
      ['year', toTree('aaaa', { updatedAt: '+012345-01-01T00:00:00Z' })],
      ['parent', toTree('aaaa', { messages: [toMessage('aaaa-b', { parentId: 'none' })] })],
      ['head', toTree('aaaa', { head: 'none' })],
    ]
    for (const [why, tree] of wrong) {
      await assert.rejects(
        service.client.importConversations({ conversations: [good, tree] }),
        (error) => isLmappError(error, 'bad-input') && error.details?.conversation === 'aaaa-c',
        why,
      )
    }
    assert.deepEqual(await service.client.listConversations(), [])
    assert.deepEqual(service.bugs, [])
  })
})

describe('prune', () => {
  test('tells what it would delete, and deletes it', async () => {
    await using service = await openWith(
      toTree('aaaa'),
      toTree('bbbb', { tags: ['work'] }),
      toTree('pppp', { pinned: true }),
    )
    const { client } = service
    const before = '2026-06-01T00:00:00+02:00'
    assert.equal((await client.pruneConversations({ before, dryRun: true })).conversations.length, 2)
    assert.deepEqual(ids((await client.pruneConversations({ before, tag: 'work' })).conversations), ['bbbb-c'])
    assert.deepEqual(ids((await client.pruneConversations({ before })).conversations), ['aaaa-c'])
    assert.deepEqual(ids(await client.listConversations()), ['pppp-c'])
    await rejectsWith(client.pruneConversations({ before: 'soon' }), 'bad-input')
  })
})

describe('vacuum', () => {
  test('says what is free again', async () => {
    await using service = await openWith(toTree('aaaa', { system: 'x'.repeat(1_000_000) }))
    await service.client.deleteConversation('aaaa-c')
    const { freedBytes, sizeBytes } = await service.client.vacuumHistory()
    assert.ok(freedBytes > 900_000 && sizeBytes > 0)
  })

  test('is refused while an answer is being written', async () => {
    await using service = await startTestService()
    const run = await service.client.createRun({ content: [{ type: 'text', text: 'x' }] })
    const dictate = await service.backend.nextChat()
    await dictate.say('half')
    await rejectsWith(service.client.vacuumHistory(), 'busy')
    await dictate.finish()
    await Array.fromAsync(run.events)
    await service.client.vacuumHistory()
  })
})

const routes: [method: string, path: string][] = [
  ['PATCH', '/conversations/aaaa-c'],
  ['POST', '/conversations/aaaa-c/fork'],
  ['POST', '/conversations/import'],
  ['POST', '/conversations/prune'],
]

test('a guest may do nothing of this', async () => {
  await using service = await openWith(toTree('aaaa'))
  const guest = createClient({ transport: createFetchTransport({ baseUrl: service.address }) })
  await rejectsWith(guest.forkConversation('aaaa-c', {}), 'forbidden')
  await rejectsWith(guest.importConversations({ conversations: [] }), 'forbidden')
  await rejectsWith(guest.pruneConversations({ before: createdAt }), 'forbidden')
  await rejectsWith(guest.vacuumHistory(), 'forbidden')
  await rejectsWith(guest.listConversations(), 'forbidden')
})

describe('any nonsense', () => {
  const nested = (open: string, close: string) => `${open.repeat(100_000)}1${close.repeat(100_000)}`
  const bodies: [name: string, body: Buffer][] = [
    ...Array.from({ length: 10 }, (_, index): [string, Buffer] => [`random bytes ${index}`, randomBytes(10_000)]),
    ['nothing', Buffer.alloc(0)],
    ['null', Buffer.from('null')],
    ['a list', Buffer.from('[]')],
    ['half', Buffer.from('{"conversations": [{')],
    ['deep lists', Buffer.from(nested('[', ']'))],
    [
      'deep in place',
      Buffer.from(`{"conversations":${nested('[', ']')},"before":${nested('[', ']')},"title":${nested('[', ']')}}`),
    ],
    [
      'wrong types',
      Buffer.from('{"conversations":[1],"before":1,"title":1,"tags":1,"pinned":"x","message":[],"head":{}}'),
    ],
    ['a wrong conversation', Buffer.from('{"conversations":[{"id":{}}],"before":[],"title":[],"message":1}')],
  ]
  for (const [method, path] of routes) {
    test(`is refused by ${method} ${path}`, async () => {
      await using service = await openWith(toTree('aaaa'))
      for (const [name, body] of bodies) {
        const headers = { ...ownerHeaders(service.app.token), ...jsonType }
        const answer = await rawRequest({ socketPath: service.socketPath, method, path: base + path, headers, body })
        assert.equal(answer.code, 'bad-input', name)
      }
      assert.deepEqual(service.bugs, [])
      assert.equal((await service.client.listConversations()).length, 1)
    })
  }

  test('deep within an error that is imported is refused with the whole', async () => {
    await using service = await startTestService()
    const answer = JSON.stringify(toMessage('aaaa-b', { role: 'assistant' })).replace(
      '"error":null',
      `"error":{"code":"stalled","message":"x","details":{"a":${nested('[', ']')}}}`,
    )
    const tree = JSON.stringify(toTree('aaaa', { messages: [] })).replace('"messages":[]', `"messages":[${answer}]`)
    const headers = { ...ownerHeaders(service.app.token), ...jsonType }
    const body = `{"conversations":[${tree}]}`
    const path = `${base}/conversations/import`
    const sent = await rawRequest({ socketPath: service.socketPath, method: 'POST', path, headers, body })
    assert.equal(sent.status, 400)
    assert.match(sent.message ?? '', /nested less deeply/)
    assert.deepEqual(await service.client.listConversations(), [])
  })
})
