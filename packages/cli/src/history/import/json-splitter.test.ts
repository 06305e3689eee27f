import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createJsonSplitter, type JsonItem } from './json-splitter.ts'

const bounds = { listKey: 'conversations', maxBytes: 1000, maxDepth: 10 }

function split(text: string | Buffer, chunkSize = Number.MAX_SAFE_INTEGER, options = bounds): JsonItem[] {
  const bytes = Buffer.from(text)
  const splitter = createJsonSplitter(options)
  const items: JsonItem[] = []
  for (let at = 0; at < bytes.length; at += chunkSize) items.push(...splitter.push(bytes.subarray(at, at + chunkSize)))
  splitter.end()
  return items
}

const texts = (items: readonly JsonItem[]) => items.map(({ bytes }) => bytes?.toString().trim())

describe('a JSON text is taken apart', () => {
  it('at the elements of its list, with brackets and quotes inside strings, however it is cut into chunks', () => {
    const text = '\ufeff [ {"a":"]},[{\\"\\\\"} ,\n [1,[2]] , "x\\"y", 12 , null, {"é":"日本"} ]\n'
    const expected = ['{"a":"]},[{\\"\\\\"}', '[1,[2]]', '"x\\"y"', '12', 'null', '{"é":"日本"}']
    for (const size of [1, 2, 3, 7, 1000]) assert.deepEqual(texts(split(text, size)), expected, `chunks of ${size}`)
  })

  it('at the elements of one member of an object, and the other members by their name', () => {
    const text = '{"format":"f","conversations":[{"x":1},{"x":2}],"version":2,"other":[1,2]}'
    for (const size of [1, 5, 1000]) {
      const items = split(text, size)
      assert.deepEqual(
        items.map(({ key }) => key),
        ['format', undefined, undefined, 'version', 'other'],
      )
      assert.deepEqual(texts(items), ['"f"', '{"x":1}', '{"x":2}', '2', '[1,2]'])
    }
  })

  it('and each piece has its place', () => {
    const [first, second] = split('[\n  {"a":1},\n  {"b":2}\n]')
    assert.deepEqual([first?.start, first?.end, first?.line], [4, 11, 2])
    assert.deepEqual([second?.start, second?.line], [15, 3])
  })

  it('an empty list and an empty object have no pieces', () => {
    assert.deepEqual(split('[]'), [])
    assert.deepEqual(split(' { } '), [])
    assert.deepEqual(split('{"conversations":[]}'), [])
  })
})

describe('bounds of one piece', () => {
  it('one that is too large is not held, and the next is read', () => {
    const text = `[{"a":"${'x'.repeat(5000)}"},{"b":1}]`
    const [large, small] = split(text, 100)
    assert.equal(large?.problem, 'too-large')
    assert.equal(large?.bytes, undefined)
    assert.equal(small?.bytes?.toString(), '{"b":1}')
  })

  it('a million brackets are counted and not held', () => {
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000)
    const [item] = split(`[${deep}]`, 65536, { ...bounds, maxBytes: 1e9 })
    assert.equal(item?.problem, 'too-deep')
  })
})

describe('what is no JSON is refused with its place', () => {
  const cases: [string, string][] = [
    ['no bracket', 'hello'],
    ['a wrong bracket', '[{"a":1}}'],
    ['a wrong bracket around nothing', '{]'],
    ['a colon in a list', '[1:2]'],
    ['a value without a name', '{1}'],
    ['a name that is none', '{a:1}'],
    ['two colons', '{"a":"b":"c"}'],
    ['a second text', '[1] [2]'],
    ['an end in a string', '[{"a":"b'],
    ['an end in a list', '[1,'],
    ['an end in the inner list', '{"conversations":[{}'],
    ['nothing', '   '],
  ]
  for (const [name, text] of cases) {
    it(name, () => {
      for (const size of [1, 1000]) {
        assert.throws(
          () => split(text, size),
          (error) => isLmappError(error, 'bad-input') && typeof error.details?.byte === 'number',
        )
      }
    })
  }

  it('the line is counted', () => {
    assert.throws(
      () => split('[\n\n1]\nx'),
      (error) => isLmappError(error, 'bad-input') && error.details?.line === 4,
    )
  })
})
