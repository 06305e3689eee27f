import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { startTestService, type TestService } from './testing/test-app.ts'

let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service[Symbol.asyncDispose]())

describe('POST /embed', () => {
  it('answers with base64 of little-endian float32, one for each text', async () => {
    const answer = await service.client.embed({ model: 'dictated/e', input: ['a', 'four'] })
    assert.equal(answer.model, 'dictated/e')
    assert.equal(answer.dimensions, 2)
    assert.equal(answer.inputTokens, 3)
    const rows = answer.vectors.map((vector) => Buffer.from(vector, 'base64'))
    assert.deepEqual(
      rows.map((row) => [row.length, row.readFloatLE(0), row.readFloatLE(4)]),
      [
        [8, 1, 0.5],
        [8, 4, 0.5],
      ],
    )
  })

  it('is open to guests on loopback: it is inference', async () => {
    const response = await fetch(`${service.address}/lmapp/v1/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: ['a'] }),
    })
    assert.equal(response.status, 200)
  })

  it('names the field that is wrong', async () => {
    for (const wrong of [{}, { input: 'a' }, { input: [1] }, { input: ['a'], model: '' }]) {
      const body = wrong as unknown as { input: string[] }
      await assert.rejects(service.client.embed(body), (error) => {
        assert.ok(isLmappError(error, 'bad-input'))
        assert.match(String(error.details?.field), /input|model/)
        return true
      })
    }
  })
})
