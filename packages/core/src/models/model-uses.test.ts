import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCore } from '../testing/open-core.ts'
import { createModelUses } from './model-uses.ts'

test('the last use of each model is kept, also by the next service', async () => {
  await using core = await openCore({ boxes: {} })
  let time = Date.parse('2026-05-01T00:00:00Z')
  const uses = createModelUses(core.store, () => time)
  await uses.note('box/a')
  time += 1000
  await Promise.all([uses.note('box/b'), uses.note('box/a')])
  const again = await createModelUses(core.store).all()
  assert.deepEqual(Object.fromEntries(again), {
    'box/b': '2026-05-01T00:00:01.000Z',
    'box/a': '2026-05-01T00:00:01.000Z',
  })
})

test('only the latest are kept', async () => {
  await using core = await openCore({ boxes: {} })
  const uses = createModelUses(core.store)
  for (let index = 0; index <= 500; index += 1) await uses.note(`box/${index}`)
  const all = await uses.all()
  assert.deepEqual([all.size, all.has('box/0'), all.has('box/500')], [500, false, true])
})

test('what is no such record counts as none, and a store that fails is asked again', async () => {
  await using core = await openCore({ boxes: {} })
  for (const text of ['no JSON', '7', 'null', '{"a":1}']) {
    await core.store.setFact('model-uses', text)
    assert.equal((await createModelUses(core.store).all()).size, 0)
  }
  let isBroken = true
  const uses = createModelUses({
    setFact: async () => {},
    getFact: async () => {
      if (isBroken) throw new Error('The disk is gone.')
      return '{"box/a":"2026-01-01"}'
    },
  })
  await assert.rejects(uses.all())
  isBroken = false
  assert.equal((await uses.all()).get('box/a'), '2026-01-01')
})
