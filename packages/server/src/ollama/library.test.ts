import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { jsonOf, type OllamaService, openOllama } from './testing/open-ollama.ts'

const headers = { authorization: 'Bearer of-the-models' }

let ollama: OllamaService
const copies: string[][] = []
const resolved: Record<string, string[]> = {
  tiny: ['box/tiny'],
  'box/tiny': ['box/tiny'],
  mine: ['box/tiny'],
  ti: ['box/tiny'],
  twice: ['box/twice', 'other/twice'],
  llama: ['engine/llama:latest'],
}
before(async () => {
  ollama = await openOllama()
  ollama.service.keys.set('of-the-models', { id: '1', name: 'models', scopes: ['models'] })
  Object.assign(ollama.service.app.models, {
    resolve: async (_: unknown, ref: string) => {
      const refs = resolved[ref]
      if (refs) return { refs }
      throw new LmappError('model-not-found', 'No.')
    },
    show: async (_: unknown, ref: string) => {
      if (!resolved[ref]) throw new LmappError('model-not-found', 'No.')
    },
    copy: async (_: unknown, ...names: string[]) => {
      copies.push(names)
    },
  })
})
after(() => ollama[Symbol.asyncDispose]())
beforeEach(() => {
  ollama.calls.length = 0
  copies.length = 0
})

const remove = (body: object) => ollama.post('/api/delete', body, { method: 'DELETE', headers })
const copy = (body: object) => ollama.post('/api/copy', body, { headers })

describe('/api/delete', () => {
  it('removes a model that is named in full', async () => {
    for (const name of ['tiny', 'box/tiny', 'tiny:latest', 'llama']) {
      const response = await remove({ model: '', name })
      assert.deepEqual([response.status, await response.text()], [200, ''], name)
    }
    assert.deepEqual(ollama.calls, [
      ...['remove box/tiny', 'remove box/tiny', 'remove box/tiny'],
      'remove engine/llama:latest',
    ])
  })

  it('removes nothing by an alias, by a beginning, or by a name that several have', async () => {
    for (const name of ['mine', 'ti', 'twice']) {
      const response = await remove({ model: name })
      assert.equal(response.status, 400)
      assert.match(String((await jsonOf(response)).error), new RegExp(`^'${name}' .*/t`))
    }
    assert.deepEqual(ollama.calls, [])
  })

  it('of what is not there is 404, and of nothing 400', async () => {
    const response = await remove({ model: 'none' })
    assert.equal(response.status, 404)
    assert.match(String((await jsonOf(response)).error), /^model 'none' not found/)
    assert.equal((await remove({})).status, 400)
  })
})

describe('/api/copy', () => {
  it('gives a model another name', async () => {
    const response = await copy({ source: 'tiny', destination: 'mine:latest' })
    assert.deepEqual([response.status, await response.text()], [200, ''])
    assert.deepEqual(copies, [['tiny', 'mine']])
  })

  it('of what is not there is 404', async () => {
    const response = await copy({ source: 'none', destination: 'mine' })
    assert.equal(response.status, 404)
    assert.match(String((await jsonOf(response)).error), /^model 'none' not found/)
    assert.equal((await copy({ source: 'tiny' })).status, 400)
    assert.deepEqual(copies, [])
  })
})

describe('a guest', () => {
  it('changes nothing, and learns how it could', async () => {
    const removal = await ollama.post('/api/delete', { model: 'tiny' }, { method: 'DELETE' })
    const another = await ollama.post('/api/copy', { source: 'tiny', destination: 'b' })
    for (const response of [removal, another]) {
      assert.equal(response.status, 403)
      assert.match(String((await jsonOf(response)).error), /^A guest may not do this\. .*lmapp keys create/)
    }
    assert.deepEqual([ollama.calls, copies], [[], []])
  })
})

describe('what Ollama has and lmapp has not', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  for (const [method, path] of [
    ['POST', '/api/create'],
    ['POST', '/api/push'],
    ['POST', '/api/me'],
    ['POST', '/api/signout'],
    ['POST', `/api/blobs/${digest}`],
  ] as const) {
    it(`${method} ${path.slice(0, 12)} says so, and what to do instead`, async () => {
      const response = await ollama.post(path, { model: 'a', from: 'b' }, { method })
      assert.equal(response.status, 501)
      const body = await jsonOf(response)
      assert.deepEqual(Object.keys(body), ['error'])
      assert.match(String(body.error), /\. (Use|Name|Go on) /)
    })
  }

  it('is not there either where only the head is asked for', async () => {
    const response = await fetch(`${ollama.service.address}/api/blobs/${digest}`, { method: 'HEAD' })
    assert.equal(response.status, 501)
  })
})
