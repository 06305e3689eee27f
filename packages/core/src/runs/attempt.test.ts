import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CallOptions, fromBatches, isLmappError, type Part } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { openCore } from '../testing/open-core.ts'
import { runAttempt } from './attempt.ts'

/** Says `first`, then only that it still loads, whenever it is asked for its health: it is never silent, and never lives. */
function dying(owner: BackendType['owner'], first: Part[]): BackendType {
  return {
    name: 'dying',
    execution: 'built-in',
    owner,
    create() {
      const whole = createMockBackend({ models: { m: {} } })
      let asked = Promise.withResolvers<void>()
      return {
        start: () => whole.start(),
        stop: () => whole.stop(),
        listModels: () => whole.listModels(),
        getInfo: () => whole.getInfo(),
        [Symbol.asyncDispose]: () => whole.stop(),
        async isRunning() {
          asked.resolve()
          return { running: false, state: 'failed', active: 1, queued: 0, models: [], degraded: 'It is gone.' }
        },
        async *chat(_request, { signal } = {}) {
          signal?.addEventListener('abort', () => asked.resolve())
          yield* first
          while (!signal?.aborted) {
            await asked.promise
            asked = Promise.withResolvers<void>()
            yield { type: 'status', phase: 'loading' }
          }
        },
      }
    },
  }
}

async function attempt(types: BackendType[], model: string): Promise<unknown> {
  const timeouts = { connectMs: 1000, loadMs: 800, stallMs: 800 }
  const backends = Object.fromEntries(types.map(({ name }) => [name, { type: name }]))
  await using core = await openCore({ boxes: { box: { gemma: {} } }, backends, types, config: { timeouts } })
  const [id = '', name = ''] = model.split('/')
  const trying = runAttempt({
    target: await core.registry.get(id, {}),
    request: { model: name, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
    signal: new AbortController().signal,
    offline: true,
    take: () => undefined,
  })
  return await trying.catch((error: unknown) => error)
}

describe('an attempt', () => {
  const cases = [
    ['external', [], 'backend-unreachable'],
    ['lmapp', [], 'engine-failed'],
    ['external', [{ type: 'text-delta', text: 'One' }], 'engine-died'],
  ] as const
  for (const [owner, first, code] of cases) {
    it(`whose engine (${owner}) is gone after ${first.length} tokens fails with ${code}`, async () => {
      const error = await attempt([dying(owner, [...first])], 'dying/m')
      assert.ok(isLmappError(error, code), String(error))
      assert.equal(error.message, 'It is gone.')
    })
  }

  it('that is cancelled within what came together takes nothing more of it', async () => {
    const abort = new AbortController()
    const word: Part = { type: 'text-delta', text: 'One' }
    const isOver: boolean[] = []
    const type: BackendType = {
      ...dying('external', []),
      create(definition, context) {
        async function* answer(signal: AbortSignal | undefined): AsyncGenerator<readonly Part[]> {
          yield [word, word, { type: 'finish', reason: 'stop', usage: {} }]
          isOver.push(signal?.aborted === true)
          yield [{ type: 'finish', reason: 'cancelled', usage: { outputTokens: 2 } }]
        }
        const whole = dying('external', []).create(definition, context)
        return Object.assign(whole, { chat: (_: unknown, { signal }: CallOptions = {}) => fromBatches(answer(signal)) })
      },
    }
    await using core = await openCore({ boxes: {}, backends: { dying: { type: 'dying' } }, types: [type] })
    const taken: Part[] = []
    const finish = await runAttempt({
      target: await core.registry.get('dying', {}),
      request: { model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
      signal: abort.signal,
      offline: true,
      take(part) {
        taken.push(part)
        abort.abort()
        return undefined
      },
    })
    assert.deepEqual([taken, isOver], [[word], [true]])
    assert.deepEqual(finish, { type: 'finish', reason: 'cancelled', usage: { outputTokens: 2 } })
  })

  it('with a model that the backend does not know names the nearest, and the command that fetches it', async () => {
    const error = await attempt([], 'box/gema')
    assert.ok(isLmappError(error, 'model-not-found'), String(error))
    assert.match(error.message, /The nearest: box\/gemma\.$/)
    assert.equal(error.hint, 'Fetch it: lmapp models pull box/gema')
  })
})
