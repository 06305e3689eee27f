import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { jsonOf, type OllamaService, openOllama } from './testing/open-ollama.ts'

let ollama: OllamaService
before(async () => {
  ollama = await openOllama()
})
after(() => ollama[Symbol.asyncDispose]())

const paths = [
  '/api/chat',
  '/api/generate',
  '/api/show',
  '/api/embed',
  '/api/embeddings',
  '/api/pull',
  '/api/copy',
  '/api/delete',
]
const whole = JSON.stringify({
  model: 'dictated/tiny',
  messages: [
    { role: 'user', content: 'a', images: ['iVBORw0KGgoA'], tool_calls: [{ function: { name: 'n', arguments: {} } }] },
  ],
  tools: [{ type: 'function', function: { name: 'n', parameters: {} } }],
  options: { stop: ['a'], temperature: 1 },
})
const values: unknown[] = [null, true, -1, 1.5, 1e308, '', 'text', [], [null], {}, { a: 1 }, [[[]]]]

/** One that answers before any engine is asked: each body is wrong, or has nothing to ask. */
async function assertRefused(path: string, body: string): Promise<void> {
  const method = path === '/api/delete' ? 'DELETE' : 'POST'
  const headers = { authorization: 'Bearer all' }
  const response = await ollama.post(path, body, { method, headers })
  assert.ok(response.status >= 400 && response.status < 500, `${path} ${response.status}: ${body.slice(0, 200)}`)
  const answer = await jsonOf(response)
  assert.deepEqual(Object.keys(answer), ['error'])
  assert.equal(typeof answer.error, 'string')
}

describe('a body that is none', () => {
  before(() => ollama.service.keys.set('all', { id: '1', name: 'all', scopes: ['admin'] }))

  it('is refused in the shape of this dialect, wherever it comes', async () => {
    const deep = `{"model":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"text"',
      '7',
      '\uFFFF',
      deep,
      '{"model":1}',
      '{"model":null}',
      '{"model":""}',
    ]
    for (const path of paths) for (const body of bodies) await assertRefused(path, body)
  })

  it('is refused wherever it is cut', async () => {
    for (let end = 1; end < whole.length; end += 3) await assertRefused('/api/chat', whole.slice(0, end))
  })

  it('is refused for every field of a wrong type, which the error names', async () => {
    const fields: Record<string, unknown[]> = {
      messages: values.filter((value) => !Array.isArray(value) && value !== null),
      stream: values.filter((value) => typeof value !== 'boolean' && value !== null),
      format: [true, 1, 'text', [], [null]],
      options: [true, 1, 'text', [], { temperature: 'hot' }, { top_k: 1.5 }, { stop: [1] }, { num_ctx: {} }],
      tools: [{}, 'text', [1], [{}], [{ type: 'code', function: { name: 'a' } }], [{ function: { name: '' } }]],
      think: [1, 'a little', [], {}],
      logprobs: [1, 'true'],
      top_logprobs: [-1, 21, 1.5, '3'],
      keep_alive: [true, [], {}, 'soon'],
    }
    for (const [field, wrong] of Object.entries(fields)) {
      for (const value of wrong) {
        const body = JSON.stringify({ ...JSON.parse(whole), [field]: value })
        const response = await ollama.post('/api/chat', body)
        assert.equal(response.status, 400, body)
        assert.match(String((await jsonOf(response)).error), new RegExp(`^"${field}`))
      }
    }
  })

  it('is refused for every message that is none', async () => {
    const wrong = [
      ...values.filter((value) => value !== undefined),
      { role: 'judge', content: 'a' },
      { content: 'a' },
      { role: 'user', content: [] },
      { role: 'user', content: 'a', images: ['AAAA'] },
      { role: 'user', content: 'a', images: ['data:image/png;base64,iVBORw0KGgo='] },
      { role: 'user', content: 'a', images: [[1, 2]] },
      { role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: [] } }] },
      { role: 'assistant', tool_calls: [{ function: {} }] },
    ]
    for (const message of wrong) {
      await assertRefused('/api/chat', JSON.stringify({ model: 'dictated/tiny', messages: [message] }))
    }
  })

  it('with other bytes anywhere is refused or understood, and never a bug', async () => {
    let random = 42
    const next = (most: number) => {
      random = (random * 1103515245 + 12345) % 2147483648
      return random % most
    }
    for (let round = 0; round < 200; round++) {
      const bytes = [...whole]
      for (let change = 0; change <= next(3); change++) bytes[next(bytes.length)] = String.fromCharCode(32 + next(95))
      // Without a prompt the route has nothing to ask an engine.
      const response = await ollama.post('/api/generate', bytes.join(''))
      assert.ok([200, 400].includes(response.status), bytes.join(''))
      await response.arrayBuffer()
    }
    assert.deepEqual(ollama.service.bugs, [])
  })
})
