import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Run } from '../runs/run.ts'
import { type Core, openCore, toQuestion } from '../testing/open-core.ts'
import { toCleanTitle } from './clean-title.ts'
import { createTitler } from './create-titler.ts'

/** A titler whose wishes are granted at once, and a promise of what it did with each conversation. */
function open(core: Core, titles: 'model' | 'first-words' = 'model') {
  const settled = Promise.withResolvers<{ id: string; title: string; taken: boolean }>()
  const lines: string[] = []
  const titler = createTitler({
    store: {
      getConversation: (id, owner) => core.store.getConversation(id, owner),
      async setAutomaticTitle(id, title) {
        const taken = await core.store.setAutomaticTitle(id, title)
        settled.resolve({ id, title, taken })
        return taken
      },
    },
    runs: core.runs,
    config: async () => ({ ...core.config, history: { titles } }),
    log: (line) => lines.push(line),
    idleMs: 0,
  })
  return { titler, settled: settled.promise, lines }
}

async function ask(core: Core, more: object = {}): Promise<Run> {
  const run = await core.runs.start(toQuestion('Why is the sky blue, and the grass not?', { model: 'box/m', ...more }))
  await run.ended
  return run
}

const titleOf = async (core: Core, run: Run) => (await core.store.getConversation(run.message, 'owner')).title

describe('a title by the model', () => {
  it('replaces the first words when nobody wants anything else', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: '"Sky, after {turns} turns."' } } } })
    const { titler, settled } = open(core)
    using _titler = titler
    const run = await ask(core)
    assert.equal(await titleOf(core, run), 'Why is the sky blue, and the grass not?')
    titler.answered(run, toQuestion(''))
    assert.deepEqual(await settled, { id: run.conversation, title: 'Sky, after 2 turns', taken: true })
    assert.equal(await titleOf(core, run), 'Sky, after 2 turns')
  })

  it('never replaces one that a person gave', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'Sky' } } } })
    const { titler, settled } = open(core)
    using _titler = titler
    const run = await ask(core)
    await core.store.renameConversation(run.conversation ?? '', 'Mine', 'owner')
    titler.answered(run, toQuestion(''))
    assert.equal((await settled).taken, false)
    assert.equal(await titleOf(core, run), 'Mine')
  })

  it('is asked for only where it is wished, after a first answer that is whole', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'Sky' }, drops: { fault: { kind: 'drop' } } } } })
    const unwished = open(core, 'first-words')
    using _unwished = unwished.titler
    const { titler, settled } = open(core)
    using _titler = titler
    const first = await ask(core)
    unwished.titler.answered(first, toQuestion(''))
    const second = await ask(core, { conversation: first.conversation })
    const broken = await ask(core, { model: 'box/drops' })
    const other = await ask(core)
    for (const run of [second, broken, other]) titler.answered(run, toQuestion(''))
    assert.equal((await settled).id, other.conversation)
    assert.equal(await titleOf(core, first), 'Why is the sky blue, and the grass not?')
  })

  it('gives way to whoever asks meanwhile', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'Sky ', repeatTokens: 30, paceMs: 5 } } } })
    const { titler, settled } = open(core)
    using _titler = titler
    const run = await ask(core)
    titler.answered(run, toQuestion(''))
    while (core.runs.active === 0) await new Promise((resolve) => setImmediate(resolve))
    const [asked] = core.runs.list('owner')
    const mine = await core.runs.start(toQuestion('Now?', { model: 'box/m' }))
    titler.activity()
    assert.equal((await asked?.ended)?.state, 'stopped')
    assert.equal((await mine.ended).state, 'complete')
    titler.answered(run, toQuestion(''))
    titler.activity()
    assert.ok((await settled).taken)
  })
})

describe('what a model says when it is asked for a title', () => {
  it('is freed of quotes, marks and what it says about it', () => {
    const said = ['"Blue Sky"', '**Title:** Blue Sky', '# Blue Sky\nBecause …', '\n  Blue   Sky.  ', '- «Blue Sky»']
    for (const text of said) assert.equal(toCleanTitle(text), 'Blue Sky')
  })

  it('is none when it is empty, and cut at a word when it is long', () => {
    for (const text of ['', ' \n ', '""', '...']) assert.equal(toCleanTitle(text), undefined)
    const long = toCleanTitle('word '.repeat(40)) ?? ''
    assert.ok(long.length <= 61 && long.endsWith('word…'), long)
  })
})
