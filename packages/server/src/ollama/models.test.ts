import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { ApiModel } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { rawRequest } from '../testing/raw-request.ts'
import { jsonOf, type OllamaService, openOllama, warningOf } from './testing/open-ollama.ts'

const hex = 'ab'.repeat(32)
const full: ApiModel = {
  id: 'tiny',
  ref: 'box/tiny',
  backend: 'box',
  name: 'tiny',
  sizeBytes: 98_362_432,
  modifiedAt: '2025-01-31T12:00:00+02:00',
  quantization: 'Q4_1',
  parameters: '135M',
  family: 'llama',
  contextLength: 8192,
  loaded: true,
  license: 'apache-2.0',
  digest: `sha256:${hex}`,
  path: '/home/somebody/tiny.gguf',
  origin: 'lmapp',
  template: '{{ messages }}',
  capabilities: { chat: 'yes', tools: 'yes', vision: 'yes', reasoning: 'yes', embed: 'yes' },
}
const bare: ApiModel = {
  id: 'x/y',
  ref: 'far/x/y',
  backend: 'far',
  name: 'x/y',
  digest: 'etag',
  modifiedAt: 'yesterday',
}
const encoder: ApiModel = { ...bare, ref: 'far/e', name: 'e', capabilities: { chat: 'no', embed: 'yes' } }

let ollama: OllamaService
before(async () => {
  ollama = await openOllama()
  Object.assign(ollama.service.app.models, {
    list: async () => [full, bare, encoder],
    aliases: async () => [
      { name: 'mine', refs: ['tiny'] },
      { name: 'gone', refs: ['away/model'] },
    ],
    show: async (_: unknown, ref: string) => {
      const found = [full, bare, encoder].find((model) => model.ref === ref)
      if (found) return found
      throw new LmappError('model-not-found', 'No.', {
        hint: 'Did you mean "box/tiny"?',
        details: { known: ['box/tiny'] },
      })
    },
  })
})
after(() => ollama[Symbol.asyncDispose]())

const get = (path: string, method = 'GET') => rawRequest({ address: ollama.service.address, path, method })
const show = (body: object) => ollama.post('/api/show', body)

describe('/api/tags', () => {
  it('lists all models, by the names that lmapp has for them', async () => {
    const { models } = JSON.parse((await get('/api/tags')).text)
    assert.deepEqual(models[0], {
      name: 'box/tiny',
      model: 'box/tiny',
      modified_at: '2025-01-31T10:00:00.000Z',
      size: 98_362_432,
      digest: hex,
      details: {
        parent_model: '',
        format: 'gguf',
        family: 'llama',
        families: ['llama'],
        parameter_size: '135M',
        quantization_level: 'Q4_1',
      },
      capabilities: ['completion', 'tools', 'vision', 'thinking'],
    })
    assert.ok(!JSON.stringify(models).includes('somebody'))
  })

  it('lists those of which nothing is known, too, each with a digest of its own', async () => {
    const [, one, other] = JSON.parse((await get('/api/tags')).text).models
    assert.deepEqual(one, {
      name: 'far/x/y',
      model: 'far/x/y',
      modified_at: '0001-01-01T00:00:00Z',
      size: 0,
      digest: createHash('sha256').update('far/x/y').digest('hex'),
      details: { parent_model: '', format: '', family: '', families: [], parameter_size: '', quantization_level: '' },
      capabilities: ['completion'],
    })
    assert.deepEqual(other.capabilities, ['embedding'])
    assert.notEqual(one.digest, other.digest)
  })

  it('lists names of the configuration as what they stand for, where that is there', async () => {
    const { models } = JSON.parse((await get('/api/tags')).text)
    const [alias, ...others] = models.slice(3)
    assert.deepEqual(others, [])
    assert.deepEqual(alias, { ...models[0], name: 'mine', model: 'mine' })
  })

  it('answers to a question for the head alone', async () => {
    const { status, text, headers } = await get('/api/tags', 'HEAD')
    assert.deepEqual([status, text], [200, ''])
    assert.match(headers['content-type'] ?? '', /json/)
  })
})

describe('/api/ps', () => {
  it('lists those that are in memory', async () => {
    const { models } = JSON.parse((await get('/api/ps')).text)
    assert.equal(models.length, 1)
    const { name, expires_at: until, size_vram: inGpu, context_length: context, modified_at: changed } = models[0]
    assert.deepEqual([name, inGpu, context, changed], ['box/tiny', 0, 8192, undefined])
    assert.ok(Date.parse(until) > Date.now())
  })
})

describe('/api/show', () => {
  it('tells what is known of a model', async () => {
    const response = await show({ model: 'box/tiny' })
    const { modelfile, ...rest } = await jsonOf(response)
    assert.match(String(modelfile), /^FROM box\/tiny\nTEMPLATE """\{\{ messages \}\}"""\nLICENSE """apache-2.0"""\n$/m)
    assert.deepEqual(rest, {
      license: 'apache-2.0',
      parameters: '',
      template: '{{ messages }}',
      details: {
        parent_model: '',
        format: 'gguf',
        family: 'llama',
        families: ['llama'],
        parameter_size: '135M',
        quantization_level: 'Q4_1',
      },
      model_info: {
        'general.architecture': 'llama',
        'general.basename': 'tiny',
        'general.parameter_count': 135_000_000,
        'llama.context_length': 8192,
      },
      capabilities: ['completion', 'tools', 'vision', 'thinking'],
      modified_at: '2025-01-31T10:00:00.000Z',
    })
    assert.equal(warningOf(response), '')
  })

  it('never leaves out what clients build on', async () => {
    const { model_info: info, capabilities, template } = await jsonOf(await show({ model: 'far/x/y' }))
    assert.deepEqual(info, { 'general.architecture': 'unknown', 'general.basename': 'x/y' })
    assert.deepEqual([capabilities, template], [['completion'], ''])
  })

  it('takes the name from either field, as its command line sends it', async () => {
    const body = { model: '', system: '', template: '', verbose: false, options: null, name: 'box/tiny:latest' }
    const response = await show(body)
    assert.equal(response.status, 200)
    assert.equal(warningOf(response), '')
    for (const none of [{}, { model: '' }, { model: null, name: '' }, { model: 1 }]) {
      assert.equal((await show(none)).status, 400)
    }
  })

  it('says what it leaves out', async () => {
    const body = { model: 'box/tiny', system: 'a', template: 'b', verbose: true, options: { a: 1 }, surprise: 1 }
    const warning = warningOf(await show(body))
    for (const field of ['system', 'template', 'verbose', 'options', 'surprise'])
      assert.ok(warning.includes(`"${field}"`))
  })

  it('of a model that nobody has is 404, whereupon its command line fetches', async () => {
    for (const name of ['none', 'none:latest']) {
      const response = await show({ name })
      assert.equal(response.status, 404)
      const { error } = await jsonOf(response)
      assert.equal(error, `model '${name}' not found. The nearest: box/tiny. Did you mean "box/tiny"?`)
    }
  })

  it('counts parameters as they are written', async () => {
    const counts: Record<string, number | undefined> = {
      '1.5B': 1.5e9,
      '8x7B': 56e9,
      '600k': 600_000,
      '1T': 1e12,
      many: undefined,
      '': undefined,
      '1234567B': undefined,
    }
    for (const [parameters, count] of Object.entries(counts)) {
      Object.assign(bare, { parameters })
      const { model_info: info } = await jsonOf(await show({ model: 'far/x/y' }))
      assert.equal(Object(info)['general.parameter_count'], count, parameters)
    }
  })
})

describe('the service', () => {
  it('says that it is there', async () => {
    const { status, text, headers } = await get('/')
    assert.deepEqual([status, text], [200, 'lmapp is running'])
    assert.match(headers['content-type'] ?? '', /^text\/plain/)
    const head = await get('/', 'HEAD')
    assert.deepEqual([head.status, head.text], [200, ''])
  })

  it('has a version that clients can compare, and its own beside it', async () => {
    const { text, headers } = await get('/api/version')
    assert.match(JSON.parse(text).version, /^\d+\.\d+\.\d+$/)
    assert.equal(headers['x-lmapp'], '9.8.7')
  })

  it('says where something is missing in the words of this dialect', async () => {
    const { status, text } = await get('/api/nothing')
    assert.equal(status, 404)
    assert.deepEqual(Object.keys(JSON.parse(text)), ['error'])
  })
})
