import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ApiModel } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { startTestService, type TestService } from '../testing/test-app.ts'
import { type Answered, read } from './testing/ask.ts'

const models: ApiModel[] = [
  { id: 'hot', ref: 'box/hot', backend: 'box', name: 'hot', modifiedAt: '2025-01-02T03:04:05.678Z', loaded: true },
  {
    id: 'org/cold:q4',
    ref: 'box/org/cold:q4',
    backend: 'box',
    name: 'org/cold:q4',
    path: '/secret/cold.gguf',
    contextLength: 8192,
  },
  { id: 'odd', ref: 'cellar/odd', backend: 'cellar', name: 'odd', modifiedAt: 'yesterday' },
]

let service: TestService
before(async () => {
  service = await startTestService()
  Object.assign(service.app, {
    models: {
      ...service.app.models,
      list: async () => models,
      async show(_caller: unknown, ref: string) {
        const model = models.find((known) => known.ref === ref || known.name === ref)
        if (!model) throw new LmappError('model-not-found', `No model is called "${ref}".`)
        return model
      },
    },
  })
})
after(() => service[Symbol.asyncDispose]())

const get = (path: string): Promise<Answered> => read(fetch(service.address + path))
const getAsAnthropic = (path: string): Promise<Answered> =>
  read(fetch(service.address + path, { headers: { 'anthropic-version': '2023-06-01' } }))

describe('GET /v1/models', () => {
  it('lists what can answer now first, by the names that requests take', async () => {
    const { status, body } = await get('/v1/models')
    assert.equal(status, 200)
    assert.deepEqual(body, {
      object: 'list',
      data: [
        { id: 'box/hot', object: 'model', created: 1_735_787_045, owned_by: 'box' },
        { id: 'box/org/cold:q4', object: 'model', created: 0, owned_by: 'box' },
        { id: 'cellar/odd', object: 'model', created: 0, owned_by: 'cellar' },
      ],
    })
  })

  it('finds one by an id with slashes, encoded or not, and by any other name', async () => {
    for (const id of ['box/org/cold:q4', 'box%2Forg%2Fcold%3Aq4']) {
      const { status, body } = await get(`/v1/models/${id}`)
      assert.equal(status, 200)
      assert.equal(body.id, 'box/org/cold:q4')
    }
    assert.deepEqual((await get('/v1/models/odd')).body, { id: 'odd', object: 'model', created: 0, owned_by: 'cellar' })
  })

  it('answers 404 in the shape of OpenAI for one that is not there', async () => {
    const { status, body } = await get('/v1/models/box/none')
    assert.equal(status, 404)
    assert.equal(body.error.type, 'invalid_request_error')
    assert.equal(body.error.code, 'model_not_found')
  })
})

describe('GET /v1/models with anthropic-version', () => {
  it("answers in Anthropic's shape", async () => {
    const model = (id: string, display_name: string, more: object = {}) => ({
      type: 'model',
      id,
      display_name,
      created_at: '1970-01-01T00:00:00.000Z',
      max_input_tokens: null,
      max_tokens: null,
      capabilities: null,
      ...more,
    })
    const cold = model('box/org/cold:q4', 'org/cold:q4', { max_input_tokens: 8192 })
    const { body } = await getAsAnthropic('/v1/models')
    assert.deepEqual(body, {
      data: [model('box/hot', 'hot', { created_at: '2025-01-02T03:04:05.678Z' }), cold, model('cellar/odd', 'odd')],
      has_more: false,
      first_id: 'box/hot',
      last_id: 'cellar/odd',
    })
    const { body: one } = await getAsAnthropic('/v1/models/box/org/cold:q4')
    assert.deepEqual(one, cold)
  })

  it('gives a page at a time, in both directions', async () => {
    const page = async (query: string) => {
      const { body } = await getAsAnthropic(`/v1/models?${query}`)
      return [body.data.map(({ id }: { id: string }) => id), body.has_more, body.first_id, body.last_id]
    }
    const [hot, cold, odd] = ['box/hot', 'box/org/cold:q4', 'cellar/odd']
    assert.deepEqual(await page('limit=2'), [[hot, cold], true, hot, cold])
    assert.deepEqual(await page(`limit=2&after_id=${cold}`), [[odd], false, odd, odd])
    assert.deepEqual(await page(`limit=1&before_id=${odd}`), [[cold], true, cold, cold])
    assert.deepEqual(await page(`before_id=${cold}`), [[hot], false, hot, hot])
    assert.deepEqual(await page(`after_id=${odd}`), [[], false, null, null])
  })

  it('refuses a page that is none, and a model that is not there, in that shape', async () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after_id=nobody', 'before_id=nobody']) {
      const { status, body } = await getAsAnthropic(`/v1/models?${query}`)
      assert.equal(status, 400, query)
      assert.equal(body.type, 'error')
    }
    const { status, body } = await getAsAnthropic('/v1/models/none')
    assert.equal(status, 404)
    assert.deepEqual([body.type, body.error.type], ['error', 'not_found_error'])
  })
})
