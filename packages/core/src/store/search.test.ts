import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadSqlite } from './load-sqlite.ts'
import { indexedCharacters } from './search-index.ts'
import { converse, openTemporary, owner, toAsk, toContinue, toEnd } from './testing/temporary-store.ts'

/** A store with one conversation for each pair of question and answer. */
async function openWith(...pairs: [question: string, answer: string][]) {
  const temporary = await openTemporary()
  const asked = []
  for (const [question, answer] of pairs) {
    asked.push(await converse(temporary.store, toAsk(question, { title: 'untitled' }), answer))
  }
  const snippets = async (query: string) => (await temporary.store.search(query, { owner })).map((hit) => hit.snippet)
  return { ...temporary, asked, snippets }
}

const marked = (text: string) => text.replaceAll('[', '\u0002').replaceAll(']', '\u0003')

describe('words', () => {
  test('are found by their beginning, without case and accents, the newest first', async () => {
    await using history = await openWith(
      ['Käse kaufen?', 'Ja.'],
      ['A KASEREI is what?', 'A dairy.'],
      ['Nothing', 'akase'],
    )
    assert.deepEqual(await history.snippets('kase'), [marked('A [KASE]REI is what?'), marked('[Käse] kaufen?')])
  })

  test('must all be in the message', async () => {
    await using history = await openWith(['one two', 'two three'])
    assert.deepEqual(await history.snippets('three two'), [marked('[two] [three]')])
    assert.deepEqual(await history.snippets('one three'), [])
  })

  test('lose the punctuation around them', async () => {
    await using history = await openWith(['Why is the sky blue?', 'Rayleigh'])
    assert.deepEqual(await history.snippets('"sky" (blue!)'), [marked('Why is the [sky] [blue]?')])
  })

  test('with signs in them are found as they stand', async () => {
    await using history = await openWith(['Is C++ faster?', 'Than C, no.'], ['lmapp-kit 1.0', 'x'])
    assert.deepEqual(await history.snippets('c++'), [marked('Is [C++] faster?')])
    assert.deepEqual(await history.snippets('app-kit'), [marked('lm[app-kit] 1.0')])
    assert.deepEqual(await history.snippets('++'), [marked('Is C[++] faster?')])
    assert.deepEqual(await history.snippets('😀'), [])
  })

  test('that are syntax elsewhere are only words here', async () => {
    await using history = await openWith(['a AND b', 'x'])
    const queries = [
      'AND',
      '"',
      '""',
      "'",
      '*',
      'a*',
      'NEAR(a b)',
      'text:a',
      '^a',
      '-a',
      '(',
      'a OR',
      '%',
      '_',
      '\\',
      '\0',
      ';--',
      '{a}',
    ]
    for (const query of queries) assert.ok(Array.isArray(await history.snippets(query)), query)
    assert.deepEqual(await history.snippets('and'), [marked('a [AND] b')])
    assert.deepEqual(await history.snippets('%'), [])
    assert.deepEqual(await history.snippets('  \0 '), [])
  })
})

describe('Chinese and Japanese', () => {
  test('are found within a text that has no spaces, from three characters on and below', async () => {
    await using history = await openWith(['东京的天气怎么样？', '今天晴。'], ['これは日本語の文章です', 'はい'])
    assert.deepEqual(await history.snippets('天气怎么'), [marked('东京的[天气怎么]样？')])
    assert.deepEqual(await history.snippets('天气'), [marked('东京的[天气]怎么样？')])
    assert.deepEqual(await history.snippets('「日本語」'), [marked('これは[日本語]の文章です')])
    assert.deepEqual(await history.snippets('語'), [marked('これは日本[語]の文章です')])
    assert.deepEqual(await history.snippets('天氣'), [])
  })

  test('mix with words', async () => {
    await using history = await openWith(['iPhoneを買う price', 'x'])
    assert.deepEqual(await history.snippets('Price 買う'), [marked('iPhoneを[買う] [price]')])
  })
})

describe('hits', () => {
  test('in a title come first and point at the first message, unless a message of it was found', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const titled = await converse(store, toAsk('question', { title: 'A Zebra title' }), 'answer')
    const both = await converse(store, toAsk('zebra?', { title: 'zebra' }), 'answer')
    const hits = await store.search('zebra', { owner })
    assert.deepEqual(
      hits.map((hit) => [hit.conversationId, hit.messageId, hit.title, hit.snippet]),
      [
        [titled.conversationId, titled.question?.id, 'A Zebra title', marked('A [Zebra] title')],
        [both.conversationId, both.question?.id, 'zebra', marked('[zebra]?')],
      ],
    )
    assert.equal((await store.search('zebra', { owner, limit: 1 })).length, 1)
    await store.renameConversation(titled.conversationId, 'A horse', owner)
    assert.equal((await store.search('zebra', { owner })).length, 1)
    assert.equal((await store.search('horse', { owner })).length, 1)
  })

  test('show one line around what was found, cut between words', async () => {
    const text = `${'before '.repeat(40)}\n\tthe\u0002 needle\n\n${'after '.repeat(40)}`
    await using history = await openWith([text, 'x'])
    const [snippet] = await history.snippets('needle')
    assert.match(
      snippet?.replaceAll('\u0002', '[').replaceAll('\u0003', ']') ?? '',
      /^…(before )+the \[needle\] (after )+after…$/,
    )
    await using unspaced = await openWith([`${'前'.repeat(300)}𠮷𠮷𠮷${'𠮷'.repeat(300)}`, 'x'])
    const [characters] = await unspaced.snippets('前𠮷𠮷')
    assert.ok(characters?.includes('\u0002前𠮷𠮷\u0003') && characters.isWellFormed())
  })

  test('begin at the hit when the word before it has no end', async () => {
    await using history = await openWith([`${'𠮷'.repeat(100)}x 針`, 'x'], [`${'a'.repeat(100)} bee`, 'x'])
    assert.deepEqual(await history.snippets('bee'), [marked(`…[bee]`)])
    assert.ok((await history.snippets('針'))[0]?.isWellFormed())
  })

  test('of a word are not found in the middle of another, also behind a rare letter', async () => {
    await using history = await openWith(['bee 𐐷bee', 'x'])
    assert.deepEqual(await history.snippets('bee'), [marked('[bee] 𐐷bee')])
  })
})

describe('the index', () => {
  test('follows an answer that is continued, and knows no half-written one', async () => {
    await using temporary = await openTemporary()
    const { store } = temporary
    const ask = await converse(store, toAsk('question'), 'The elephant')
    assert.equal((await store.search('elephant', { owner })).length, 1)
    const more = toContinue(ask)
    await store.beginRun(more)
    await store.appendEvents(more.runId, 1, [{ type: 'text-delta', text: 'ine giraffe' }])
    assert.equal((await store.search('giraffe', { owner })).length, 0)
    await store.endRun(toEnd(more))
    assert.equal((await store.search('giraffe', { owner })).length, 1)
    assert.equal((await store.search('elephantine', { owner })).length, 1)
  })

  test('holds the beginning of a very long message only', async () => {
    await using history = await openWith([`first ${'filler '.repeat(indexedCharacters / 7)} last`, 'x'])
    assert.equal((await history.snippets('first')).length, 1)
    assert.equal((await history.snippets('last')).length, 0)
  })

  test('is filled while nobody waits', async () => {
    await using history = await openWith(['pelican', 'x'])
    const { DatabaseSync } = loadSqlite()
    using database = new DatabaseSync(history.file, { readOnly: true })
    const due = database.prepare('SELECT count(*) AS n FROM messages WHERE index_due = 1')
    while (due.get()?.n !== 0) await history.store.getFact('any')
    const found = database.prepare("SELECT count(*) AS n FROM search_words WHERE search_words MATCH 'pelican'").get()
    assert.equal(found?.n, 1)
  })

  test('is made anew when it is damaged, and nothing else is lost', async () => {
    await using history = await openWith(['pelican', 'flamingo'])
    assert.equal((await history.snippets('pelican')).length, 1)
    const { DatabaseSync } = loadSqlite()
    const damage = () => {
      using database = new DatabaseSync(history.file, { timeout: 5_000 })
      database.enableDefensive(false)
      database.exec("UPDATE search_words_data SET block = x'ffffffffffffffffffff' WHERE id > 10")
      database.exec("UPDATE search_trigrams_data SET block = x'ffffffffffffffffffff' WHERE id > 10")
    }
    damage()
    assert.equal((await history.snippets('pelican')).length, 1)
    assert.equal((await history.snippets('mingo-')).length, 0)
    assert.equal((await history.snippets('flamingo')).length, 1)
    damage()
    await history.store.deleteConversation(history.asked[0]?.conversationId ?? '', owner)
    assert.deepEqual(await history.snippets('pelican'), [])
  })
})
