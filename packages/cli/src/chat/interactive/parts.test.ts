import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadInputHistory } from './input-history.ts'
import { createKeyFilter, type Key } from './key-filter.ts'
import { createLineText } from './line-text.ts'
import { completeCommand, parseTyped } from './slash-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-chat-'))
after(() => rmSync(folder, { recursive: true, force: true }))

describe('keys', () => {
  const keys = (...chunks: string[]): Key[] => {
    const filter = createKeyFilter()
    return chunks.flatMap((chunk) => filter.push(chunk))
  }

  it('are text, Enter, and what means another line, the editor and an interrupt', () => {
    assert.deepEqual(keys('ab\rc\n\u0007\u0003'), [
      { type: 'text', text: 'ab' },
      { type: 'enter' },
      { type: 'text', text: 'c' },
      { type: 'newline' },
      { type: 'editor' },
      { type: 'interrupt' },
    ])
  })

  it('mean another line with Shift-Enter and Alt-Enter, as terminals send them', () => {
    for (const sequence of ['\u001b[13;2u', '\u001b[27;2;13~', '\u001b\r']) {
      assert.deepEqual(keys(sequence), [{ type: 'newline' }])
    }
  })

  it('pass the sequences of other keys on', () => {
    assert.deepEqual(keys('\u001b[A'), [{ type: 'text', text: '\u001b[A' }])
    assert.deepEqual(keys('\u001b'), [{ type: 'text', text: '\u001b' }])
  })

  it('that were pasted are one text, line breaks included', () => {
    assert.deepEqual(keys('x\u001b[200~a\r\nb\rc\n\u0003\u001b[201~\r'), [
      { type: 'text', text: 'x' },
      { type: 'paste', text: 'a\nb\nc\n\u0003' },
      { type: 'enter' },
    ])
  })

  it('may come in any pieces', () => {
    const whole = '\u001b[200~one\ntwo\u001b[201~\u001b[13;2u'
    for (let cut = 2; cut < whole.length; cut++) {
      if (cut === whole.lastIndexOf('\u001b') + 1) continue // A lone Escape is a key.
      const found = keys(whole.slice(0, cut), whole.slice(cut))
      assert.deepEqual(found, [{ type: 'paste', text: 'one\ntwo' }, { type: 'newline' }], `cut at ${cut}`)
    }
  })
})

describe('a text of several lines', () => {
  it('is shown on one line with marks while it is short', () => {
    const { toLine, toText } = createLineText()
    assert.equal(toLine('a\nb'), 'a↵b')
    assert.equal(toText('a↵b'), 'a\nb')
  })

  it('is one token when it is long, or holds what an editor cannot show', () => {
    const { toLine, toText } = createLineText()
    const long = 'word\n'.repeat(100)
    for (const text of [long, 'a\tb', 'has ↵ in it', '\u001b[A']) {
      const line = toLine(text)
      assert.match(line, /^\[text \d: \d+ (lines|characters)\]$/)
      assert.equal(toText(`before ${line} after`), `before ${text} after`)
      assert.equal(toLine(text), line)
    }
  })

  it('leaves alone what only looks like a token', () => {
    assert.equal(createLineText().toText('[text 7: 3 lines]'), '[text 7: 3 lines]')
  })
})

describe('what begins with a slash', () => {
  const noPath = () => false

  it('is a command when it is the name of one', () => {
    assert.deepEqual(parseTyped('/model box/tiny ', noPath), { type: 'command', name: 'model', operand: 'box/tiny' })
    assert.deepEqual(parseTyped('/HELP', noPath), { type: 'command', name: 'help', operand: '' })
    assert.deepEqual(parseTyped('/quit', noPath), { type: 'command', name: 'exit', operand: '' })
  })

  it('is never a command when it is a path', () => {
    assert.equal(parseTyped('/home/me/notes.txt what is in it?', noPath).type, 'message')
    assert.equal(parseTyped('/etc is what?', (path) => path === '/etc').type, 'message')
    assert.equal(parseTyped('/help/me', noPath).type, 'message')
    assert.equal(parseTyped('/model\nis a word', noPath).type, 'message')
  })

  it('names the nearest when there is no such command, or that it comes later', () => {
    assert.deepEqual(parseTyped('/modle', noPath), { type: 'unknown', name: 'modle', nearest: 'model', later: false })
    assert.deepEqual(parseTyped('/stats', noPath), { type: 'unknown', name: 'stats', nearest: undefined, later: true })
  })

  it('is completed by Tab', () => {
    assert.deepEqual(completeCommand('/he'), ['/help'])
    assert.deepEqual(completeCommand('/mo'), ['/model '])
    assert.deepEqual(completeCommand('hello'), [])
  })
})

describe('bare words', () => {
  it('leave, when they are exit or quit', () => {
    for (const word of ['exit', ' quit ']) assert.equal(parseTyped(word).type, 'command')
    assert.equal(parseTyped('exit code 7?').type, 'message')
  })
})

describe('what was typed before', () => {
  it('is kept, newest first, in a file of its owner', async () => {
    const path = join(folder, 'state', 'typed.jsonl')
    const history = await loadInputHistory(path)
    await history.add('one')
    await history.add('two\nlines')
    await history.add('one')
    await history.add('x'.repeat(200_000))
    assert.deepEqual((await loadInputHistory(path)).messages, ['one', 'two\nlines'])
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('does not grow for ever, and survives lines that are none', async () => {
    const path = join(folder, 'long.jsonl')
    writeFileSync(path, `${'{\n'.repeat(2000)}${'"old"\n'.repeat(10)}7\n"new"\n`)
    assert.deepEqual((await loadInputHistory(path)).messages, ['new', 'old'])
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 1001)
  })

  it('costs only the recall when the disk refuses it', async () => {
    const history = await loadInputHistory('/dev/null/typed.jsonl')
    await history.add('one')
    assert.deepEqual(history.messages, [])
  })
})
