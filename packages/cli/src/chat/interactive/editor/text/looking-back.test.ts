import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isOpenBlock, unwrapBlock } from './block.ts'
import { complete, cycle, leaveList } from './completion.ts'
import { createEditorState, type EditorState, moveTo, typeText } from './editor-state.ts'
import { extendQuery, type HistorySearch, searchOn, shortenQuery, startSearch, toFound } from './history-search.ts'
import { createRecall, type Recall, recall } from './recall.ts'

describe('recalling', () => {
  const walk = (steps: readonly (1 | -1)[], begin: { recall: Recall; state: EditorState }) =>
    steps.reduce((from, step) => recall(from.recall, from.state, step) ?? from, begin)

  it('goes to older messages and back to the draft', () => {
    const begin = { recall: createRecall(['new', 'old']), state: moveTo(createEditorState('draft'), 2) }
    assert.equal(walk([1], begin).state.text, 'new')
    assert.equal(walk([1, 1, 1], begin).state.text, 'old')
    const back = walk([1, 1, -1, -1, -1], begin).state
    assert.deepEqual([back.text, back.cursor], ['draft', 2])
  })

  it('keeps what was changed in a message of before', () => {
    const begin = { recall: createRecall(['new', 'old']), state: createEditorState() }
    const changed = walk([1], begin)
    const typed = { ...changed, state: typeText(changed.state, '!') }
    assert.equal(walk([1, -1], typed).state.text, 'new!')
  })

  it('does nothing where nothing was typed before', () => {
    assert.equal(recall(createRecall([]), createEditorState('x'), 1), undefined)
  })
})

describe('searching what was typed before', () => {
  const messages = ['pull the model', 'Why is the\nsky blue?', 'why not', 'x']
  const search = (query: string): HistorySearch => extendQuery(startSearch(messages, createEditorState('mine')), query)

  it('finds the newest, with the cursor at what was looked for, whatever its letters', () => {
    const found = toFound(search('WHY'))
    assert.deepEqual([found.text, found.cursor], ['Why is the\nsky blue?', 0])
    assert.equal(toFound(search('the sky')).cursor, 7)
  })

  it('goes to older ones and newer ones', () => {
    const older = searchOn(search('why'), 1)
    assert.equal(toFound(older).text, 'why not')
    assert.equal(toFound(searchOn(older, -1)).text, 'Why is the\nsky blue?')
    const none = searchOn(older, 1)
    assert.deepEqual([none.failed, toFound(none).text], [true, 'why not'])
  })

  it('narrows as one types, and widens again', () => {
    const narrowed = extendQuery(search('why'), ' not')
    assert.equal(toFound(narrowed).text, 'why not')
    let widened = narrowed
    for (let count = 0; count < 4; count++) widened = shortenQuery(widened)
    assert.equal(toFound(widened).text, 'Why is the\nsky blue?')
    for (let count = 0; count < 9; count++) widened = shortenQuery(widened)
    assert.equal(toFound(widened).text, 'mine')
  })

  it('leaves as it was what it does not find', () => {
    const lost = search('nowhere')
    assert.deepEqual([lost.failed, toFound(lost).text], [true, 'mine'])
    assert.equal(searchOn(startSearch(messages, createEditorState()), 1).failed, false)
  })
})

describe('completing', () => {
  const at = (text: string) => createEditorState(text)
  const three = { from: 0, candidates: [{ insert: '/model ' }, { insert: '/models' }, { insert: '/moon' }] }

  it('puts the only one in place of what was written', () => {
    const { state, list } = complete(moveTo(at('see /he now'), 7), { from: 4, candidates: [{ insert: '/help' }] })
    assert.deepEqual([state.text, state.cursor, list], ['see /help now', 9, undefined])
  })

  it('puts in what several begin with, then one after the other', () => {
    const { state, list } = complete(at('/m'), three)
    assert.equal(state.text, '/mo')
    assert.ok(list)
    const first = cycle(list, 1)
    assert.equal(first.state.text, '/model ')
    assert.equal(cycle(list, -1).state.text, '/moon')
    const again = first.list && cycle(first.list, -1)
    assert.equal(again?.state.text, '/moon')
    assert.equal(first.list && leaveList(first.list).text, '/mo')
  })

  it('shortens and changes nothing that is not what they begin with', () => {
    assert.equal(complete(at('/MO'), three).state.text, '/MO')
    assert.equal(complete(at('/mod'), { from: 0, candidates: [{ insert: 'a' }, { insert: 'b' }] }).state.text, '/mod')
  })

  it('survives an answer that makes no sense', () => {
    assert.equal(complete(at('ab'), { from: 99, candidates: [{ insert: 'x' }] }).state.text, 'abx')
    assert.equal(complete(at('ab'), { from: -5, candidates: [{ insert: 'x' }] }).state.text, 'x')
    assert.equal(complete(at('ab'), { from: 0, candidates: [] }).state.text, 'ab')
  })
})

describe('a block', () => {
  it('is open until its second mark', () => {
    for (const open of ['"""', ' """\nx', '"""x\n"', '""""', '"""""']) assert.ok(isOpenBlock(open), open)
    for (const none of ['', 'x', '"""x"""', '"""\nx\n""" ', '""', 'x """']) assert.ok(!isOpenBlock(none), none)
  })

  it('is sent without its marks', () => {
    assert.equal(unwrapBlock('"""\na\n  b\n"""'), 'a\n  b')
    assert.equal(unwrapBlock(' """one""" '), 'one')
    assert.equal(unwrapBlock('  as it is '), '  as it is ')
    assert.equal(unwrapBlock('""""""'), '')
  })
})
