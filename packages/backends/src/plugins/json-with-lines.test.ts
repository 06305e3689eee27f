import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JsonSyntaxError, parseJsonWithLines } from './json-with-lines.ts'

function errorOf(text: string): JsonSyntaxError {
  try {
    parseJsonWithLines(text)
  } catch (error) {
    assert.ok(error instanceof JsonSyntaxError, String(error))
    return error
  }
  assert.fail(`It was taken: ${text.slice(0, 100)}`)
}

/** Whether `JSON.parse` takes it, and as what; the own reader must do the same. */
function assertSame(text: string): void {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    errorOf(text)
    return
  }
  assert.deepEqual(parseJsonWithLines(text).value, value)
}

const nested = (open: string, close: string, levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`

describe('parseJsonWithLines', () => {
  it('takes and refuses what JSON.parse does, as the same value', () => {
    for (const text of [
      '{"__proto__":{"a":1},"constructor":2}',
      '{"a":1,"b":2,"a":{"c":3}}',
      '{"2":1,"1":2,"":3}',
      '"\\ud800"',
      '"\ud800"',
      '"\\u12"',
      '"a\tb"',
      '"\u2028"',
      '\uFEFF{}',
      '\u00a0{}',
      '{}\u2003',
      '[1,\f2]',
      '-0',
      '1e999',
      '01',
      '-',
      '1.',
      '.5',
      '1-2',
      'nul',
      'null1',
      '[true false]',
      '[,]',
      '{,}',
      '"\\\n"',
      '',
      ' ',
      '{"a":1}}',
    ]) {
      assertSame(text)
    }
  })

  it('names the line of a value, whatever the names are', () => {
    const { lineOf } = parseJsonWithLines(`
{
  "a.b": 1,
  "a": {
    "b": 2,
    "": 3
  },
  "c": [0,
    { "d": 4 }],
  "__proto__": 5,
  "a": {
    "e": 6
  }
}`)
    for (const [path, line] of [
      ['', 2],
      ['a', 11],
      ['a.e', 12],
      ['a.nowhere', 11],
      ['c.1.d', 9],
      ['c.1.x.y', 9],
      ['c.7', 8],
      ['__proto__', 10],
      ['nowhere.at.all', 2],
    ] as const) {
      assert.deepEqual([path, lineOf(path)], [path, line])
    }
  })

  it('refuses what is nested too deeply, by its line', () => {
    for (const [open, close] of [
      ['[\n', ']'],
      ['{"a":\n', '}'],
    ] as const) {
      parseJsonWithLines(nested(open, close, 100))
      const { line, message } = errorOf(nested(open, close, 101))
      assert.deepEqual([line, message], [102, 'It is nested deeper than 100 levels.'])
      errorOf(nested(open, close, 100_000))
      errorOf(open.repeat(100_000))
    }
  })

  it('reads what is as large as a file may be, in a time that grows with its length', () => {
    const many = '0,'.repeat(500_000)
    for (const text of [
      `[${many}0]`,
      `[${'0,\n'.repeat(300_000)}0]`,
      `{"${'k'.repeat(500_000)}":[${'0,'.repeat(250_000)}0]}`,
      `{"${'k\\"'.repeat(150_000)}":"${'\\\\'.repeat(200_000)}"}`,
      `${'\n '.repeat(500_000)}1`,
    ]) {
      const { value, lineOf } = parseJsonWithLines(text)
      assert.deepEqual(value, JSON.parse(text))
      assert.ok(lineOf('k.nowhere') >= 1)
    }
    assert.equal(errorOf(`[${many}`).line, 1)
    assert.equal(errorOf('"'.padEnd(1_000_000, '\\"')).line, 1)
    assert.equal(errorOf(`${' '.repeat(1_000_000)}x`).line, 1)
  })
})
