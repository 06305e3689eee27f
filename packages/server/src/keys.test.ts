import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createClient, createFetchTransport, type LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import { jsonType, ownerHeaders, rawRequest } from './testing/raw-request.ts'
import { startTestService, type TestService } from './testing/test-app.ts'

let service: TestService

before(async () => {
  service = await startTestService()
})
after(async () => {
  await service[Symbol.asyncDispose]()
})

const withKey = (key: string) => createClient({ transport: createFetchTransport({ baseUrl: service.address, key }) })

async function refusesAll(client: LmappClient): Promise<void> {
  const attempts = [client.listKeys(), client.createKey({ name: 'more' }), client.revokeKey('admin')]
  for (const outcome of await Promise.allSettled(attempts)) {
    assert.ok(outcome.status === 'rejected' && isLmappError(outcome.reason, 'forbidden'))
  }
}

/** As the owner asks, by hand. */
function ask(method: string, path: string, body?: string) {
  const { socketPath, app } = service
  const headers = { ...ownerHeaders(app.token), ...(method === 'POST' && jsonType) }
  return rawRequest({ socketPath, method, path: `/lmapp/v1${path}`, headers, ...(body !== undefined && { body }) })
}

describe('the owner', () => {
  it('creates a key, whose secret is in that answer only, sees it in the list, and revokes it', async () => {
    const created = await ask('POST', '/keys', '{"name":"editor","scopes":["models","chat"]}')
    assert.equal(created.status, 201)
    const { secret, ...key } = JSON.parse(created.text)
    assert.match(secret, /^lmapp_.{43}$/)
    assert.deepEqual(key.scopes, ['chat', 'models'])
    assert.deepEqual(await service.client.listKeys(), [key])
    const revoked = await service.client.revokeKey('editor')
    assert.deepEqual(revoked, { ...key, revokedAt: revoked.revokedAt })
    assert.notEqual(revoked.revokedAt, null)
    const listed = await ask('GET', '/keys')
    assert.deepEqual(JSON.parse(listed.text), [revoked])
    assert.ok(!listed.text.includes(secret.slice(10)))
    assert.doesNotMatch(listed.text, /[0-9a-f]{64}/)
  })

  it('is told what is wrong with a key, by the field where it is one', async () => {
    const wrong: [body: string, field: string | undefined][] = [
      ['{}', 'name'],
      ['{"name":1}', 'name'],
      ['{"name":""}', 'name'],
      ['{"name":"A b"}', 'name'],
      [`{"name":"${'a'.repeat(100_000)}"}`, 'name'],
      ['{"name":"a","scopes":"chat"}', 'scopes'],
      ['{"name":"a","scopes":[]}', 'scopes'],
      ['{"name":"a","scopes":["chat","root"]}', 'scopes[1]'],
      ['{"name":"a","scopes":[["chat"]]}', 'scopes[0]'],
      ['[]', 'body'],
      ['null', 'body'],
      ['{"name":"a"', undefined],
      [`${'['.repeat(100_000)}`, undefined],
    ]
    for (const [body, field] of wrong) {
      const refused = await ask('POST', '/keys', body)
      assert.equal(refused.status, 400, body.slice(0, 60))
      assert.equal(refused.code, 'bad-input')
      if (field !== undefined) assert.equal(JSON.parse(refused.text).error.details.field, field)
    }
    assert.deepEqual(service.bugs, [])
  })

  it('is told of a name that is taken, and of a key that is not there', async () => {
    await service.client.createKey({ name: 'script' })
    await assert.rejects(service.client.createKey({ name: 'script' }), (error) => isLmappError(error, 'bad-input'))
    for (const name of ['scrpt', 'a/b', '../keys', '%', 'é', 'x'.repeat(3000)]) {
      await assert.rejects(service.client.revokeKey(name), (error) => isLmappError(error, 'not-found'), name)
    }
    await service.client.revokeKey('script')
    assert.deepEqual(service.bugs, [])
  })
})

describe('a key', () => {
  it('that is for all may create others; the others may not even see that there are keys', async () => {
    const admin = withKey((await service.client.createKey({ name: 'admin', scopes: ['admin'] })).secret)
    const { secret } = await admin.createKey({ name: 'plain', scopes: ['chat', 'models'] })
    const plain = withKey(secret)
    await refusesAll(plain)
    await admin.revokeKey('plain')
    await admin.revokeKey('admin')
    await assert.rejects(admin.listKeys(), (error) => isLmappError(error, 'forbidden'))
  })

  it('of nobody is a guest’s, who may do none of it', async () => {
    await refusesAll(withKey('any'))
  })
})
