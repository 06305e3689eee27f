import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { jsonOf, linesOf, type OllamaService, openOllama, warningOf } from './testing/open-ollama.ts'

let ollama: OllamaService
/** What was asked for. */
let asked: unknown[] = []
before(async () => {
  ollama = await openOllama()
  const { service } = ollama
  service.app.serve.allowPull = true
  Object.assign(service.app.models, {
    pull: (caller: { signal: AbortSignal }, request: unknown) => {
      asked.push(request)
      return service.pull(caller.signal)
    },
  })
})
after(() => ollama[Symbol.asyncDispose]())
beforeEach(() => {
  asked = []
  ollama.service.pull = async function* () {
    yield { type: 'progress', status: 'looking' }
    yield { type: 'progress', status: 'fetching', progress: { done: 0, total: 10, unit: 'bytes' } }
    yield { type: 'progress', status: 'fetching', progress: { done: 5.4, unit: 'bytes' } }
    yield { type: 'progress', status: 'unpacking', progress: { done: 50, total: 100, unit: 'percent' } }
    yield { type: 'done', ref: 'embedded/tiny' }
  }
})

const pull = (body: object, signal?: AbortSignal) => ollama.post('/api/pull', body, signal ? { signal } : {})
const breakWith = (error: LmappError, after: number) => {
  ollama.service.pull = async function* () {
    for (let step = 0; step < after; step++) yield { type: 'progress', status: 'fetching' }
    throw error
  }
}

describe('/api/pull', () => {
  it('tells each step, then success', async () => {
    const response = await pull({ model: '', name: 'tiny', insecure: false, username: '', password: '' })
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson')
    assert.equal(warningOf(response), '')
    assert.deepEqual(await linesOf(response), [
      { status: 'looking' },
      { status: 'fetching', digest: 'tiny', total: 10, completed: 0 },
      { status: 'fetching', digest: 'tiny', completed: 5 },
      { status: 'unpacking' },
      { status: 'success' },
    ])
    assert.deepEqual(asked, [{ model: 'tiny' }])
  })

  it('names the layers of Ollama as that does, so that its command line draws one bar for each', async () => {
    ollama.service.pull = async function* () {
      yield { type: 'progress', status: 'pulling 0123456789ab', progress: { done: 1, total: 2, unit: 'bytes' } }
      yield { type: 'done', ref: 'ollama/tiny' }
    }
    const [first] = await linesOf(await pull({ model: 'ollama/tiny:latest' }))
    assert.equal(first?.digest, 'sha256:0123456789ab')
    assert.deepEqual(asked, [{ model: 'ollama/tiny' }])
  })

  it('says success alone where no stream is wanted', async () => {
    const response = await pull({ model: 'tiny', stream: false, insecure: true, username: 'me', surprise: 1 })
    assert.deepEqual(await jsonOf(response), { status: 'success' })
    for (const field of ['insecure', 'username', 'surprise'])
      assert.match(warningOf(response), new RegExp(`"${field}"`))
  })

  it('says success too for what is here already', async () => {
    ollama.service.pull = async function* () {
      yield { type: 'done', ref: 'embedded/tiny' }
    }
    assert.deepEqual(await linesOf(await pull({ model: 'tiny' })), [{ status: 'success' }])
  })

  it('takes names of the hub as Ollama writes them, and says what the model is called here', async () => {
    const lines = await linesOf(await pull({ model: 'hf.co/owner/tiny-GGUF:Q4_1' }))
    assert.deepEqual(asked, [{ model: 'hf:owner/tiny-GGUF:Q4_1' }])
    assert.deepEqual(lines.slice(-2), [{ status: 'here as embedded/tiny' }, { status: 'success' }])
  })

  it('has the status of what goes wrong before the first step', async () => {
    breakWith(new LmappError('model-not-found', 'The catalogue has no "none".', { details: { known: ['tiny'] } }), 0)
    for (const stream of [true, false]) {
      const response = await pull({ model: 'none', stream })
      assert.equal(response.status, 404)
      assert.match(String((await jsonOf(response)).error), /^model 'none' not found\. The nearest: tiny\./)
    }
  })

  it('ends with an error, and without success, after it', async () => {
    breakWith(new LmappError('disk-full', 'No room.'), 1)
    const lines = await linesOf(await pull({ model: 'tiny' }))
    assert.deepEqual(lines[0], { status: 'fetching' })
    assert.match(String(lines[1]?.error), /^No room\./)
    assert.equal(lines.length, 2)
    assert.equal((await pull({ model: 'tiny', stream: false })).status, 507)
  })

  it('is no success without a result', async () => {
    ollama.service.pull = async function* () {}
    assert.equal((await pull({ model: 'tiny' })).status, 502)
  })

  it('stops when the client leaves', async () => {
    const stopped = Promise.withResolvers<void>()
    ollama.service.pull = async function* (signal) {
      yield { type: 'progress', status: 'fetching' }
      await once(signal, 'abort')
      stopped.resolve()
      throw new LmappError('cancelled', 'It was cancelled.')
    }
    const leaving = new AbortController()
    const response = await pull({ model: 'tiny' }, leaving.signal)
    await response.body?.getReader().read()
    leaving.abort()
    await stopped.promise
    assert.deepEqual(ollama.service.bugs, [])
  })

  it('is not for guests, unless configuration lets them', async () => {
    ollama.service.app.serve.allowPull = false
    const response = await pull({ model: 'tiny' })
    assert.equal(response.status, 403)
    assert.match(String((await jsonOf(response)).error), /Allow it: lmapp config set serve\.allowPull true$/)
    assert.deepEqual(asked, [])
    ollama.service.app.serve.allowPull = true
  })
})
