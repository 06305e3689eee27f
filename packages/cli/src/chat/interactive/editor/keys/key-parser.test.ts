import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRandom } from '../testing/random.ts'
import { actionOf } from './bindings.ts'
import type { Key } from './key.ts'
import { createKeyParser } from './key-parser.ts'

const pasteStart = '\u001b[200~'
const pasteEnd = '\u001b[201~'

/** The keys of these pieces; what waits at the end is taken as it is. */
function parse(...pieces: (string | Buffer)[]): Key[] {
  const parser = createKeyParser()
  const keys = pieces.flatMap((piece) => parser.push(Buffer.from(piece)))
  return [...keys, ...parser.flush()]
}

const names = (...pieces: (string | Buffer)[]) =>
  parse(...pieces).map((key) => (key.type === 'chord' ? key.name : `"${key.text}"`))

describe('keys', () => {
  it('are text, and control characters', () => {
    assert.deepEqual(names('ab\rc\n\t\u007f\b\u0001\u001f\u0000'), [
      '"ab"',
      'enter',
      '"c"',
      'ctrl-j',
      'tab',
      'backspace',
      'backspace',
      'ctrl-a',
      'ctrl-_',
      'ctrl-space',
    ])
    assert.deepEqual(names('\u0085\u009b'), [])
  })

  it('are arrows and their neighbours, in the ways of all terminals', () => {
    const ways: Record<string, string> = {
      '\u001b[A': 'up',
      '\u001bOB': 'down',
      '\u001b[1;5C': 'ctrl-right',
      '\u001b[1;3D': 'alt-left',
      '\u001b\u001b[D': 'alt-left',
      '\u001bOc': 'ctrl-right',
      '\u001b[H': 'home',
      '\u001b[1~': 'home',
      '\u001b[7~': 'home',
      '\u001bOF': 'end',
      '\u001b[4~': 'end',
      '\u001b[3~': 'delete',
      '\u001b[3;5~': 'ctrl-delete',
      '\u001b[Z': 'shift-tab',
      '\u001b[1;129A': 'up',
      '\u001b[1;1:1A': 'up',
      '\u001bOM': 'enter',
    }
    for (const [bytes, name] of Object.entries(ways)) assert.deepEqual(names(bytes), [name], JSON.stringify(bytes))
  })

  it('mean another line with Shift-Enter, Alt-Enter and Ctrl-J, in the ways of all terminals', () => {
    for (const bytes of ['\u001b[13;2u', '\u001b[27;2;13~', '\u001b\r', '\u001b[13;3u', '\n', '\u001b[106;5u']) {
      const [name = ''] = names(bytes)
      assert.equal(actionOf(name), 'newline', `${JSON.stringify(bytes)} ${name}`)
    }
  })

  it('are the same where a terminal spells them out', () => {
    const ways: Record<string, string> = {
      '\u001b[99;5u': 'ctrl-c',
      '\u001b[27;5;99~': 'ctrl-c',
      '\u001b[1089::99;5u': 'ctrl-c',
      '\u001b[27u': 'escape',
      '\u001b[27;1u': 'escape',
      '\u001b[9;2u': 'shift-tab',
      '\u001b[127;3u': 'alt-backspace',
      '\u001b[98;3u': 'alt-b',
      '\u001b[99:67;6u': 'ctrl-shift-c',
      '\u001b[45:95;6u': 'ctrl-_',
      '\u001b[27;6;95~': 'ctrl-_',
      '\u001b[57414u': 'enter',
      '\u001b[57419;5u': 'ctrl-up',
      '\u001b[32;5u': 'ctrl-space',
      '\u001b[97;65u': '"a"',
      '\u001b[97:65;2u': '"A"',
      '\u001b[27;2;65~': '"A"',
      '\u001b[32u': '" "',
      '\u001b[57400u': '"1"',
    }
    for (const [bytes, name] of Object.entries(ways)) assert.deepEqual(names(bytes), [name], JSON.stringify(bytes))
  })

  it('are Alt with a letter, a space, or another key', () => {
    assert.deepEqual(names('\u001bb\u001bD\u001b \u001b\u007f\u001b\n\u001bé\u001b<'), [
      'alt-b',
      'alt-d',
      'alt-space',
      'alt-backspace',
      'ctrl-alt-j',
      'alt-é',
      'alt-<',
    ])
  })
})

describe('an Escape', () => {
  it('is a key when nothing follows in time', () => {
    const parser = createKeyParser()
    assert.deepEqual(parser.push(Buffer.from('\u001b')), [])
    assert.equal(parser.waitsFor, 'escape')
    assert.deepEqual(parser.flush(), [{ type: 'chord', name: 'escape' }])
    assert.equal(parser.waitsFor, 'nothing')
  })

  it('is one for each, and one before another key', () => {
    assert.deepEqual(names('\u001b\u001b'), ['escape', 'escape'])
    assert.deepEqual(names('\u001b\u001bx'), ['escape', 'alt-x'])
    assert.deepEqual(names('\u001b'.repeat(20_000)).length, 20_000)
  })

  it('that begins a sequence waits longer', () => {
    const parser = createKeyParser()
    for (const piece of ['\u001b[', '1;', '5']) assert.deepEqual(parser.push(Buffer.from(piece)), [])
    assert.equal(parser.waitsFor, 'sequence')
    assert.deepEqual(parser.push(Buffer.from('D')), [{ type: 'chord', name: 'ctrl-left' }])
  })

  it('with a bracket or a letter is Alt, when nothing follows', () => {
    assert.deepEqual(names('\u001b['), ['alt-['])
    assert.deepEqual(names('\u001bO'), ['alt-o'])
    assert.deepEqual(names('\u001b]'), [])
    assert.deepEqual(names('\u001b[1;'), [])
    assert.deepEqual(names('\u001b\u001b[1;'), ['escape'])
  })
})

describe('what means nothing here', () => {
  it('is swallowed whole, and never printed', () => {
    const sequences = [
      '\u001b[I',
      '\u001b[O',
      '\u001b[?62;22c',
      '\u001b[?1u',
      '\u001b[24;80R',
      '\u001b[15~',
      '\u001b[1;2P',
      '\u001b[[A',
      '\u001b[97;1:3u',
      '\u001b[97;9u',
      '\u001b[57441u',
      '\u001b[999999999u',
      '\u001b[55296u',
      '\u001b[;u',
      '\u001b[0 q',
      '\u001bOP',
      '\u001b]11;rgb:0000/0000/0000\u0007',
      '\u001bP>|xterm(390)\u001b\\',
      '\u001b_Gi=1;OK\u001b\\',
    ]
    for (const sequence of sequences) assert.deepEqual(names(`a${sequence}b`), ['"a"', '"b"'], JSON.stringify(sequence))
  })

  it('ends where something else begins', () => {
    assert.deepEqual(names('\u001b[12\u0003'), ['ctrl-c'])
    assert.deepEqual(names('\u001b[12\u001b[A'), ['up'])
    assert.deepEqual(names('\u001bO\u0003'), ['alt-o', 'ctrl-c'])
  })

  it('is bounded', () => {
    assert.equal(createKeyParser().push(Buffer.from(`\u001b[${'1'.repeat(5000)}`)).length, 0)
    const parser = createKeyParser()
    for (let count = 0; count < 100; count++) parser.push(Buffer.from(count === 0 ? '\u001b]' : 'x'.repeat(100)))
    assert.notEqual(parser.waitsFor, 'paste')
  })
})

describe('a paste', () => {
  it('is one text, line breaks included', () => {
    assert.deepEqual(parse(`x${pasteStart}a\r\nb\rc\n${pasteEnd}\r`), [
      { type: 'text', text: 'x' },
      { type: 'paste', text: 'a\nb\nc\n', lost: 0 },
      { type: 'chord', name: 'enter' },
    ])
  })

  it('is harmless, whatever is in it', () => {
    const hostile = `red \u001b[31mtext\u001b[0m \u001b]0;title\u0007${pasteStart}\u0003\u0000\u009bend\ttab`
    assert.deepEqual(parse(pasteStart + hostile + pasteEnd), [{ type: 'paste', text: 'red text end\ttab', lost: 0 }])
  })

  it('is bounded, and says how much is lost', () => {
    const [key] = parse(pasteStart, 'x'.repeat(600_000), 'y'.repeat(600_000), pasteEnd)
    assert.ok(key?.type === 'paste')
    assert.deepEqual([key.text.length, key.lost], [1_000_000, 200_000])
  })

  it('of five thousand lines is whole', () => {
    const text = 'a line of a log with some words in it\n'.repeat(5000)
    assert.deepEqual(parse(pasteStart + text + pasteEnd), [{ type: 'paste', text, lost: 0 }])
  })

  it('whose end never comes is taken as it is', () => {
    const parser = createKeyParser()
    parser.push(Buffer.from(`${pasteStart}half`))
    assert.equal(parser.waitsFor, 'paste')
    assert.deepEqual(parser.flush(), [{ type: 'paste', text: 'half', lost: 0 }])
    assert.deepEqual(parser.push(Buffer.from('x')), [{ type: 'text', text: 'x' }])
  })
})

describe('bytes in any pieces', () => {
  const whole = Buffer.from(
    `é日👨‍👩‍👧\u001b[1;5D${pasteStart}one\nzwei ü\u001b[1m${pasteEnd}\u001b[13;2u\u001bOA\u001b[27;5;99~é`,
  )
  const joined = (keys: readonly Key[]) => {
    const texts = keys.map((key) => (key.type === 'text' ? key.text : `<${JSON.stringify(key)}>`))
    return texts.join('')
  }

  it('are the same keys', () => {
    const expected = joined(parse(whole))
    for (let cut = 1; cut < whole.length; cut++) {
      assert.equal(joined(parse(whole.subarray(0, cut), whole.subarray(cut))), expected, `cut at ${cut}`)
    }
    assert.equal(joined(parse(...Array.from(whole, (byte) => Buffer.from([byte])))), expected)
  })

  it('may be anything', () => {
    const random = createRandom(7)
    const alphabet = ['\u001b', '[', 'O', '1', ';', '5', ':', 'u', '~', 'A', 'P', '\\', pasteStart, pasteEnd, 'é', '\r']
    for (let round = 0; round < 3000; round++) {
      const parser = createKeyParser()
      const bytes = Array.from({ length: random(60) }, () => random(256))
      const tokens = Array.from({ length: random(40) }, () => alphabet[random(alphabet.length)]).join('')
      const keys = [...parser.push(Buffer.from(tokens)), ...parser.push(Buffer.from(bytes)), ...parser.flush()]
      parser.flush()
      for (const key of keys) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come through
        if (key.type !== 'chord') assert.doesNotMatch(key.text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }
      assert.equal(parser.waitsFor, 'nothing')
    }
  })

  it('are read in time that grows with their number', () => {
    for (const unit of ['\u001b[', '\u001b', '\r', `${pasteStart}\u001b`, '\u001b]', '\u001b[1;5']) {
      parse(unit.repeat(100_000))
    }
  })
})
