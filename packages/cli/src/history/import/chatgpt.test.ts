import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import type { ImportedConversation } from './imported.ts'
import { importBytes, importFile, importSample, makeZip, openFolder, readSample } from './testing/files.ts'

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

function named(conversations: readonly ImportedConversation[], title: string): ImportedConversation {
  const found = conversations.find((conversation) => conversation.title === title)
  assert.ok(found, title)
  return found
}

const outline = ({ messages }: ImportedConversation) =>
  messages.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)].join(' '))

describe('the export of ChatGPT', () => {
  it('has branches, thoughts, sources, custom instructions and a pin', async () => {
    const { kind, conversations } = await importSample('chatgpt-conversations.json')
    assert.equal(kind, 'chatgpt')
    const cats = named(conversations, 'Cats & dogs')
    assert.equal(cats.pinned, true)
    assert.equal(cats.system, 'I keep cats.\n\nBe brief.')
    assert.deepEqual(outline(cats), [
      'user text',
      'assistant reasoning text',
      'user text',
      'assistant text',
      'assistant text',
    ])
    const [question, answer, edited, stopped, last] = cats.messages
    assert.deepEqual([question?.parentId, edited?.parentId], [null, null])
    assert.deepEqual([stopped?.parentId, last?.parentId], [edited?.id, edited?.id])
    assert.equal(cats.head, last?.id)
    assert.equal(answer?.text, 'About 15 years ([Example](https://example.org/cats)).')
    assert.equal(answer?.reason, 'stop')
    assert.equal(answer?.model, 'gpt-5-thinking')
    assert.equal(stopped?.state, 'stopped')
    assert.equal(cats.createdAt, '2026-08-14T09:33:20.250Z')
    assert.equal(named(conversations, 'Hi').system, 'I am old.\n\nBe kind.')
  })

  it('has tools that are called and answer, code, quotes and errors', async () => {
    const { conversations, notices } = await importSample('chatgpt-conversations.json')
    const plot = named(conversations, 'Plot')
    const [, call, result] = plot.messages
    assert.deepEqual(
      [call?.parts[0]?.type === 'tool-call' && call.parts[0].id, call?.text],
      [result?.parts[0]?.type === 'tool-result' && result.parts[0].id, ''],
    )
    assert.equal(plot.messages.find(({ state }) => state === 'length')?.text, "```python\ndot = '.'\n```")
    assert.deepEqual(plot.messages.at(-1)?.parts[0]?.type === 'tool-result' && plot.messages.at(-1)?.parts[0], {
      type: 'tool-result',
      id: (plot.messages.at(-1)?.parts[0] as { id: string }).id,
      name: 'browser',
      text: 'Error: timeout',
      isError: true,
    })
    assert.ok(notices.some(({ where, why }) => /Empty/.test(where) && /no messages/.test(why)))
    assert.ok(notices.some(({ why }) => /file-Dot1: it is not in the export/.test(why)))
    assert.ok(notices.some(({ why }) => /sound/.test(why)))
  })

  it('as the archive that was sent, has its images and text files', async () => {
    const zip = makeZip([
      { name: 'chat.html', content: '<html>' },
      { name: 'conversations.json', content: await readSample('chatgpt-conversations.json') },
      { name: 'file-Dot1-dot.png', content: pixel },
      { name: 'file-Notes2-notes.txt', content: 'A note.' },
      { name: 'dalle-generations/file_00bb-1234.dat', content: pixel },
      { name: '__MACOSX/conversations.json', content: 'junk' },
    ])
    const { kind, conversations, notices } = await importBytes(zip)
    assert.equal(kind, 'chatgpt')
    const plot = named(conversations, 'Plot')
    assert.deepEqual(
      plot.messages[0]?.parts.map((part) => (part.type === 'file' ? part.name : part.type)),
      ['notes.txt', 'image', 'text'],
    )
    assert.ok(outline(plot).includes('tool tool-result image'))
    assert.deepEqual(notices.map(({ what }) => what).toSorted(), ['attachment', 'conversation'])
  })

  it('split into numbered files, has those of all of them, in order', async () => {
    const all = JSON.parse((await readSample('chatgpt-conversations.json')).toString())
    const zip = makeZip(
      all.map((each: object, index: number) => ({
        name: `export/conversations-00${index}.json`,
        content: JSON.stringify([each]),
      })),
    )
    const { conversations } = await importBytes(zip)
    assert.deepEqual(
      conversations.map(({ title }) => title),
      ['Hi', 'Plot', 'Cats & dogs'],
    )
  })

  it('one file of several that breaks off does not take the others along', async () => {
    const all = JSON.parse((await readSample('chatgpt-conversations.json')).toString())
    const zip = makeZip([
      { name: 'conversations-000.json', content: `[${JSON.stringify(all[1])},{"title":` },
      { name: 'conversations-001.json', content: JSON.stringify(all.slice(2)) },
    ])
    const { conversations, error } = await importBytes(zip)
    assert.equal(conversations.length, 3)
    assert.ok(isLmappError(error, 'bad-input'))
  })
})

describe('an archive that is no export, or made to do harm', () => {
  const isRefused = (error: unknown) => isLmappError(error, 'bad-input')

  it('is refused: without conversations, damaged, bursting, or holding something else', async () => {
    await assert.rejects(importBytes(makeZip([{ name: 'x.txt', content: 'x' }])), isRefused)
    const good = makeZip([{ name: 'conversations.json', content: '[{}]' }])
    await assert.rejects(importBytes(good), isRefused)
    await assert.rejects(importBytes(good.subarray(0, good.length - 30)), isRefused)
    const bomb = makeZip([{ name: 'conversations.json', content: Buffer.alloc(100 * 1024 * 1024, ' ') }])
    await assert.rejects(importBytes(bomb), isRefused)
    const liar = makeZip([{ name: 'conversations.json', content: '['.repeat(100_000), claimedSize: 10 }])
    await assert.rejects(importBytes(liar), isRefused)
  })

  it('has paths that climb out of the folder: refused', async () => {
    await assert.rejects(importBytes(makeZip([{ name: '../../conversations.json', content: '[]' }])), isRefused)
  })

  it('images that are too large, lie about their size or are none are left out, and said', async () => {
    const zip = makeZip([
      { name: 'conversations.json', content: await readSample('chatgpt-conversations.json') },
      { name: 'file-Dot1.png', content: Buffer.alloc(21 * 1024 * 1024) },
      { name: 'file_00bb.dat', content: pixel, claimedSize: 5 },
      { name: 'file-Notes2.bin', content: Buffer.from([0, 255]) },
    ])
    const { conversations, notices } = await importBytes(zip)
    assert.equal(conversations.length, 3)
    assert.equal(notices.filter(({ what }) => what === 'attachment').length, 4)
  })
})

/** One conversation of one message below a root. */
async function importMessage(content: unknown, more: object = {}) {
  const message = { author: { role: 'assistant' }, content, ...more }
  const conversation = {
    id: 'c',
    title: 'T',
    mapping: { root: { message: null, parent: null }, m: { message, parent: 'root' } },
  }
  const { conversations, notices } = await importBytes(JSON.stringify([conversation]))
  return { text: conversations[0]?.messages[0]?.text, state: conversations[0]?.messages[0]?.state, notices }
}

describe('content of each type', () => {
  const cases: [string, object, string | undefined][] = [
    ['text in several parts', { content_type: 'text', parts: ['a', { text: 'b' }, 7, 'c'] }, 'a\nb\nc'],
    ['a result of browsing', { content_type: 'tether_browsing_display', result: '', summary: 'found' }, 'found'],
    ['a quote without a source', { content_type: 'tether_quote', text: 'words' }, 'words'],
    ['code with backticks', { content_type: 'code', language: 'unknown', text: '```\n' }, '````\n```\n````'],
    ['output that can be cited', { content_type: 'citable_code_output', output_str: 'out' }, 'out'],
    ['an unknown type with a text', { content_type: 'new', text: 'still' }, 'still'],
    ['an unknown type with parts', { content_type: 'new', parts: ['still'] }, 'still'],
    ['an unknown type without either', { content_type: 'new', data: 1 }, undefined],
    ['no output', { content_type: 'execution_output', text: '' }, undefined],
    ['a recap', { content_type: 'reasoning_recap', content: 'Thought' }, undefined],
    ['what the model remembers', { content_type: 'model_editable_context', model_set_context: 'x' }, undefined],
    [
      'a screenshot that is not there',
      {
        content_type: 'computer_output',
        screenshot: { content_type: 'image_asset_pointer', asset_pointer: 'sediment://file_1' },
      },
      undefined,
    ],
    ['code without any', { content_type: 'code', text: '' }, undefined],
  ]
  for (const [name, content, text] of cases) {
    it(name, async () => assert.equal((await importMessage(content)).text, text))
  }

  it('what is hidden, unfinished or without a role', async () => {
    const text = { content_type: 'text', parts: ['x'] }
    assert.equal(
      (await importMessage(text, { metadata: { is_visually_hidden_from_conversation: true } })).text,
      undefined,
    )
    assert.equal((await importMessage(text, { weight: 0 })).text, undefined)
    assert.equal((await importMessage(text, { author: { role: 'robot' } })).text, undefined)
    assert.equal((await importMessage(text, { author: null })).text, undefined)
    assert.equal((await importMessage('text')).text, undefined)
    assert.equal((await importMessage(text, { status: 'in_progress' })).state, 'incomplete')
  })

  it('fields of wrong types do not matter', async () => {
    const odd = {
      id: 7,
      title: {},
      create_time: 'x',
      update_time: -1,
      current_node: 5,
      mapping: {
        a: 1,
        b: {
          parent: 3,
          message: {
            author: { role: 'user' },
            create_time: null,
            content: { content_type: 'text', parts: 'x' },
            metadata: [],
          },
        },
        c: {
          message: {
            author: { role: 'user' },
            content: { content_type: 'text', parts: ['Hi'] },
            metadata: { attachments: [1, { id: 2 }], content_references: [3] },
          },
        },
      },
    }
    const { conversations } = await importBytes(JSON.stringify([odd, { mapping: {} }, { mapping: [] }]))
    assert.equal(conversations.length, 1)
    assert.equal(conversations[0]?.title, 'Hi')
  })

  it('a single conversation by itself is read', async () => {
    await using folder = await openFolder()
    const [, cats] = JSON.parse((await readSample('chatgpt-conversations.json')).toString())
    const { kind, conversations } = await importFile(await folder.write('cats.txt', JSON.stringify(cats)))
    assert.equal(kind, 'chatgpt')
    assert.equal(conversations[0]?.title, 'Cats & dogs')
  })
})
