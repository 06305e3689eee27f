import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ChatOptions } from 'lmapp-kit'
import { parseConfig } from '../src/config/parse-config.ts'
import { createAnswerText } from '../src/output/answer-text.ts'
import { createTerminalFilter } from '../src/output/terminal-filter.ts'

function open(config: object = {}, options: ChatOptions = {}) {
  const [program] = parseConfig({ command: ['x'], ...config }).models.values()
  assert.ok(program)
  return createAnswerText(program, options)
}

/** What comes out for each of these pieces, and at the end. */
function read(pieces: (string | Uint8Array)[], config: object = {}, options: ChatOptions = {}): string[] {
  const text = open(config, options)
  const deltas = pieces.map((piece) => text.push(Buffer.from(piece)))
  return [...deltas, text.end()]
}

const filter = (...pieces: string[]): string[] => {
  const stage = createTerminalFilter()
  return [...pieces.map((piece) => stage.push(piece)), stage.end()]
}

describe('the text of an answer', () => {
  it('comes as it is written', () => {
    assert.deepEqual(read(['One ', 'two', ' three.\n']), ['One', ' two', ' three.', ''])
  })

  it('never holds half a character, however it is cut', () => {
    const said = '🐟 é 漢字 👩‍👧 Ω'
    const bytes = Buffer.from(said)
    for (let size = 1; size < 6; size += 1) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      )
      const deltas = read(pieces)
      assert.equal(deltas.join(''), said)
      assert.ok(deltas.every((delta) => delta.isWellFormed()))
    }
  })

  it('tells that something was no UTF-8, also at the end', () => {
    for (const [pieces, broken] of [
      [[Buffer.from('é')], false],
      [[Buffer.from([0xc3, 0x28])], true],
      [[Buffer.from([0x61, 0xc3])], true],
      [[Buffer.from('\ufffd')], false],
    ] as const) {
      const text = open()
      for (const piece of pieces) text.push(piece)
      text.end()
      assert.equal(text.broken, broken)
    }
    assert.deepEqual(read([Buffer.from([0x61, 0xff, 0x62])]), ['a\ufffdb', ''])
  })

  it('is trimmed, unless it shall not be', () => {
    assert.deepEqual(read(['\n  ', ' One', ' ', '\n two', '\n\n']), ['', 'One', '', ' \n two', '', ''])
    assert.deepEqual(read(['\n One\n'], { trim: false }), ['\n One\n', ''])
  })

  it('ends before a stop sequence, also one that comes in pieces', () => {
    assert.deepEqual(read(['one ST', 'OP two'], {}, { stop: ['', 'STOP'] }).slice(0, 2), ['one ', ''])
    assert.deepEqual(read(['one ST', 'AY'], {}, { stop: ['STOP'] }), ['one ', 'STAY', ''])
    assert.deepEqual(read(['one ST'], {}, { stop: ['STOP'] }), ['one ', 'ST'])
    const text = open({}, { stop: ['two', 'one'] })
    assert.equal(text.push(Buffer.from('zero one two')), 'zero ')
    assert.equal(text.ended, 'stop')
  })

  it('ends after as many words as tokens are allowed, where the program cannot be told', () => {
    const text = open({}, { maxTokens: 3 })
    assert.deepEqual([text.push(Buffer.from('one two thr')), text.ended], ['one two thr', undefined])
    assert.deepEqual([text.push(Buffer.from('ee four')), text.ended], ['ee', 'length'])
    const exact = open({}, { maxTokens: 2 })
    assert.deepEqual([exact.push(Buffer.from('one two')) + exact.end(), exact.ended], ['one two', undefined])
    const endless = open({}, { maxTokens: 2 })
    assert.deepEqual([endless.push(Buffer.from('x'.repeat(1000))), endless.ended], ['x'.repeat(128), 'length'])
    const told = open({ options: { maxTokens: ['-n', '{value}'] } }, { maxTokens: 1 })
    assert.equal(told.push(Buffer.from('one two')), 'one two')
  })
})

describe('what is meant for a terminal', () => {
  it('is dropped: colours, titles, links, modes, bells', () => {
    for (const [written, seen] of [
      ['\x1b[1;31mred\x1b[0m and \x1b[38:2::1:2:3mmore\x1b[m', 'red and more'],
      ['\x1b]0;title\x07text\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\', 'textlink'],
      ['\x1b[?25lhidden\x1b[?25h\x1b(B\x1b=\x1b7x', 'hiddenx'],
      ['\x9b1mbold\x9b0m \x07\x00ab\tc', 'bold ab\tc'],
      ['\x1bPdata\x1b\\after \x1b]t\x1b[1mbold', 'after bold'],
      ['one\r\ntwo\r\r\nthree', 'one\ntwo\nthree'],
    ] as const) {
      assert.equal(filter(written).join(''), seen)
      assert.equal(filter(...written).join(''), seen)
    }
  })

  it('that steps back takes back what was not passed on', () => {
    assert.deepEqual(filter('ab\bc', '\b\b'), ['ac', '', ''])
    assert.deepEqual(filter('a🐟\bb\b\b\b'), ['', ''])
  })

  it('never swallows more than its line, when it has no end', () => {
    assert.equal(filter('\x1b]title without end\nanswer').join(''), '\nanswer')
    assert.equal(filter('\x1b[12;\nanswer').join(''), '\nanswer')
    assert.equal(filter('\x1b\nanswer').join(''), '\nanswer')
  })

  it('is waited for where a line is being drawn anew, and only its last state stays', () => {
    assert.deepEqual(filter('⠋ Thinking', '\r⠙ Thinking', '\r\x1b[K', 'Answer', '\n', 'more'), [
      ...['', '', '', '', 'Answer\n', 'more', ''],
    ])
    assert.equal(filter('10%\r20%\r', '100%\r', '    \rAnswer').join(''), 'Answer')
    assert.equal(filter('\x1b[1GLoading', '\x1b[2K\x1b[1GAnswer').join(''), 'Answer')
    assert.equal(filter('⠋ Thinking\r⠙ Thinking').join(''), '')
  })

  it('keeps what was passed on already on a line of its own', () => {
    assert.deepEqual(filter('Loading 1', '\rLoading 2', '\rDone'), ['Loading 1', '\n', '', 'Done'])
  })

  it('does not wait with a line that is too long to be drawn anew', () => {
    const long = 'x'.repeat(81)
    assert.deepEqual(filter('a\r', long, 'y'), ['', long, 'y', ''])
    assert.deepEqual(filter('⠿'.repeat(81), 'y'), ['⠿'.repeat(81), 'y', ''])
  })

  it('leaves no control character, and fails on no bytes', () => {
    const alphabet = [
      'a',
      ' ',
      '\n',
      '\r',
      '\x1b',
      '[',
      ']',
      '0',
      ';',
      'm',
      'K',
      'G',
      '\x07',
      '\\',
      '⠋',
      '漢',
      '\b',
      'P',
    ]
    for (let round = 0; round < 2000; round += 1) {
      const pieces = Array.from({ length: 1 + randomInt(12) }, () =>
        Array.from({ length: randomInt(6) }, () => alphabet[randomInt(alphabet.length)]).join(''),
      )
      const left = Array.from(filter(...pieces).join('')).filter((character) => character < ' ' && character !== '\n')
      assert.deepEqual(left, [])
    }
    for (let round = 0; round < 200; round += 1) {
      const text = read(
        Array.from({ length: 4 }, () => randomBytes(200)),
        {},
        { stop: ['ab'] },
      ).join('')
      assert.ok(text.isWellFormed())
    }
    assert.equal(read([`${'\x1b['}${'1;'.repeat(500_000)}mend`]).join(''), 'end')
  })
})
