import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Key, toChord } from './keys/key.ts'
import { addChip, createPrompt, type Effect, type Prompt, press, showCandidates, takeEdited } from './prompt.ts'
import { toView } from './screen/prompt-view.ts'

const columns = 20

/** Keys in angle brackets, all else is typed: `one<left>x<enter>`. */
function toKeys(written: string): Key[] {
  const tokens = written.match(/<[a-z\-_]+>|[^<]+|</g) ?? []
  return tokens.map((token) => (/^<.+>$/.test(token) ? toChord(token.slice(1, -1)) : { type: 'text', text: token }))
}

function after(written: string, begin: Prompt = createPrompt(['new', 'old one\nof two', 'older'])) {
  const effects: Effect[] = []
  let prompt = begin
  for (const key of toKeys(written)) {
    const pressed = press(prompt, key, columns)
    prompt = pressed.prompt
    if (pressed.effect) effects.push(pressed.effect)
  }
  const { text, cursor } = prompt.state
  return { prompt, effects, shown: `${text.slice(0, cursor)}|${text.slice(cursor)}` }
}

const below = ({ prompt }: { prompt: Prompt }, size = { columns: 60, rows: 20 }) =>
  toView(prompt, size).below.map(({ cells }) => cells.map((cell) => cell.text).join(''))

describe('Enter', () => {
  it('sends what is written, wherever the cursor is', () => {
    assert.deepEqual(after('one<left><enter>').effects, [{ type: 'send', text: 'one', chips: [] }])
    assert.deepEqual(after('a<ctrl-j>b<shift-enter>c<alt-enter><enter>').effects, [
      { type: 'send', text: 'a\nb\nc\n', chips: [] },
    ])
  })

  it('sends nothing that is empty', () => {
    const { effects, shown } = after(' <ctrl-j> <enter>')
    assert.deepEqual([effects, shown], [[], '|'])
  })

  it('is another line in a block, until that ends', () => {
    const open = after('"""<enter>one<enter>')
    assert.deepEqual([open.effects, open.shown], [[], '"""\none\n|'])
    assert.deepEqual(below(open), ['""" at its end sends it.'])
    assert.deepEqual(after('two"""<enter>', open.prompt).effects, [{ type: 'send', text: 'one\ntwo', chips: [] }])
    assert.deepEqual(after('""""""<enter>').effects, [])
  })

  it('sends chips as what they stand for, and names them', () => {
    const picture = { label: 'a.png', value: 1 }
    const begin = addChip(after('what is ').prompt, picture)
    const pasted = press(begin, { type: 'paste', text: 'x\n'.repeat(6), lost: 0 }, columns).prompt
    const [effect] = after('<enter>', pasted).effects
    assert.ok(effect?.type === 'send')
    assert.equal(effect.text, 'what is x\nx\nx\nx\nx\nx')
    assert.deepEqual(effect.chips[0], picture)
    assert.equal(after('<enter>', addChip(createPrompt([]), picture)).effects.length, 1)
  })

  it('takes three quotes of a paste for no block', () => {
    const pasted = press(createPrompt([]), { type: 'paste', text: `"""\n${'x\n'.repeat(9)}`, lost: 0 }, columns).prompt
    assert.equal(after('<enter>', pasted).effects[0]?.type, 'send')
  })
})

describe('up and down', () => {
  it('move between the rows of a message, and keep the column', () => {
    const { prompt } = after('long line<ctrl-j>x<ctrl-j>other line')
    assert.equal(after('<up><up>', prompt).shown, 'long line|\nx\nother line')
    assert.equal(after('<up>', prompt).shown, 'long line\nx|\nother line')
    assert.equal(after('<up><up><down><down>', prompt).shown, 'long line\nx\nother line|')
    assert.equal(after('a very long line that is wrapped<up>').shown, 'a very long lin|e that is wrapped')
  })

  it('recall from the first row, and come back to the draft', () => {
    assert.equal(after('draft<left><up>').shown, 'new|')
    assert.equal(after('draft<left><up><up><up><up><up>').shown, 'older|')
    assert.equal(after('draft<left><up><down>').shown, 'draf|t')
    assert.equal(after('draft<down>').shown, 'draft|')
  })

  it('move in a recalled message of several lines', () => {
    assert.equal(after('<up><up><up>').shown, 'old on|e\nof two')
    assert.equal(after('<up><up><up><up>').shown, 'older|')
  })

  it('pass a recalled long line while nothing is done to it', () => {
    const begin = createPrompt(['a very long line that is wrapped', 'old'])
    assert.equal(after('<up><up>', begin).shown, 'old|')
    assert.equal(after('<up><left><up>', begin).shown, 'a very long li|ne that is wrapped')
  })

  it('are Ctrl-P and Ctrl-N without rows', () => {
    assert.equal(after('a<ctrl-j>b<ctrl-p>').shown, 'new|')
    assert.equal(after('a<ctrl-j>b<ctrl-p><ctrl-p><ctrl-p><ctrl-n><ctrl-n><ctrl-n>').shown, 'a\nb|')
  })
})

describe('Ctrl-C', () => {
  it('clears what is written, which undo brings back', () => {
    const { shown, effects, prompt } = after('one<ctrl-c>')
    assert.deepEqual([shown, effects, below({ prompt })], ['|', [], []])
    assert.equal(after('<ctrl-_>', prompt).shown, 'one|')
  })

  it('hints on an empty line, and leaves the second time', () => {
    const hinted = after('<ctrl-c>')
    assert.deepEqual(below(hinted), ['Ctrl-C again, Ctrl-D or /exit leaves.'])
    assert.deepEqual(after('<ctrl-c>', hinted.prompt).effects, [{ type: 'leave' }])
    assert.deepEqual(after('x<backspace><ctrl-c>', hinted.prompt).effects, [])
    assert.deepEqual(below(after('x', hinted.prompt)), [])
  })
})

describe('other keys', () => {
  it('leave, delete, suspend, repaint, or open the editor', () => {
    assert.deepEqual(after('<ctrl-d>').effects, [{ type: 'leave' }])
    assert.equal(after('ab<left><ctrl-d>').shown, 'a|')
    assert.deepEqual(after('a<ctrl-z><ctrl-l>').effects, [{ type: 'suspend' }, { type: 'repaint' }])
    assert.equal(after('x<escape><unknown><shift-tab><ctrl-s>').shown, 'x|')
  })

  it('open the editor with all of a chip, and take over what comes back', () => {
    const pasted = press(createPrompt([]), { type: 'paste', text: 'x\n'.repeat(6), lost: 0 }, columns).prompt
    const [effect] = after('!<ctrl-g>', pasted).effects
    assert.deepEqual(effect, { type: 'open-editor', text: 'x\nx\nx\nx\nx\nx!' })
    assert.equal(takeEdited(pasted, 'other').state.text, 'other')
    assert.equal(takeEdited(pasted, 'x\nx\nx\nx\nx\nx'), pasted)
  })

  it('say that a paste was cut', () => {
    const { prompt } = press(createPrompt([]), { type: 'paste', text: 'some of it', lost: 5 }, columns)
    assert.match(below({ prompt }, { columns: 100, rows: 9 })[0] ?? '', /too long: only its first 10 characters/)
  })
})

describe('Tab', () => {
  const asked = { text: '/m', cursor: 2 }
  const found = {
    from: 0,
    candidates: [
      { insert: '/model ', hint: 'which one answers' },
      { insert: '/mode', label: 'mode' },
      { insert: '/moon' },
    ],
  }
  const listed = () => showCandidates(after('/m').prompt, asked, found)

  it('asks for candidates', () => {
    assert.deepEqual(after('/m<tab>').effects, [{ type: 'complete', ...asked }])
  })

  it('shows them with what they begin with put in', () => {
    const prompt = listed()
    assert.equal(prompt.state.text, '/mo')
    assert.deepEqual(below({ prompt }), ['  /model   which one answers', '  mode', '  /moon'])
  })

  it('takes one after the other, forth and back', () => {
    assert.equal(after('<tab>', listed()).shown, '/model |')
    assert.equal(after('<tab><tab><shift-tab>', listed()).shown, '/model |')
    assert.equal(after('<shift-tab>', listed()).shown, '/moon|')
    assert.equal(below(after('<tab>', listed()))[0], '› /model   which one answers')
  })

  it('is left with Escape as it was, and closed by any other key', () => {
    const left = after('<tab><escape>', listed())
    assert.deepEqual([left.shown, below(left)], ['/mo|', []])
    const typed = after('<tab>x', listed())
    assert.deepEqual([typed.shown, below(typed)], ['/model x|', []])
    assert.equal(after('<tab><left>', listed()).shown, '/model| ')
  })

  it('keeps what was taken with Enter, which sends only where nothing was', () => {
    const taken = after('<tab><enter>', listed())
    assert.deepEqual([taken.shown, taken.effects], ['/model |', []])
    assert.equal(after('<enter>', listed()).effects[0]?.type, 'send')
  })

  it('drops what comes too late', () => {
    for (const keys of ['/mx', '/m<left>', '<ctrl-r>']) {
      const { prompt } = after(keys)
      assert.equal(showCandidates(prompt, asked, found), prompt)
    }
  })

  it('shows a bounded number of them, around the one that is taken', () => {
    const candidates = Array.from({ length: 30 }, (_, index) => ({ insert: `file${index}` }))
    let prompt = showCandidates(after('f').prompt, { text: 'f', cursor: 1 }, { from: 0, candidates })
    assert.equal(below({ prompt }).length, 9)
    assert.equal(below({ prompt }).at(-1), '  … 22 more')
    for (let count = 0; count < 20; count++) prompt = after('<tab>', prompt).prompt
    assert.ok(below({ prompt }).includes('› file19'))
    assert.equal(
      toView(prompt, { columns: 12, rows: 5 }).below.every(({ width }) => width < 12),
      true,
    )
  })
})

describe('Ctrl-R', () => {
  it('shows what matches, older ones with each Ctrl-R', () => {
    const found = after('mine<ctrl-r>o')
    assert.equal(found.shown, '|old one\nof two')
    assert.match(below(found)[0] ?? '', /^Search: o · Ctrl-R older/)
    assert.equal(after('<ctrl-r>', found.prompt).shown, '|older')
    assert.equal(after('<ctrl-r><ctrl-s>', found.prompt).shown, '|old one\nof two')
    const none = after('<ctrl-r><ctrl-r>', found.prompt)
    assert.deepEqual([none.shown, below(none)], ['|older', ['Nothing more with: o']])
  })

  it('takes it with Enter, and sends nothing yet', () => {
    const { shown, effects, prompt } = after('<ctrl-r>older<enter>')
    assert.deepEqual([shown, effects, below({ prompt })], ['|older', [], []])
  })

  it('leaves as it was with Escape, Ctrl-G and Ctrl-C', () => {
    for (const key of ['escape', 'ctrl-g', 'ctrl-c']) assert.equal(after(`mi<left><ctrl-r>old<${key}>`).shown, 'm|i')
  })

  it('takes it with any other key, which does what it does', () => {
    assert.equal(after('<ctrl-r>older<ctrl-e>').shown, 'older|')
    assert.equal(after('<ctrl-r>olderx<backspace><right>').shown, 'o|lder')
    assert.deepEqual(after('<ctrl-r><ctrl-l><unknown>').effects, [{ type: 'repaint' }])
  })

  it('says where nothing was typed before, or nothing looked for yet', () => {
    assert.deepEqual(below(after('<ctrl-r>', createPrompt([]))), ['Nothing was typed before.'])
    assert.deepEqual(below(after('<ctrl-r>')), ['Search what was typed before:'])
  })
})
