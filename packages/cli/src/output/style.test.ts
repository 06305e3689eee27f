import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStyle, wantsColors } from './style.ts'

describe('colours', () => {
  const terminal = { isTerminal: true }
  const pipe = { isTerminal: false }

  it('are for terminals', () => {
    assert.equal(wantsColors({ environment: {}, ...terminal }), true)
    assert.equal(wantsColors({ environment: {}, ...pipe }), false)
  })

  it('are off with NO_COLOR, unless it is empty', () => {
    assert.equal(wantsColors({ environment: { NO_COLOR: '1' }, ...terminal }), false)
    assert.equal(wantsColors({ environment: { NO_COLOR: '' }, ...terminal }), true)
    assert.equal(wantsColors({ environment: { NO_COLOR: '1', FORCE_COLOR: '1' }, ...terminal }), false)
  })

  it('are off on a dumb terminal', () => {
    assert.equal(wantsColors({ environment: { TERM: 'dumb' }, ...terminal }), false)
  })

  it('are forced by FORCE_COLOR, or forbidden by its 0', () => {
    assert.equal(wantsColors({ environment: { FORCE_COLOR: '1', TERM: 'dumb' }, ...pipe }), true)
    assert.equal(wantsColors({ environment: { FORCE_COLOR: '0' }, ...terminal }), false)
    assert.equal(wantsColors({ environment: { FORCE_COLOR: '' }, ...pipe }), false)
  })

  it('are as the flag says, whatever else is set', () => {
    assert.equal(wantsColors({ environment: { NO_COLOR: '1' }, ...pipe, flag: true }), true)
    assert.equal(wantsColors({ environment: { FORCE_COLOR: '1' }, ...terminal, flag: false }), false)
  })

  it('wrap the text, or leave it as it is', () => {
    assert.equal(createStyle(true)('red', 'x'), '\u001b[31mx\u001b[39m')
    assert.equal(createStyle(true)('red', ''), '')
    assert.equal(createStyle(false)('red', 'x'), 'x')
  })
})
