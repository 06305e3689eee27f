import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { readImport } from './read-import.ts'
import { importBytes, importFile, openFolder, readSample } from './testing/files.ts'

const samples = [
  'llm-0.13.db.gz',
  'llm-0.36.db.gz',
  'ollama-app-0.17.4.sqlite.gz',
  'ollama-session.modelfile',
  'open-webui-0.12.4.db.gz',
  'open-webui-0.12.4.json',
  'chatgpt-conversations.json',
]

const isRefused = (error: unknown) => isLmappError(error, 'bad-input') && error.hint !== ''

describe('any sample', () => {
  for (const name of samples) {
    it(`read twice has the same ids, all of them different, and parents before children: ${name}`, async () => {
      const bytes = await readSample(name)
      const [first, second] = [await importBytes(bytes), await importBytes(bytes)]
      assert.equal(first.error, undefined)
      assert.ok(first.conversations.length > 0)
      const ids = first.conversations.flatMap(({ id, messages }) => [id, ...messages.map((message) => message.id)])
      assert.equal(new Set(ids).size, ids.length)
      for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      for (const { messages, head } of first.conversations) {
        const seen = new Set<string | null>([null])
        for (const message of messages) {
          assert.ok(seen.has(message.parentId))
          seen.add(message.id)
        }
        assert.ok(seen.has(head))
      }
      assert.deepEqual(
        second.conversations.map(({ id }) => id),
        first.conversations.map(({ id }) => id),
      )
      const times = first.conversations.map(({ updatedAt }) => updatedAt)
      assert.deepEqual(times, times.toSorted(), 'the one that was used last comes last')
    })

    it(`cut anywhere, ends with a word and never with a crash: ${name}`, async () => {
      const bytes = await readSample(name)
      for (let part = 1; part < 12; part++) {
        const cut = bytes.subarray(0, Math.floor((bytes.length * part) / 12))
        const read = await importBytes(cut).catch((error: unknown) => ({ error }))
        if (read.error !== undefined) assert.ok(isLmappError(read.error), String(read.error))
      }
    })

    it(`with damaged bytes, ends with a word and never with a crash: ${name}`, async () => {
      const bytes = await readSample(name)
      for (let round = 0; round < 12; round++) {
        const damaged = Buffer.from(bytes)
        for (let hit = 0; hit < 20; hit++)
          damaged[(hit * 7919 + round * 104729 + 100) % damaged.length] = (hit * 31 + round) % 256
        const read = await importBytes(damaged).catch((error: unknown) => ({ error }))
        if (read.error !== undefined) assert.ok(isLmappError(read.error), String(read.error))
      }
    })
  }
})

describe('a file that is no history is refused', () => {
  it('a folder, a file that is not there, an empty one, a device', async () => {
    await using folder = await openFolder()
    await mkdir(join(folder.path, 'inner'))
    await assert.rejects(readImport(join(folder.path, 'inner')), isRefused)
    await assert.rejects(readImport(join(folder.path, 'nowhere')), isRefused)
    await assert.rejects(readImport(await folder.write('empty', '')), isRefused)
    await assert.rejects(readImport('/dev/null'), isRefused)
  })

  it('random bytes, NUL bytes, prose, and other programs’ JSON', async () => {
    const random = Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7919 + (index >> 3) * 31) % 256))
    const others = [
      random,
      Buffer.alloc(10_000),
      'Just a letter.\n',
      '{}',
      '[]',
      '[1,2]',
      '{"a":[1]}',
      '[{"a":1}]',
      '{"conversations":[{}]}',
      '[null]',
      '{',
      '[',
      '"',
    ]
    for (const content of others) await assert.rejects(importBytes(content), isRefused, String(content).slice(0, 20))
  })

  it('random bytes after what another kind begins with', async () => {
    const random = Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 104729 + (index >> 5) * 17) % 256))
    for (const head of [
      'SQLite format 3\0',
      'PK\u0003\u0004',
      '[',
      '{',
      '<!-- lmapp:conversation {',
      'FROM x\nMESSAGE user "',
    ]) {
      const read = await importBytes(Buffer.concat([Buffer.from(head), random])).catch((error: unknown) => ({
        error,
        conversations: [],
      }))
      if (read.error !== undefined) assert.ok(isLmappError(read.error, 'bad-input'), `${head}: ${read.error}`)
      else assert.ok(read.conversations.length <= 1)
    }
  })

  it('a history of another program than was said, and nothing of it stays open', async () => {
    for (const name of ['llm-0.36.db.gz', 'chatgpt-conversations.json', 'ollama-session.modelfile']) {
      await assert.rejects(importBytes(await readSample(name), { from: 'open-webui' }), isRefused)
    }
    const { kind } = await importBytes(await readSample('ollama-session.modelfile'), { from: 'ollama' })
    assert.equal(kind, 'ollama-modelfile')
  })
})

describe('JSON that breaks off or is odd', () => {
  const chat = (id: string, more: object = {}) =>
    JSON.stringify({
      conversation_id: id,
      title: id,
      create_time: 1786700000,
      mapping: { a: { message: { author: { role: 'user' }, content: { content_type: 'text', parts: ['Hi'] } } } },
      ...more,
    })

  it('what was whole before the end is taken, then the place is said', async () => {
    const text = `[\n${chat('one')},\n${chat('two')},\n${chat('three').slice(0, 40)}`
    const { conversations, error } = await importBytes(text)
    assert.deepEqual(
      conversations.map(({ title }) => title),
      ['one', 'two'],
    )
    assert.ok(isLmappError(error, 'bad-input'))
    assert.equal(error.details?.byte, Buffer.byteLength(text))
    assert.equal(error.details?.line, 4)
  })

  it('a conversation that is no valid JSON, too deep or of an unknown kind is skipped, with its place', async () => {
    const deep = `{"mapping":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    const text = `[${chat('one')},\n{"mapping":{"a":tru}},\n${deep},\n{"name":"x"},"text",\n${chat('two')}]`
    const { conversations, notices, error } = await importBytes(text)
    assert.equal(error, undefined)
    assert.deepEqual(
      conversations.map(({ title }) => title),
      ['one', 'two'],
    )
    assert.equal(notices.length, 4)
    assert.match(notices[0]?.where ?? '', /^conversation 2 \(byte \d+, line 2\)$/)
  })

  it('a million open brackets', async () => {
    await assert.rejects(importBytes('['.repeat(1_000_000)), isRefused)
    await assert.rejects(importBytes('{"a":'.repeat(200_000)), isRefused)
  })

  it('the same conversation twice is taken once', async () => {
    const { conversations, notices } = await importBytes(`[${chat('one')},${chat('one')}]`)
    assert.equal(conversations.length, 1)
    assert.match(notices[0]?.why ?? '', /twice/)
  })

  it('bytes that are no UTF-8, half characters and NUL become a replacement character', async () => {
    const bytes = Buffer.from(`[${chat('one', { title: 'x\ud800y\u0000z' })}]`.replace('Hi', 'H\u00ff'), 'latin1')
    const { conversations, notices } = await importBytes(bytes)
    assert.equal(conversations[0]?.title, 'x\ufffdy\ufffdz')
    assert.equal(conversations[0]?.messages[0]?.text, 'H\ufffd')
    assert.equal(notices[0]?.what, 'characters')
  })

  it('a thousand notices are listed, the rest is counted', async () => {
    const { notices } = await importBytes(`[${chat('one')}${',1'.repeat(1500)}]`)
    assert.equal(notices.length, 1001)
    assert.match(notices.at(-1)?.why ?? '', /^500 more/)
  })

  it('fifty thousand messages in one conversation', async () => {
    const mapping = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, index) => [
        `m${index}`,
        {
          parent: index > 0 ? `m${index - 1}` : null,
          message: { author: { role: 'user' }, content: { content_type: 'text', parts: ['x'] } },
        },
      ]),
    )
    const { conversations, notices } = await importBytes(
      `[${JSON.stringify({ id: 'a', mapping: Object.fromEntries(Object.entries(mapping).reverse()) })}]`,
    )
    assert.equal(conversations[0]?.messages.length, 50_000)
    assert.deepEqual(notices, [])
  })

  it('one that is not read to its end closes its file', async () => {
    await using folder = await openFolder()
    await using opened = await readImport(await folder.write('x.json', `[${chat('one')},${chat('two')}]`))
    for await (const { title } of opened.conversations) {
      assert.equal(title, 'one')
      break
    }
    assert.equal((await importFile(await folder.write('y.json', chat('alone')))).conversations[0]?.title, 'alone')
  })
})
