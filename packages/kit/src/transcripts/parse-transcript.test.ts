import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { parseTranscript } from './index.ts'

const head = { transcript: 'x', title: 'An example' }
const exit = { pluginExit: 0 }
const answer = { plugin: { jsonrpc: '2.0', id: 1, result: null } }
const parts = (seq: unknown, list: unknown = []) => ({
  plugin: { method: 'parts', params: { id: 1, seq, parts: list } },
})
const toText = (lines: unknown[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')

function problemOf(text: string): string {
  try {
    parseTranscript(text, 'x.ndjson')
  } catch (error) {
    assert.ok(isLmappError(error, 'bad-input'), String(error))
    assert.equal(error.details?.file, 'x.ndjson')
    assert.ok(Number.isInteger(error.details?.line))
    return error.message
  }
  assert.fail(`It was taken: ${text.slice(0, 200)}`)
}

describe('parseTranscript', () => {
  it('reads every kind of line', () => {
    const lines = [
      head,
      { file: { name: 'a.json', json: [1] } },
      { host: { id: 1, method: 'x', params: { $file: 'a.json' } } },
      { hostRaw: '' },
      { plugin: { method: 'pull_progress', params: { id: 'a' } } },
      parts(1, [{}]),
      answer,
      { hostEnd: true },
      exit,
    ]
    const transcript = parseTranscript(`${toText(lines)}\n`, 'x.ndjson')
    assert.equal(`${transcript.name}: ${transcript.title}`, 'x: An example')
    assert.deepEqual(
      transcript.steps.map(({ line, kind }) => [line, kind]),
      [
        [2, 'file'],
        [3, 'host'],
        [4, 'host-raw'],
        [5, 'plugin'],
        [6, 'plugin'],
        [7, 'plugin'],
        [8, 'host-end'],
        [9, 'plugin-exit'],
      ],
    )
  })

  it('names file and line of what is wrong', () => {
    const cases: [lines: unknown[], expected: RegExp][] = [
      [[''], /^x\.ndjson:1: It is no JSON/],
      [[{ transcript: 'x' }, exit], /:1: The first line must be/],
      [[head], /:1: It has no step/],
      [[head, '', exit], /:2: It is no JSON/],
      [[head, '[]', exit], /:2: It is no object/],
      [[head, {}, exit], /:2: "" is no step/],
      [[head, { host: {}, plugin: {} }, exit], /:2: A line has exactly one member/],
      [[head, { host: 'hello' }, exit], /:2: "host" is no step, or has a wrong value/],
      [[head, { hostRaw: 'two\nlines' }, exit], /:2: "hostRaw" is no step/],
      [[head, { hostEnd: false }, exit], /:2: "hostEnd" is no step/],
      [[head, { pluginExit: '0' }], /:2: "pluginExit" is no step/],
      [[head, { file: { name: '../a', json: 1 } }, exit], /:2: "file" is no step/],
      [[head, { file: { name: 'a' } }, exit], /:2: "file" is no step/],
      [[head, { plugin: { method: 'log' } }, exit], /:2: "plugin" is no step/],
      [[head, { plugin: { id: 1 } }, exit], /:2: "plugin" is no step/],
      [[head, { plugin: { id: 1, method: 'ask', result: 1 } }, exit], /:2: "plugin" is no step/],
      [[head, parts('1'), exit], /:2: "plugin" is no step/],
      [[head, parts(1, {}), exit], /:2: "plugin" is no step/],
      [[head, answer], /:2: The last line must be "pluginExit"/],
      [[head, exit, answer, exit], /:3: Nothing follows "pluginExit"/],
      [[head, { hostEnd: true }, answer, exit], /:2: "pluginExit" must follow "hostEnd"/],
      [[head, { host: { params: [{ $file: 'a' }] } }, exit], /:2: No file "a" was written before/],
      [[head, parts(2), exit], /:2: "seq" must be 1/],
      [[head, parts(1), parts(1), exit], /:3: "seq" must be 2/],
    ]
    for (const [lines, expected] of cases) assert.match(problemOf(toText(lines)), expected)
  })

  it('answers whatever bytes with an error that has a line', () => {
    const whole = toText([head, { file: { name: 'a.json', json: { deep: [1, 2] } } }, parts(1, [{}]), answer, exit])
    for (let end = 0; end < whole.length; end++) problemOf(whole.slice(0, end))
    for (let round = 0; round < 200; round++) problemOf(randomBytes(round).toString('latin1'))
    problemOf(`${toText([head])}\n${'['.repeat(1_000_000)}`)
    problemOf(`${toText([head])}\n{"plugin":${'{"id":'.repeat(100_000)}`)
  })
})
