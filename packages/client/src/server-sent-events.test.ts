import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventParser } from './server-sent-events.ts'

test('an event comes out with the chunk that completes it', () => {
  const parser = createEventParser()
  assert.deepEqual(parser.push('id: 1\ndata: {"a"'), [])
  assert.deepEqual(parser.push(':1}\n'), [])
  assert.deepEqual(parser.push('\nid: 2\n'), [{ id: '1', data: '{"a":1}' }])
  assert.deepEqual(parser.push('data: x\n\n'), [{ id: '2', data: 'x' }])
})

test('every way to cut a stream gives the same events', () => {
  const stream = ': hello\r\nid: 7\r\ndata: one\r\ndata:two\r\n\r\nevent: other\ndata\n\nid:8\ndata:  three\n\n'
  const expected = [
    { id: '7', data: 'one\ntwo' },
    { id: '7', data: '' },
    { id: '8', data: ' three' },
  ]
  for (let cut = 0; cut <= stream.length; cut++) {
    const parser = createEventParser()
    assert.deepEqual([...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))], expected)
  }
})

test('several events in one chunk come out together, comments and empty lines give none', () => {
  const parser = createEventParser()
  assert.deepEqual(parser.push(': beat\n\n\n\ndata: a\n\ndata: b\n\n'), [
    { id: '', data: 'a' },
    { id: '', data: 'b' },
  ])
})

test('an event that is cut short never comes out', () => {
  assert.deepEqual(createEventParser().push('data: whole?\n'), [])
})
