import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LlamaModel, Token } from 'node-llama-cpp'
import { tokenizeStretch } from './tokenize.ts'

test('vocabularies that put a space before a text are kept from it within a prompt', () => {
  const asked: unknown[][] = []
  const record = (...given: unknown[]): Token[] => {
    asked.push(given)
    return []
  }
  const model = (vocabularyType: string) =>
    ({ vocabularyType, tokenize: record }) as unknown as Pick<LlamaModel, 'vocabularyType' | 'tokenize'>
  tokenizeStretch(model('spm'), 'first', true, false)
  tokenizeStretch(model('spm'), 'later', false, true)
  tokenizeStretch(model('bpe'), 'later', false, true)
  assert.deepEqual(asked, [
    ['first', true, undefined],
    ['later', false, 'trimLeadingSpace'],
    ['later', false, undefined],
  ])
})
