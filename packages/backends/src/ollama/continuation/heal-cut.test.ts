import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { healCut } from './heal-cut.ts'
import { cutLastWord } from './last-word.ts'

describe('the last word of an answer', () => {
  for (const [text, withdrawn] of [
    ['1. Re', '. Re'],
    ['The col', ' col'],
    ['The colour is red.', ' red.'],
    ['Colours:\n\n', ':\n\n'],
    ['Colours:\n\n- Re', '- Re'],
    ['One', 'One'],
    ['', ''],
    ['   ', '   '],
    ['f(x) => {\n    ret', '{\n    ret'],
    ['मेरी कि', ' कि'],
    ['你好，世界', '你好，世界'],
    [`${'天地玄黃'.repeat(10)}，宇宙`, '，宇宙'],
    [`|${'---|'.repeat(20)} Re`, ' Re'],
  ] as const) {
    it(`of ${JSON.stringify(text.slice(-16))} is ${JSON.stringify(withdrawn)}`, () => {
      assert.deepEqual(cutLastWord(text), { kept: text.slice(0, text.length - withdrawn.length), withdrawn })
    })
  }

  it('cannot be told where none begins near the end', () => {
    assert.equal(cutLastWord('x'.repeat(33)), undefined)
    assert.equal(cutLastWord('天'.repeat(100)), undefined)
    assert.equal(cutLastWord(' '.repeat(100)), undefined)
  })

  it('of any text is its end', () => {
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: round }, () => String.fromCharCode(Math.random() * 0x10000)).join('')
      const cut = cutLastWord(text)
      if (cut) assert.equal(cut.kept + cut.withdrawn, text)
    }
  })
})

describe('a healed cut', () => {
  const ask =
    (...steps: string[][]) =>
    async () =>
      steps.shift() ?? []

  it('is written by the most probable tokens that are consistent with it', async () => {
    const healed = await healCut(' Re', ask([' The', ' R', ' Red'], ['x', 'ed', 'e']))
    assert.deepEqual(healed, { written: ' Red', beyond: 'd' })
  })

  it('may end where the text ends', async () => {
    assert.deepEqual(await healCut(' Red', ask([' Red'])), { written: ' Red', beyond: '' })
    assert.deepEqual(await healCut('', ask()), { written: '', beyond: '' })
  })

  it('asks behind what is written so far', async () => {
    const seen: string[] = []
    await healCut('abc', async (written) => {
      seen.push(written)
      return [['a'], ['b'], ['cd']][seen.length - 1] ?? []
    })
    assert.deepEqual(seen, ['', 'a', 'ab'])
  })

  it('is none where nothing is consistent, or only a part of a character', async () => {
    assert.equal(await healCut(' Re', ask([' The', '', ' R\u{fffd}'])), undefined)
    assert.equal(await healCut(' Re', ask([' R'], [])), undefined)
  })

  it('is given up after so many tokens as no word has', async () => {
    let steps = 0
    const slow = async () => {
      steps += 1
      return ['a']
    }
    assert.equal(await healCut('a'.repeat(32), slow), undefined)
    assert.equal(steps, 16)
  })
})
