import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { post, read } from '../testing/ask.ts'
import { path, refused } from './testing/ask-response.ts'
import { openService } from './testing/open-service.ts'

/** The same in every run. */
function createRandom(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state % below
  }
}

const nest = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

describe('a malformed request', async () => {
  const service = await openService()
  after(() => service[Symbol.asyncDispose]())

  it('is refused in the shape of the API, whatever stands wherever', async () => {
    const random = createRandom(7)
    const values = [null, 0, -1, 1e308, '', 'x', [], {}, [[]], [{}], true, '\u0000', [null], { type: 'x' }, { type: 7 }]
    const good = {
      previous_response_id: 'resp_that_is_none',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'x' }] },
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'x' }] },
      ],
      tools: [{ type: 'function', name: 'f', parameters: {} }],
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ name: 'f' }] },
      text: { format: { type: 'json_schema', name: 'x', schema: {} }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'auto' },
      metadata: { a: 'b' },
      include: ['x'],
    }
    for (let round = 0; round < 400; round++) {
      const body = structuredClone(good)
      let at: unknown = body
      for (let depth = random(5); depth >= 0; depth--) {
        if (typeof at !== 'object' || at === null) break
        const keys = Object.keys(at)
        const key = keys[random(Math.max(1, keys.length))]
        if (key === undefined || key === 'previous_response_id') break
        if (depth === 0) Object.assign(at, { [key]: values[random(values.length)] })
        else at = (at as { [key: string]: unknown })[key]
      }
      const { status, body: told } = await refused(service, body)
      assert.ok(status >= 400 && status < 500, `${status}: ${JSON.stringify(body)}`)
      assert.equal(typeof told.error.message, 'string')
      assert.equal(told.error.type, 'invalid_request_error')
    }
  })

  it('is refused where it is cut short, no object, or nested without end', async () => {
    const whole = JSON.stringify({ input: 'Hi', model: 'nobody/has-this', metadata: { a: 'b' } })
    const deep = nest(20_000)
    for (const body of [
      ...Array.from({ length: whole.length }, (_, length) => whole.slice(0, length)),
      '[]',
      'null',
      '"x"',
      deep,
      `{"input":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `{"input":"Hi","tools":[{"type":"function","name":"f","parameters":${deep}}]}`,
      `{"input":"Hi","text":{"format":{"type":"json_schema","schema":${deep}}}}`,
      `{"input":[{"role":"user","content":${deep}}]}`,
      `{"input":"Hi","metadata":${deep}}`,
      `{"input":"Hi","tool_choice":${deep}}`,
    ]) {
      const { status, body: told } = await refused(service, body)
      assert.ok(status >= 400 && status < 500, `${status}: ${body.slice(0, 80)}`)
      assert.equal(told.error.type, 'invalid_request_error')
    }
  })

  it('is one for an id that is none', async () => {
    for (const id of ['resp_', 'x', '%00', '..%2f..', `resp_${'a'.repeat(5_000)}`, '__proto__', 'constructor']) {
      const url = `${service.address}${path}/${id}`
      for (const asked of [
        fetch(url),
        fetch(url, { method: 'DELETE' }),
        fetch(`${url}/input_items`),
        post(service, `${path}/${id}/cancel`, {}),
      ]) {
        const { status, body } = await read(asked)
        assert.equal(status, 404, id)
        assert.equal(body.error.type, 'invalid_request_error')
      }
      const told = await refused(service, { input: 'Hi', previous_response_id: id })
      assert.equal(told.status, 404)
    }
  })
})
