import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chipsIn, expandChips } from './chips.ts'
import {
  createEditorState,
  type EditCommand,
  type EditorState,
  edit,
  insertChip,
  moveTo,
  pasteText,
  replaceAll,
  toNextMessage,
  typeText,
} from './editor-state.ts'

/** `|` is the cursor. */
function at(marked: string): EditorState {
  const cursor = marked.indexOf('|')
  return moveTo(createEditorState(marked.replace('|', '')), cursor)
}

function show({ text, cursor }: EditorState): string {
  return `${text.slice(0, cursor)}|${text.slice(cursor)}`
}

const after = (marked: string, ...commands: EditCommand[]) =>
  show(commands.reduce((state, command) => edit(state, command), at(marked)))

describe('the cursor', () => {
  it('goes by characters, words, lines and the whole', () => {
    assert.equal(after('a👨‍👩‍👧|b', 'left'), 'a|👨‍👩‍👧b')
    assert.equal(after('a|👨‍👩‍👧b', 'right'), 'a👨‍👩‍👧|b')
    assert.equal(after('one two|', 'word-left', 'word-left'), '|one two')
    assert.equal(after('|one two', 'word-right'), 'one| two')
    assert.equal(after('a\nb c|\nd', 'line-start'), 'a\n|b c\nd')
    assert.equal(after('a\n|b c\nd', 'line-end'), 'a\nb c|\nd')
    assert.equal(after('a\nb|', 'text-start'), '|a\nb')
    assert.equal(after('|a\nb', 'text-end'), 'a\nb|')
    assert.equal(after('|', 'left', 'right', 'word-left', 'word-right', 'delete', 'backspace'), '|')
  })
})

describe('what is deleted', () => {
  it('is a whole character, also of several code points', () => {
    assert.equal(after('ae\u0301|b', 'backspace'), 'a|b')
    assert.equal(after('|🇩🇪🇫🇷', 'delete'), '|🇫🇷')
    assert.equal(after('a\n|b', 'backspace'), 'a|b')
  })

  it('is a word, or the line up to the cursor or from it, and comes back with Ctrl-Y', () => {
    assert.equal(after('one two|', 'cut-word-left'), 'one |')
    assert.equal(after('see a/b|', 'cut-blank-word-left'), 'see |')
    assert.equal(after('|one two', 'cut-word-right'), '| two')
    assert.equal(after('x\none| two', 'cut-to-start'), 'x\n| two')
    assert.equal(after('one| two\nx', 'cut-to-end'), 'one|\nx')
    assert.equal(after('one two|', 'cut-word-left', 'text-start', 'put-back'), 'two|one ')
    assert.equal(after('a|', 'put-back'), 'a|')
  })

  it('takes the line break where the line has nothing more', () => {
    assert.equal(after('x\n|y', 'cut-to-start'), 'x|y')
    assert.equal(after('x|\ny', 'cut-to-end'), 'x|y')
    assert.equal(after('|', 'cut-to-end'), '|')
  })

  it('is put together when it is cut in one go', () => {
    assert.equal(after('one two three|', 'cut-word-left', 'cut-word-left', 'put-back'), 'one two three|')
    assert.equal(after('|one two', 'cut-word-right', 'cut-word-right', 'put-back'), 'one two|')
    assert.equal(after('one two|', 'cut-word-left', 'left', 'cut-word-left', 'put-back'), 'one| ')
  })
})

describe('what is typed', () => {
  it('stands at the cursor, without control characters', () => {
    assert.equal(show(typeText(at('a|b'), 'x\u001b\u0007y')), 'axy|b')
    assert.equal(show(typeText(at('a|b'), '')), 'a|b')
    assert.equal(show(typeText(at('a|'), '\u{10f000}\ud800')), 'a\ufffd\ufffd|')
  })

  it('joins the character beside it where it belongs to that', () => {
    assert.equal(show(typeText(at('e|x'), '\u0301')), 'e\u0301|x')
    assert.equal(show(typeText(at('|\u0301x'), 'e')), 'e\u0301|x')
  })

  it('is another line with newline', () => {
    assert.equal(after('a|b', 'newline'), 'a\n|b')
  })

  it('changes places with the character before by Ctrl-T', () => {
    assert.equal(after('ab|c', 'transpose'), 'acb|')
    assert.equal(after('abc|', 'transpose'), 'acb|')
    assert.equal(after('|abc', 'transpose'), '|abc')
    assert.equal(after('x\n|ab', 'transpose'), 'x\n|ab')
    assert.equal(after('a|', 'transpose'), 'a|')
  })
})

describe('undo', () => {
  it('takes back a word at a time, and what was cut', () => {
    let state = createEditorState()
    for (const character of 'one two') state = typeText(state, character)
    state = edit(state, 'cut-word-left')
    const seen: string[] = []
    for (let step = 0; step < 5; step++) {
      seen.push(show(state))
      state = edit(state, 'undo')
    }
    assert.deepEqual(seen, ['one |', 'one two|', 'one|', '|', '|'])
  })

  it('brings back what Ctrl-C cleared', () => {
    assert.equal(after('a\nb|c', 'clear', 'undo'), 'a\nb|c')
    assert.equal(after('|', 'clear'), '|')
  })

  it('remembers a bounded number of steps', () => {
    let state = createEditorState()
    for (let step = 0; step < 2000; step++) state = edit(state, 'newline')
    assert.equal(state.before.length, 500)
  })
})

describe('a paste', () => {
  it('is text while it is short', () => {
    assert.equal(show(pasteText(at('a|b'), 'x\ny\n\n')), 'ax\ny|b')
    assert.equal(show(pasteText(at('|'), 'a\r\nb\rc')), 'a\nb\nc|')
  })

  it('is one chip when it has more than five lines or a thousand characters', () => {
    const state = pasteText(at('see |!'), 'line\n'.repeat(300))
    const [chip] = chipsIn(state.text, state.chips)
    assert.equal(chip?.label, 'pasted 300 lines')
    assert.equal(expandChips(state.text, state.chips), `see ${'line\n'.repeat(300).trimEnd()}!`)
    assert.equal(state.text.length, 7)
    const long = pasteText(at('|'), 'x'.repeat(1001))
    assert.equal(chipsIn(long.text, long.chips)[0]?.label, 'pasted 1,001 characters')
    assert.equal(chipsIn(pasteText(at('|'), '1\n2\n3\n4\n5').text, new Map()).length, 0)
  })

  it('is passed and deleted as one', () => {
    const state = pasteText(at('a|b'), 'x\n'.repeat(6))
    assert.equal(edit(state, 'left').cursor, 1)
    assert.equal(edit(edit(state, 'left'), 'right').cursor, 3)
    assert.equal(show(edit(state, 'backspace')), 'a|b')
    const back = edit(edit(state, 'backspace'), 'undo')
    assert.equal(expandChips(back.text, back.chips), `a${'x\n'.repeat(6).trimEnd()}b`)
  })

  it('can be cut and put back, also into the next message', () => {
    const state = edit(pasteText(at('|'), 'x\n'.repeat(6)), 'cut-to-start')
    const same = edit(state, 'put-back')
    assert.equal(chipsIn(same.text, same.chips).length, 1)
    const next = toNextMessage(state)
    assert.deepEqual([next.text, next.chips.size, next.cut], ['', 0, 'x\nx\nx\nx\nx\nx'])
  })
})

describe('a chip', () => {
  it('may stand for something that is not text', () => {
    const state = insertChip(at('what is |?'), { label: 'a.png', value: 7 })
    assert.deepEqual(chipsIn(state.text, state.chips), [{ label: 'a.png', value: 7 }])
    assert.equal(expandChips(state.text, state.chips), 'what is ?')
  })

  it('is its text where there are too many', () => {
    let state = createEditorState()
    for (let count = 0; count < 4200; count++) state = insertChip(edit(state, 'clear'), { label: 'x', text: 'y' })
    assert.equal(state.text, 'y')
  })
})

describe('another text in place of all', () => {
  it('can be undone', () => {
    assert.equal(show(edit(replaceAll(at('dra|ft'), 'other'), 'undo')), 'dra|ft')
  })

  it('is a chip when it is very long', () => {
    const state = replaceAll(at('draft|'), 'x\n'.repeat(101))
    assert.equal(chipsIn(state.text, state.chips)[0]?.label, 'text of 102 lines')
    assert.equal(edit(state, 'undo').text, 'draft')
  })
})
