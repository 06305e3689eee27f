import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Backend, isLmappError, LmappError, type Message, type ToolDefinition } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { openCore } from '../testing/open-core.ts'
import { type CountRequest, createTokenCounter } from './create-token-counter.ts'

const hello: Message[] = [{ role: 'user', content: [{ type: 'text', text: 'Good morning to you' }] }]
const weather: ToolDefinition = { name: 'get_weather', parameters: { type: 'object' } }
const able = { toolCall: { name: 'get_weather', arguments: {} } }

/** A type whose backend is the mock but for how it counts. */
function toType(name: string, countTokens: Backend['countTokens'], more: Partial<BackendType> = {}): BackendType {
  const create = (): Backend => {
    const real = createMockBackend({ models: { m: {} } })
    return {
      start: (options) => real.start(options),
      stop: () => real.stop(),
      isRunning: () => real.isRunning(),
      chat: (request, options) => real.chat(request, options),
      listModels: () => real.listModels(),
      getInfo: () => real.getInfo(),
      ...(countTokens && { countTokens }),
      [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
    }
  }
  return { name, execution: 'built-in', owner: 'lmapp', create, ...more }
}

const cannot = toType('cannot', undefined)
const failing = (error: Error) =>
  toType('failing', async () => {
    throw error
  })

async function open(
  boxes: Record<string, Record<string, object>>,
  { types = [], config = {}, ...more }: { types?: BackendType[]; config?: object; now?: () => number } = {},
) {
  const backends = Object.fromEntries(types.map(({ name }) => [name, { type: name }]))
  const core = await openCore({ boxes, config, backends, types, ...more })
  const counter = createTokenCounter({
    backends: core.registry,
    library: core.library,
    config: async () => core.config,
  })
  const count = (model: string | undefined, request: Partial<CountRequest> = {}) =>
    counter.count({
      ...(model !== undefined && { model }),
      messages: hello,
      environment: {},
      offline: true,
      signal: new AbortController().signal,
      ...request,
    })
  return { core, count, [Symbol.asyncDispose]: () => core[Symbol.asyncDispose]() }
}

const is = (code: Parameters<typeof isLmappError>[1]) => (error: unknown) => isLmappError(error, code)

describe('counting tokens', () => {
  it('is done by the backend, which is named, with the tools', async () => {
    await using room = await open({ box: { m: able } })
    assert.deepEqual(await room.count('box/m'), { model: 'box/m', tokens: 5, exact: true })
    const { tokens, exact } = await room.count('box/m', { tools: [weather] })
    assert.ok(tokens > 5 && exact)
    assert.deepEqual(await room.count('box/m', { tools: [] }), { model: 'box/m', tokens: 5, exact: true })
  })

  it('loads no model', async () => {
    await using room = await open({ box: { m: { load: { steps: 2, stepMs: 1 } } } })
    await room.count('box/m')
    const box = await room.core.registry.get('box', {})
    assert.deepEqual((await box.backend.isRunning()).models, [{ id: 'm', state: 'unloaded' }])
  })

  it('is done by the first candidate that can', async () => {
    const config = { aliases: { any: ['cannot/m', 'box/m'] } }
    await using room = await open({ box: { m: {} } }, { types: [cannot], config })
    assert.deepEqual(await room.count('any'), { model: 'box/m', tokens: 5, exact: true })
  })

  it('passes over one that has no such model, as an answer would', async () => {
    const config = { aliases: { any: ['box/gone', 'other/m'], none: ['box/gone', 'cannot/m'] } }
    await using room = await open({ box: { m: {} }, other: { m: {} } }, { types: [cannot], config })
    assert.equal((await room.count('any')).model, 'other/m')
    assert.equal((await room.count('none')).exact, false)
  })

  it('is an estimate where none can, which grows with texts, tools and images', async () => {
    await using room = await open({}, { types: [cannot] })
    const counted = await room.count('cannot/m')
    assert.deepEqual(counted, { model: 'cannot/m', tokens: 8 + Math.ceil(19 / 3), exact: false })
    const { tokens } = await room.count('cannot/m', { tools: [weather] })
    assert.ok(tokens > counted.tokens)
    const image = { type: 'image' as const, mediaType: 'image/png', data: 'AAAA'.repeat(100_000) }
    const seen = await room.count('cannot/m', { messages: [{ role: 'user', content: [image] }] })
    assert.equal(seen.tokens, 8 + 1024)
    const called: Message[] = [
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'abc' },
          { type: 'tool-call', id: '1', name: 'ab', arguments: '{}34567' },
        ],
      },
    ]
    assert.equal((await room.count('cannot/m', { messages: called })).tokens, 8 + 4)
  })

  it('is an estimate where the backend fails, which its breaker does not hold against it', async () => {
    const type = failing(new LmappError('engine-failed', 'No.'))
    await using room = await open({}, { types: [type] })
    for (let turn = 0; turn < 4; turn += 1) assert.equal((await room.count('failing/m')).exact, false)
    assert.equal((await room.core.registry.get('failing', {})).breaker.current.state, 'closed')
  })

  it('is an estimate where the backend fails by what is no typed error', async () => {
    await using room = await open({}, { types: [failing(new TypeError('Oh.'))] })
    assert.equal((await room.count('failing/m')).exact, false)
  })

  it('does not ask what just failed', async () => {
    await using room = await open({ box: { m: {} } })
    const { breaker } = await room.core.registry.get('box', {})
    breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
    assert.deepEqual(await room.count('box/m'), { model: 'box/m', tokens: 15, exact: false })
    assert.equal(breaker.current.state, 'open')
  })

  it('fetches nothing that a backend would need', async () => {
    const prepared: boolean[] = []
    const type = toType('large', async () => ({ tokens: 1, exact: true }), {
      async *prepare(_definition, _context, { offline }) {
        prepared.push(offline)
        yield { type: 'status', phase: 'fetching' }
        throw new LmappError('offline', 'It is not here.')
      },
    })
    await using room = await open({}, { types: [type] })
    assert.equal((await room.count('large/m', { offline: false })).exact, false)
    assert.deepEqual(prepared, [true])
  })

  it('of an unknown model, of nothing, or of what the engine calls wrong, is refused', async () => {
    await using room = await open({ box: { m: {} } }, { types: [failing(new LmappError('bad-input', 'Wrong.'))] })
    await assert.rejects(room.count('box/other'), is('model-not-found'))
    await assert.rejects(room.count('failing/m'), is('bad-input'))
    await assert.rejects(room.count('box/m', { messages: [] }), is('bad-input'))
  })

  it('without a name is for the model that would answer', async () => {
    await using room = await open({ box: { m: {} } }, { config: { model: 'box/m' } })
    assert.equal((await room.count(undefined)).model, 'box/m')
  })

  it('ends when the caller leaves', async () => {
    const leaving = new AbortController()
    const type = toType('slow', async () => {
      leaving.abort()
      throw new Error('It was interrupted.')
    })
    await using room = await open({}, { types: [type] })
    await assert.rejects(room.count('slow/m', { signal: leaving.signal }), is('cancelled'))
  })
})
