import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TokenPiece } from './prompt-tokens.ts'
import { findResumePoint, toBeginningWith } from './resume-point.ts'

function pieces(...texts: (string | Buffer)[]): TokenPiece[] {
  return texts.map((text, id) => ({ id, bytes: Buffer.from(text) }))
}

describe('where a partial answer is taken up', () => {
  it('is before its last word, which may end within a token', () => {
    const point = findResumePoint(pieces('<s>', 'Hello', ' wor'), 'Hello wor')
    assert.deepEqual(point, { tokens: [0, 1], withdrawn: ' wor', withdrawnTokens: 1 })
  })

  it('takes back white space at the end: it is the beginning of a token', () => {
    assert.equal(findResumePoint(pieces('<s>', 'A', ' b', ' ', ' '), 'A b  ')?.withdrawn, '  ')
    assert.equal(findResumePoint(pieces('<s>', 'A.', '\n\n'), 'A.\n\n')?.withdrawn, '\n\n')
  })

  it('takes back whole tokens, and so perhaps more than the word', () => {
    assert.deepEqual(findResumePoint(pieces('<s>', 'A', ' b.\n'), 'A b.\n'), {
      tokens: [0, 1],
      withdrawn: ' b.\n',
      withdrawnTokens: 1,
    })
  })

  it('is never within a character', () => {
    const fish = Buffer.from(' 🐟')
    const point = findResumePoint(pieces('A', fish.subarray(0, 3), fish.subarray(3, 4), fish.subarray(4)), 'A 🐟')
    assert.deepEqual(point, { tokens: [0], withdrawn: ' 🐟', withdrawnTokens: 3 })
    const kanji = '漢'.repeat(40)
    const bytes = Array.from(Buffer.from(kanji), (byte) => Buffer.from([byte]))
    const within = findResumePoint(pieces('<s>', ...bytes), kanji)
    assert.equal(within?.withdrawn, '漢'.repeat(32))
  })

  it('does not cut a pair in halves where a word is long', () => {
    const text = `x${'🐟'.repeat(16)}y`
    const point = findResumePoint(pieces('<s>', ...text), text)
    assert.equal(point?.withdrawn, `${'🐟'.repeat(15)}y`)
  })

  it('is at the prompt when nothing is left, and also when a token reaches into that', () => {
    assert.deepEqual(findResumePoint(pieces('<s>', '\n', 'Hel'), 'Hel'), {
      tokens: [0, 1],
      withdrawn: 'Hel',
      withdrawnTokens: 1,
    })
    assert.deepEqual(findResumePoint(pieces('<s>', '\n\n', 'Hel'), '\nHel'), {
      tokens: undefined,
      withdrawn: '\nHel',
      withdrawnTokens: 2,
    })
  })

  it('is the end of the prompt for an answer without a word', () => {
    assert.deepEqual(findResumePoint(pieces('<s>', '\n'), ''), { tokens: [0, 1], withdrawn: '', withdrawnTokens: 0 })
  })

  it('is nowhere when the tokens do not say the text', () => {
    assert.equal(findResumePoint(pieces('<s>', 'hello'), 'Hello'), undefined)
    assert.equal(findResumePoint([], 'Hello'), undefined)
  })
})

describe('the grammar for what is withdrawn', () => {
  it('says it literally', () => {
    assert.equal(toBeginningWith(' a "b" \\c\n\u007f🐟'), 'root ::= " a \\"b\\" \\\\c\\x0a\\x7f🐟" .*')
  })
})
