import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LlamaModel, Token } from 'node-llama-cpp'
import { createTokenText } from './token-text.ts'

/** A vocabulary of single bytes; 256 and 257 are the tags of a thought, special and without text. */
const bytes = {
  tokenize: (text: string) => (text === '<think>' ? [256] : text === '</think>' ? [257] : []) as Token[],
  detokenize: (tokens: readonly Token[]) => Buffer.from(tokens.filter((token) => token < 256)).toString('utf8'),
} as unknown as Pick<LlamaModel, 'tokenize' | 'detokenize'>

function pieces(tokens: readonly number[]): string[] {
  const text = createTokenText(bytes, [])
  return [...tokens.map((token) => text.push(token as Token)), text.flush()]
}

test('a character is given when its last byte has come', () => {
  assert.deepEqual(pieces([...Buffer.from('a🙂é')]), ['a', '', '', '', '🙂', '', 'é', ''])
})

test('bytes that never become a character do not hold up what follows', () => {
  assert.equal(pieces([0x80, 0x80, 0x80, 0x80, 0x61]).join('').at(-1), 'a')
  assert.deepEqual(pieces([0xe2, 0x61]), ['', '\uFFFDa', ''])
  assert.deepEqual(pieces([0xf0, 0x9f]), ['', '', '\uFFFD'])
})

test('the tags of a thought are text, also where they are special tokens', () => {
  assert.deepEqual(pieces([256, 0x61, 257]), ['<think>', 'a', '</think>', ''])
})
