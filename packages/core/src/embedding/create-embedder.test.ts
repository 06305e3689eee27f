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
})
