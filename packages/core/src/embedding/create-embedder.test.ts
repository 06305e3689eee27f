import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { openCore } from '../testing/open-core.ts'
import { createEmbedder } from './create-embedder.ts'

async function open(boxes: Record<string, Record<string, object>>, config: object = {}) {
  const core = await openCore({ boxes, config })
  const embedder = createEmbedder({ backends: core.registry, library: core.library, config: async () => core.config })
  const embed = (model: string | undefined, ...input: string[]) =>
    embedder.embed({
      ...(model !== undefined && { model }),
      input,
      environment: {},
      offline: true,
      signal: new AbortController().signal,
    })
  return { core, embedder, embed, [Symbol.asyncDispose]: () => core[Symbol.asyncDispose]() }
}

const is = (code: Parameters<typeof isLmappError>[1]) => (error: unknown) => isLmappError(error, code)

describe('embedding', () => {
  it('gives one vector for each text, in their order, and says who made them', async () => {
    await using room = await open({ box: { e: { embedDimensions: 8 } } })
    const { model, vectors, inputTokens } = await room.embed('box/e', 'one', 'two', 'one')
    assert.equal(model, 'box/e')
    assert.deepEqual(
      vectors.map(({ length }) => length),
      [8, 8, 8],
    )
    assert.deepEqual(vectors[0], vectors[2])
    assert.notDeepEqual(vectors[0], vectors[1])
    assert.ok((inputTokens ?? 0) > 0)
  })

  it('passes over a candidate that cannot, and names the first reason when none can', async () => {
    await using room = await open(
      { box: { chats: {} }, other: { e: { embedDimensions: 4 } } },
      { aliases: { any: ['box/chats', 'other/e'], none: ['box/chats'] } },
    )
    assert.equal((await room.embed('any', 'text')).model, 'other/e')
    await assert.rejects(room.embed('none', 'text'), is('unsupported'))
    await assert.rejects(room.embed('box/nothing', 'text'), is('model-not-found'))
  })

  it('refuses no text, and an empty one by its number', async () => {
    await using room = await open({ box: { e: { embedDimensions: 4 } } })
    await assert.rejects(room.embed('box/e'), is('bad-input'))
    await assert.rejects(room.embed('box/e', 'one', ' \n'), (error) => {
      assert.ok(isLmappError(error, 'bad-input'))
      assert.match(error.message, /Text 2/)
      return true
    })
  })

  it('without a name uses the default model, and says when nothing can', async () => {
    await using room = await open({ box: { e: { embedDimensions: 4 } } }, { model: 'box/e' })
    assert.equal((await room.embed(undefined, 'text')).model, 'box/e')
    await using chatting = await open({ box: { m: {} } }, { model: 'box/m' })
    await assert.rejects(chatting.embed(undefined, 'text'), is('unsupported'))
  })

  it('ends when the caller leaves', async () => {
    await using room = await open({ box: { e: { embedDimensions: 4 } } })
    const request = { model: 'box/e', input: ['text'], environment: {}, offline: true, signal: AbortSignal.abort() }
    await assert.rejects(room.embedder.embed(request), is('cancelled'))
  })

  it('takes a slot like an answer: it waits its turn, and the next candidate is asked when too many wait', async () => {
    const one = { embedDimensions: 4 }
    const config = { aliases: { any: ['box/e', 'other/e'] } }
    const backends = { box: { type: 'mock', parallel: 1, models: { e: one } } }
    await using core = await openCore({ boxes: { other: { e: one } }, backends, config })
    const embedder = createEmbedder({ backends: core.registry, library: core.library, config: async () => core.config })
    const { signal } = new AbortController()
    const embed = (model: string, more: { signal?: AbortSignal; client?: string } = {}) =>
      embedder.embed({ model, input: ['text'], environment: {}, offline: true, signal, ...more })
    const { admission, breaker } = await core.registry.get('box', {})
    const slot = await admission.enter({ model: 'e', client: 'x', signal })
    const waiting = embed('any')
    const leaving = new AbortController()
    const left = embed('box/e', { signal: leaving.signal, client: 'y' })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(admission.waiting, 2)
    leaving.abort()
    await assert.rejects(left, is('cancelled'))
    const others = Array.from({ length: 63 }, () => admission.enter({ model: 'e', client: 'x', signal }))
    assert.equal((await embed('any')).model, 'other/e')
    await assert.rejects(embed('box/e'), is('busy'))
    assert.equal(breaker.current.state, 'closed')
    slot[Symbol.dispose]()
    assert.equal((await waiting).model, 'box/e')
    for (const other of others) (await other)[Symbol.dispose]()
    assert.deepEqual([admission.active, admission.waiting], [0, 0])
  })
})
