import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Content, isLmappError } from 'lmapp-kit'
import { toJsonExport } from '../export-json.ts'
import { toMarkdownExport } from '../export-markdown.ts'
import type { ImportedConversation, ImportedMessage } from './imported.ts'
import { importBytes, toText } from './testing/files.ts'

/** Numbers that are the same in every run; `next(n)` is below n. */
function createRandom(seed: number) {
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return { next, pick: <T>(items: readonly [T, ...T[]]): T => items[next(items.length)] ?? items[0] }
}

type Random = ReturnType<typeof createRandom>

const words = [
  'a',
  '日本',
  '🙂',
  '\n',
  '\r\n',
  '"',
  '\\',
  '-->',
  '--',
  '<!-- lmapp:message {} -->',
  '\n<!-- \\lmapp:x -->',
  ' ',
  '# ',
  '```',
  '\t',
  '\u2028',
  '\u001b[2J',
] as const

function makeText(random: Random): string {
  return Array.from({ length: random.next(12) }, () => random.pick(words)).join('')
}

function makeParts(random: Random, text: string): Content[] {
  const all: Content[] = [
    { type: 'reasoning', text: makeText(random) },
    { type: 'text', text },
    { type: 'file', name: makeText(random), mediaType: 'text/plain', text: makeText(random) },
    { type: 'tool-call', id: 'c', name: 'f', arguments: makeText(random) },
    { type: 'tool-result', id: 'c', name: 'f', text: makeText(random), isError: true },
    { type: 'text', text: makeText(random) },
  ]
  return all.filter(() => random.next(2) === 0)
}

function makeMessage(random: Random, id: string, parentId: string | null): ImportedMessage {
  const text = makeText(random)
  return {
    id,
    parentId,
    role: random.pick(['user', 'assistant', 'tool', 'system']),
    text,
    parts: makeParts(random, text),
    state: random.pick(['complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed']),
    model: random.pick([null, 'box/tiny']),
    reason: random.pick([null, 'stop', 'length']),
    error: random.pick([null, { code: 'engine-died', message: 'It --> died.' }]),
    usage: random.pick([null, {}, { outputTokens: 3, inputTokens: 1 }]),
    timings: random.pick([null, { totalMs: 1.5 }, { firstTokenMs: 2, loadMs: 0 }]),
    createdAt: new Date(1786700000000 + random.next(1e9)).toISOString(),
  }
}

function makeConversation(random: Random, number: number): ImportedConversation {
  const messages: ImportedMessage[] = []
  for (let index = random.next(15); index > 0; index--) {
    const parent = messages[random.next(messages.length + 1)]
    messages.push(makeMessage(random, `m${number}-${messages.length}`, parent?.id ?? null))
  }
  const at = () => new Date(1786700000000 + number * 1e7 + random.next(1e6)).toISOString()
  return {
    id: `c${number}`,
    title: makeText(random),
    system: random.pick([null, makeText(random)]),
    model: random.pick([null, 'box/tiny']),
    head: messages[random.next(messages.length)]?.id ?? null,
    createdAt: at(),
    updatedAt: at(),
    ...(random.next(2) === 0 && { pinned: random.next(2) === 0 }),
    ...(random.next(2) === 0 && { tags: ['one', 'zwei'].slice(random.next(3)) }),
    messages,
  }
}

describe('what lmapp exported', () => {
  it('as JSON, imported and exported again, is the same to the byte, for random trees', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed)
      const made = Array.from({ length: random.next(4) + 1 }, (_, number) => makeConversation(random, number))
      const exported = await toText(toJsonExport(made))
      const { kind, conversations, notices, error } = await importBytes(exported)
      assert.equal(error, undefined)
      assert.equal(kind, 'lmapp-json')
      assert.deepEqual(notices, [], `seed ${seed}`)
      assert.deepEqual(conversations, made, `seed ${seed}`)
      assert.equal(await toText(toJsonExport(conversations)), exported, `seed ${seed}`)
    }
  })

  it('as Markdown comes back with all of the branch that it shows', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed)
      const made = [makeConversation(random, 0), makeConversation(random, 1)]
      const markdown = await toText(toMarkdownExport(made))
      const { kind, conversations, notices } = await importBytes(markdown)
      assert.equal(kind, 'lmapp-markdown')
      assert.deepEqual(notices, [], `seed ${seed}`)
      assert.equal(await toText(toMarkdownExport(conversations)), markdown, `seed ${seed}`)
      for (const [index, { messages }] of conversations.entries()) {
        const original = new Map(made[index]?.messages.map((message) => [message.id, message]))
        for (const message of messages) assert.deepEqual(message, original.get(message.id), `seed ${seed}`)
      }
    }
  })

  it('as Markdown lacks its images, which is said', async () => {
    const message = {
      ...makeMessage(createRandom(1), 'm', null),
      parts: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' } as const],
      text: '',
    }
    const conversation = { ...makeConversation(createRandom(1), 0), title: 'Pictures', messages: [message], head: 'm' }
    const { conversations, notices } = await importBytes(await toText(toMarkdownExport([conversation])))
    assert.deepEqual(conversations[0]?.messages[0]?.parts, [])
    assert.deepEqual(notices, [
      { what: 'image', where: 'conversation 1 "Pictures"', why: 'image/png: Markdown does not hold images' },
    ])
  })
})

const first = {
  format: 'lmapp-conversations',
  version: 1,
  conversations: [
    {
      id: 'c1',
      title: 'Old',
      model: 'box/tiny',
      head: 'm2',
      createdAt: '2026-08-14T09:00:00.000Z',
      updatedAt: '2026-08-14T09:01:00.000Z',
      messageCount: 2,
      system: 'Be brief.',
      messages: [
        {
          id: 'm1',
          parentId: null,
          role: 'user',
          text: 'Hi',
          parts: [{ type: 'text', text: 'Hi' }],
          state: 'complete',
          model: null,
          reason: null,
          error: null,
          usage: null,
          timings: null,
          createdAt: '2026-08-14T09:00:00.000Z',
        },
        {
          id: 'm2',
          parentId: 'm1',
          role: 'assistant',
          text: 'He',
          parts: [
            { type: 'reasoning', text: 'Hm.' },
            { type: 'text', text: 'He' },
          ],
          state: 'running',
          model: 'box/tiny',
          reason: null,
          error: null,
          usage: null,
          timings: null,
          createdAt: '2026-08-14T09:00:01.000Z',
        },
      ],
    },
  ],
}

describe('what version 1 exported', () => {
  it('as JSON is read; an answer that was being written then is incomplete', async () => {
    const { conversations, notices } = await importBytes(JSON.stringify(first))
    assert.deepEqual(notices, [])
    const [conversation] = conversations
    assert.equal(conversation?.system, 'Be brief.')
    assert.equal(conversation?.messages[1]?.state, 'incomplete')
    assert.deepEqual(conversation?.messages[1]?.parts, first.conversations[0]?.messages[1]?.parts)
  })

  it('as Markdown is read: the text is below, other parts in the comment', async () => {
    const comment = (kind: string, facts: object) => `<!-- lmapp:${kind} ${JSON.stringify(facts)} -->`
    const { messages = [], ...facts } = first.conversations[0] ?? {}
    const sections = messages.map(({ text, parts, ...rest }) => {
      const others = parts.filter(({ type }) => type !== 'text')
      return `${comment('message', { ...rest, ...(others.length > 0 && { parts: others }) })}\n## you\n\n${text}\n`
    })
    const markdown = [`${comment('conversation', { version: 1, ...facts })}\n# Old\n`, ...sections].join('\n')
    const { conversations, notices } = await importBytes(markdown)
    assert.deepEqual(notices, [])
    const texts = conversations[0]?.messages.map(({ text, parts }) => ({ text, parts }))
    assert.deepEqual(
      texts,
      messages.map(({ text, parts }) => ({ text, parts })),
    )
  })
})

describe('a newer version', () => {
  it('is refused, as JSON before the rest of it is read', async () => {
    const newer = `{"format":"lmapp-conversations","version":3,"conversations":[{"id":`
    await assert.rejects(
      importBytes(newer),
      (error) => isLmappError(error, 'bad-input') && error.details?.version === 3,
    )
    const last = JSON.stringify({ conversations: [], version: 3, format: 'lmapp-conversations' })
    await assert.rejects(importBytes(last), (error) => isLmappError(error, 'bad-input') && error.details?.version === 3)
  })

  it('is refused, as Markdown and without a version too', async () => {
    const { error } = await importBytes('<!-- lmapp:conversation {"version":3} -->\n')
    assert.ok(isLmappError(error, 'bad-input') && error.details?.version === 3)
    await assert.rejects(importBytes('{"format":"lmapp-conversations","conversations":[]}'), (refused) =>
      isLmappError(refused, 'bad-input'),
    )
  })
})

describe('a broken conversation of lmapp', () => {
  const [whole] = first.conversations
  const broken: [string, object, RegExp][] = [
    ['no id', { id: 1 }, /^"id"/],
    ['no title', { title: null }, /^"title"/],
    ['a system prompt that is none', { system: 5 }, /^"system"/],
    ['no messages', { messages: {} }, /^"messages"/],
    ['a message that is none', { messages: [7] }, /^message 1 /],
    ['a message without an id', { messages: [{ ...whole?.messages[0], id: '' }] }, /^message 1: "id"/],
    [
      'a message without a text',
      { messages: [whole?.messages[0], { ...whole?.messages[1], text: 1 }] },
      /^message 2: "text"/,
    ],
    ['an unknown role', { messages: [{ ...whole?.messages[0], role: 'boss' }] }, /^message 1: "role"/],
    ['an unknown state', { messages: [{ ...whole?.messages[0], state: 'odd' }] }, /^message 1: "state"/],
    ['parts that are none', { messages: [{ ...whole?.messages[0], parts: 'x' }] }, /^message 1: "parts"/],
  ]
  for (const [name, change, why] of broken) {
    it(`is left out and named, the others are taken: ${name}`, async () => {
      const conversations = [
        { ...whole, ...change },
        { ...whole, id: 'c2', title: 'Fine' },
      ]
      const read = await importBytes(JSON.stringify({ ...first, conversations }))
      assert.deepEqual(
        read.conversations.map(({ id }) => id),
        ['c2'],
      )
      assert.equal(read.notices.length, 1)
      assert.match(read.notices[0]?.why ?? '', why)
      assert.match(read.notices[0]?.where ?? '', /^conversation 1/)
    })
  }

  it('what is of a newer lmapp within it is left out or generalised', async () => {
    const [question] = whole?.messages ?? []
    const message = {
      ...question,
      parts: [{ type: 'hologram' }, 5, { type: 'text', text: 'Hi' }],
      reason: 'bored',
      error: { code: 'of-the-future', message: 'So it goes.' },
      usage: { inputTokens: -1 },
      timings: 'fast',
      createdAt: 'yesterday',
    }
    const { conversations, notices } = await importBytes(
      JSON.stringify({
        ...first,
        conversations: [{ ...whole, messages: [message, { ...message, id: 'm9', error: 'x', parts: undefined }] }],
      }),
    )
    const [read, other] = conversations[0]?.messages ?? []
    assert.deepEqual(read?.parts, [{ type: 'text', text: 'Hi' }])
    assert.equal(read?.reason, 'other')
    assert.deepEqual(read?.error, { code: 'engine-failed', message: 'So it goes.' })
    assert.equal(read?.usage, null)
    assert.equal(read?.timings, null)
    assert.equal(read?.createdAt, whole?.createdAt)
    assert.equal(other?.error, null)
    assert.deepEqual(other?.parts, [])
    assert.equal(notices.length, 2)
  })

  it('a comment in Markdown that was changed is refused with its line', async () => {
    const { error } = await importBytes(
      '<!-- lmapp:conversation {"version":1,"id":"c","title":"t"} -->\n# t\n\n<!-- lmapp:message {oops} -->\n',
    )
    assert.ok(isLmappError(error, 'bad-input') && error.details?.line === 4)
  })
})
