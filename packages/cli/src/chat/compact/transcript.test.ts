import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measureText } from '@lmapp/backends/text-measure'
import { cutAtWords } from './cut-at-words.ts'
import { turn, words } from './testing/messages.ts'
import { type Said, takePiece, toSaid } from './transcript.ts'

describe('cutAtWords', () => {
  it('takes what surely fits, and cuts between words', () => {
    assert.deepEqual(cutAtWords('one two three', 5), ['one two ', 'three'])
    assert.deepEqual(cutAtWords('one two', 100), ['one two', ''])
    assert.deepEqual(cutAtWords('', 5), ['', ''])
  })

  it('cuts within a word only where that loses less', () => {
    assert.deepEqual(cutAtWords('a bcdefghijklmn', 5), ['a bcdefghi', 'jklmn'])
    assert.deepEqual(cutAtWords('漢字漢字', 6), ['漢字', '漢字'])
  })

  it('never cuts a character, and always takes one', () => {
    assert.deepEqual(cutAtWords('🐟🐟🐟', 6), ['🐟', '🐟🐟'])
    assert.deepEqual(cutAtWords('🐟🐟', 1), ['🐟', '🐟'])
    assert.deepEqual(cutAtWords('漢字', 0), ['漢', '字'])
    assert.equal(cutAtWords('\ud83d\ud83d', 1).join(''), '\ud83d\ud83d')
  })

  it('loses nothing of any text, and keeps to the limit', () => {
    for (let seed = 1; seed < 300; seed += 1) {
      const text = toNoise(seed)
      const [beginning, rest] = cutAtWords(text, 20)
      assert.equal(beginning + rest, text)
      assert.ok(measureText(beginning).most <= 20, JSON.stringify(beginning))
    }
  })
})

describe('the pieces of a conversation', () => {
  it('hold what was said by whom, without thoughts and without what is empty', () => {
    const [question, answer] = turn('What is this?', 'A heron.')
    assert.ok(question && answer)
    const said = toSaid([
      { ...question, parts: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }, ...question.parts] },
      { ...answer, parts: [{ type: 'reasoning', text: 'A bird?' }, ...answer.parts] },
      { ...answer, parts: [] },
      { ...answer, parts: [{ type: 'tool-call', id: '1', name: 'look', arguments: '{"at":1}' }] },
      { ...question, parts: [{ type: 'file', name: 'a.txt', mediaType: 'text/plain', text: 'gulls' }] },
    ])
    assert.deepEqual(said, [
      { who: 'User', text: '[an image]\nWhat is this?' },
      { who: 'Assistant', text: 'A heron.' },
      { who: 'Assistant', text: '[a call of look({"at":1})]' },
      { who: 'User', text: 'a.txt\n```\ngulls\n```' },
    ])
  })

  it('hold whole messages where they can', () => {
    const said = [
      { who: 'User', text: words(10) },
      { who: 'Assistant', text: words(8) },
    ]
    const { piece, rest } = takePiece(said, 45)
    assert.equal(piece, `User: ${words(10)}`)
    assert.deepEqual(rest, [said[1]])
    assert.deepEqual(takePiece(said, 100), { piece: `User: ${words(10)}\n\nAssistant: ${words(8)}`, rest: [] })
  })

  it('cut a message that is longer than a piece, and say that it goes on', () => {
    const first = takePiece([{ who: 'User', text: words(100) }], 64)
    assert.match(first.piece, /^User: aaaa bbbb/)
    const second = takePiece(first.rest, 64)
    assert.match(second.piece, /^User \(continued\): \w/)
    assert.equal(second.rest[0]?.who, 'User (continued)')
  })

  it('are taken of megabytes without reading them again and again', () => {
    let left: Said[] = [{ who: 'User', text: words(2_000_000) }]
    let count = 0
    for (; left.length > 0; left = takePiece(left, 1000).rest) count += 1
    assert.ok(count > 5000 && count < 6000, `${count}`)
  })

  it('together are all of it, none too long, whatever was said', () => {
    for (let seed = 1; seed < 60; seed += 1) {
      let left: Said[] = Array.from({ length: 1 + (seed % 5) }, (_, index) => ({
        who: index % 2 === 0 ? 'User' : 'Assistant',
        text: toNoise(seed * 31 + index).trim(),
      })).filter(({ text }) => text !== '')
      const all = left.map(({ text }) => text.replace(/\s/g, '')).join('')
      let read = ''
      while (left.length > 0) {
        const { piece, rest } = takePiece(left, 64)
        assert.ok(measureText(piece).most <= 64)
        read += piece.replace(/(?:^|\n\n)(?:User|Assistant)(?: \(continued\))?: /g, '').replace(/\s/g, '')
        left = rest
      }
      assert.equal(read, all)
    }
  })
})

/** The same for the same seed: words, long words, signs, characters of several units and lines. */
function toNoise(seed: number): string {
  const pool = ['word ', 'antidisestablishment', '漢字', '🐟', ' ', '\n\n', '::', 'é', 'x1y2 ']
  let state = seed
  return Array.from({ length: 20 + (seed % 200) }, () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return pool[Math.floor(state / 65536) % pool.length]
  }).join('')
}
