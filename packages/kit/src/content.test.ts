import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileContent, toFencedFile, toText } from './content.ts'

const file = (text: string): FileContent => ({ type: 'file', name: 'a.md', mediaType: 'text/markdown', text })

test('the visible text of a message is its texts, files and tool results, without thoughts, calls and images', () => {
  const text = toText([
    { type: 'reasoning', text: 'Hmm.' },
    file('one\n'),
    { type: 'text', text: 'Read this.' },
    { type: 'image', mediaType: 'image/png', data: 'AA==' },
    { type: 'tool-call', id: '1', name: 'now', arguments: '{}' },
    { type: 'tool-result', id: '1', name: 'now', text: ' noon' },
  ])
  assert.equal(text, 'a.md\n```\none\n```\n\nRead this. noon')
  assert.equal(toText([]), '')
})

test('a file without a last line break gets one', () => {
  assert.equal(toFencedFile(file('one')), 'a.md\n```\none\n```\n\n')
  assert.equal(toFencedFile(file('')), 'a.md\n```\n\n```\n\n')
})

test('the fence is longer than any run of backticks in the file', () => {
  assert.equal(toFencedFile(file('``` and `````\n')), 'a.md\n``````\n``` and `````\n``````\n\n')
})
