import assert from 'node:assert/strict'
import { it } from 'node:test'
import { countPromptTokens, imageTokens, toTokens } from './tokens.ts'

it('a token is a word and the space that follows it, and joined they are the text', () => {
  assert.deepEqual(toTokens(' one  two\nthree'), [' ', 'one  ', 'two\n', 'three'])
  assert.deepEqual(toTokens(''), [])
})

it('long words are cut, but never inside of a character', () => {
  const text = '🐟'.repeat(30)
  assert.deepEqual(
    toTokens(text).map((token) => token.length),
    [24, 24, 12],
  )
  assert.equal(toTokens(text).join(''), text)
})

it('a prompt counts its text, its roles and its images', () => {
  const image = { type: 'image' as const, mediaType: 'image/png', data: '' }
  const messages = [
    { role: 'system' as const, content: [{ type: 'text' as const, text: 'Be brief.' }] },
    { role: 'user' as const, content: [{ type: 'text' as const, text: 'Why?' }, image] },
  ]
  assert.equal(countPromptTokens({ messages }), 1 + 2 + 1 + 1 + imageTokens)
})
