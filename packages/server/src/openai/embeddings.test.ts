import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestService, type TestService } from '../testing/test-app.ts'
import { post, read } from './testing/ask.ts'

const path = '/v1/embeddings'
let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service[Symbol.asyncDispose]())

describe('POST /v1/embeddings', () => {
  it('answers with one vector for each text, in order', async () => {
    const { status, headers, body } = await read(post(service, path, { model: 'dictated/e', input: ['a', 'four'] }))
    assert.equal(status, 200)
    assert.deepEqual(body, {
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [1, 0.5] },
        { object: 'embedding', index: 1, embedding: [4, 0.5] },
      ],
      model: 'dictated/e',
      usage: { prompt_tokens: 3, total_tokens: 3 },
    })
    assert.equal(headers.get('x-lmapp-backend'), 'dictated')
  })

  it('takes one text, and answers in base64 of little-endian float32', async () => {
    const { body } = await read(post(service, path, { input: 'abc', encoding_format: 'base64', dimensions: 2 }))
    const bytes = Buffer.from(body.data[0].embedding, 'base64')
    assert.deepEqual([bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4)], [8, 3, 0.5])
  })

  it('names what it leaves out', async () => {
    const { headers } = await read(post(service, path, { input: 'abc', user: 'u', truncate: true }))
    assert.equal(
      headers.get('x-lmapp-warning'),
      '"user" is ignored: who asks is known by the key. "truncate" is not known here and is ignored.',
    )
  })

  const wrong: [string, object][] = [
    ['input', {}],
    ['input', { input: '' }],
    ['input', { input: [] }],
    ['input[1]', { input: ['a', ''] }],
    ['input', { input: [1, 2] }],
    ['input', { input: [[1], [2]] }],
    ['dimensions', { input: 'a', dimensions: 1 }],
    ['encoding_format', { input: 'a', encoding_format: 'int8' }],
  ]
  for (const [field, body] of wrong) {
    it(`refuses by its name: ${field} in ${JSON.stringify(body)}`, async () => {
      const { status, body: answer } = await read(post(service, path, body))
      assert.equal(status, 400)
      assert.equal(answer.error.param, field)
    })
  }
})
