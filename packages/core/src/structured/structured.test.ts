import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { compileSchema } from './compile-schema.ts'
import { findJson } from './find-json.ts'

describe('an answer that should be JSON', () => {
  it('is found whole, in a code block, or between words', () => {
    assert.deepEqual(findJson(' {"a": 1} '), { text: '{"a": 1}', value: { a: 1 } })
    assert.deepEqual(findJson('So:\n```json\n[1]\n```\nor {2}')?.value, [1])
    assert.deepEqual(findJson('The answer is {"a": {"b": []}}, I think.')?.value, { a: { b: [] } })
    assert.equal(findJson('null')?.value, null)
    for (const none of ['', 'no', '{"a": ', '} {', '```\nx\n```']) assert.equal(findJson(none), undefined)
  })
})

describe('a schema', () => {
  it('says what is wrong with an answer, each thing once, with its place', async () => {
    const check = await compileSchema({
      type: 'object',
      properties: { mail: { type: 'string', format: 'email' }, size: { enum: ['s', 'l'] } },
      required: ['mail'],
      additionalProperties: false,
    })
    assert.deepEqual(check.check('{"mail":"a@b.de"}'), { json: '{"mail":"a@b.de"}' })
    const wrong = check.check('{"mail":"a","size":"m","more":1}')
    assert.ok('problem' in wrong)
    assert.match(wrong.problem, /\/mail must match format "email"/)
    assert.match(wrong.problem, /\/size .*"s","l"/)
    assert.match(wrong.problem, /"more"/)
    assert.deepEqual(check.check('no'), { problem: 'the answer is not JSON' })
    assert.deepEqual(check.check(' '), { problem: 'the answer is empty' })
  })

  it('may be of draft 7, 2019-09 or 2020-12', async () => {
    const drafts = [
      'http://json-schema.org/draft-07/schema#',
      'https://json-schema.org/draft/2019-09/schema',
      'https://json-schema.org/draft/2020-12/schema',
    ]
    for (const draft of drafts) {
      const check = await compileSchema({ $schema: draft, type: 'array', items: { type: 'integer' } })
      assert.deepEqual(check.check('[1]'), { json: '[1]' })
    }
  })

  it('is refused where it cannot be used: wrong, elsewhere, nested without end, too long', async () => {
    const deep = JSON.parse(`${'{"not":'.repeat(20_000)}{}${'}'.repeat(20_000)}`)
    const wrong = [{ type: 'x' }, { $ref: 'https://x/y' }, { $schema: 'https://x' }, { pattern: '(' }, deep]
    for (const schema of [...wrong, { description: 'x'.repeat(300_000) }]) {
      await assert.rejects(compileSchema(schema), (error) => isLmappError(error, 'bad-input'))
    }
  })

  it('whose pattern would take for ever is a problem of the answer, and keeps nobody waiting', async () => {
    const check = await compileSchema({ type: 'string', pattern: '^(a+)+$' })
    assert.deepEqual(check.check(JSON.stringify(`${'a'.repeat(60)}!`)), {
      problem: 'the answer takes too long to compare with the patterns of the schema',
    })
    assert.deepEqual(check.check('"aaa"'), { json: '"aaa"' })
    assert.ok('problem' in check.check('"b"'))
  })
})
