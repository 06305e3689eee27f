import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AnswerBegin, createReasoningFilter } from './reasoning-filter.ts'
import { createStopFilter } from './stop-filter.ts'

describe('stop sequences', () => {
  function run(sequences: string[], pieces: string[]): { text: string; stopped: boolean } {
    const filter = createStopFilter(sequences)
    let text = ''
    for (const piece of pieces) {
      const passed = filter.push(piece)
      text += passed.text
      if (passed.stopped) return { text, stopped: true }
    }
    return { text: text + filter.flush(), stopped: false }
  }

  test('a sequence ends the text before it', () => {
    assert.deepEqual(run(['\nUser:'], ['Hello', '\nUser: more']), { text: 'Hello', stopped: true })
  })

  test('a sequence is found across pieces, and no part of it gets out', () => {
    assert.deepEqual(run(['END'], ['one E', 'N', 'D two']), { text: 'one ', stopped: true })
  })

  test('what only looked like one is given out in order', () => {
    assert.deepEqual(run(['END'], ['one E', 'Nough', ' EN']), { text: 'one ENough EN', stopped: false })
  })

  test('of several the first in the text counts', () => {
    assert.deepEqual(run(['b', 'abc'], ['xabcx']), { text: 'x', stopped: true })
  })

  test('an empty sequence stops nothing', () => {
    assert.deepEqual(run([''], ['text']), { text: 'text', stopped: false })
  })
})

describe('thoughts', () => {
  function run(begin: AnswerBegin, pieces: string[]): { reasoning: string; text: string; thinking: boolean } {
    const filter = createReasoningFilter(begin)
    const parts = pieces.flatMap((piece) => filter.push(piece))
    const { thinking } = filter
    const all = [...parts, ...filter.flush()]
    const join = (kind: string) => all.flatMap((part) => (part.kind === kind ? [part.text] : [])).join('')
    assert.ok(all.every((part) => part.text !== ''))
    return { reasoning: join('reasoning'), text: join('text'), thinking }
  }

  const whole = '<think>\nTwo and\n\ntwo.\n</think>\n\nFour < five.'

  for (const size of [1, 2, 5, 100]) {
    test(`a thought at the beginning is told from the answer, in pieces of ${size}`, () => {
      const pieces = whole.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      assert.deepEqual(run('undecided', pieces), {
        reasoning: 'Two and\n\ntwo.',
        text: 'Four < five.',
        thinking: false,
      })
    })
  }

  test('a tag later in the answer is text', () => {
    assert.deepEqual(run('undecided', ['The tag ', '<think> opens it.']), {
      reasoning: '',
      text: 'The tag <think> opens it.',
      thinking: false,
    })
    assert.equal(run('undecided', ['<thing']).text, '<thing')
    assert.equal(run('decided', ['<think>']).text, '<think>')
  })

  test('where the template opened the thought, no tag is due', () => {
    assert.deepEqual(run('thinking', ['\nSo', ' so.\n', '</th', 'ink>', '\n\n', 'Yes.']), {
      reasoning: 'So so.',
      text: 'Yes.',
      thinking: false,
    })
  })

  test('a thought that goes on keeps its first space', () => {
    assert.equal(run('resumed', [' more']).reasoning, ' more')
  })

  test('a thought without an end stays a thought, and what was held back is given out', () => {
    assert.deepEqual(run('undecided', ['<think>', 'never </thi']), {
      reasoning: 'never </thi',
      text: '',
      thinking: true,
    })
    assert.equal(run('thinking', ['a</think>\n']).text, '')
    assert.equal(run('undecided', ['\n', '<thi']).text, '\n<thi')
  })
})
