import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApiMessage } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { opening, toCompacted } from './compacted-messages.ts'
import { describeSaving } from './describe-saving.ts'
import { createMeasure } from './measure.ts'
import { endsUnanswered, planCompaction } from './plan-compaction.ts'
import { turn, words } from './testing/messages.ts'

/** A turn of about 132 tokens, by the generous estimate. */
const long = (name: string) => turn(`${name} ${words(19)}`, words(20))
const overflow = new LmappError('context-overflow', 'Too long.', { details: { contextLength: 900 } }).toData()
const unanswered = (question: string, error = overflow) => turn(question, '', { state: 'failed', error })

function plan(turns: readonly ApiMessage[][], contextLength: number, system: string | null = null) {
  const messages = turns.flat()
  const read = { messages, system }
  const { summary, older, kept } = planCompaction(read, { contextLength, measure: createMeasure(read) })
  return { summary, older: turnsOf(older, turns), kept: turnsOf(kept, turns) }
}

/** The numbers of the turns. */
function turnsOf(some: readonly ApiMessage[], turns: readonly ApiMessage[][]): number[] {
  return [...new Set(some.map((message) => turns.findIndex((turn) => turn.includes(message))))]
}

const six = () => ['a', 'b', 'c', 'd', 'e', 'f'].map(long)

describe('which turns stay word for word', () => {
  it('the newest, as far as they take a third of the context', () => {
    assert.deepEqual(plan(six(), 900), { summary: '', older: [0, 1, 2, 3], kept: [4, 5] })
    assert.deepEqual(plan(six(), 450), { summary: '', older: [0, 1, 2, 3, 4], kept: [5] })
  })

  it('no more than half of the conversation, where the context has room for all', () => {
    assert.deepEqual(plan(six(), 100_000), { summary: '', older: [0, 1, 2], kept: [3, 4, 5] })
  })

  it('not even the last where it alone takes more', () => {
    assert.deepEqual(plan(six(), 300), { summary: '', older: [0, 1, 2, 3, 4, 5], kept: [] })
  })

  it('fewer where the system prompt takes a part of the context', () => {
    assert.deepEqual(plan(six(), 900, words(100)).kept, [5])
    assert.deepEqual(plan(six(), 900, words(1000)).kept, [])
  })

  it('a question without an answer may take half of the context', () => {
    assert.deepEqual(plan([...six(), unanswered(words(100))], 600).kept, [6])
    assert.deepEqual(plan([...six(), turn(words(100), 'Yes.')], 600).kept, [])
  })

  it('a question that never fitted is left out when another was asked after it', () => {
    const turns = [long('a'), long('b'), long('c'), unanswered(words(5000)), unanswered('shorter')]
    assert.deepEqual(plan(turns, 900), { summary: '', older: [0, 1], kept: [2, 4] })
    const other = new LmappError('engine-failed', 'It failed.').toData()
    assert.deepEqual(plan([long('a'), unanswered('again?', other), long('b')], 900).older, [0, 1])
  })

  it('all of them where there is only one, and none where there is none', () => {
    assert.deepEqual(plan([long('a')], 900), { summary: '', older: [], kept: [0] })
    assert.deepEqual(plan([], 900), { summary: '', older: [], kept: [] })
  })

  it('an earlier summary is no turn', () => {
    const turns = [turn(opening, 'Herons were seen.'), ...six()]
    assert.deepEqual(plan(turns, 900), { summary: 'Herons were seen.', older: [1, 2, 3, 4], kept: [5, 6] })
    assert.deepEqual(plan([turn(opening, ''), long('a'), long('b')], 900).older, [0, 1])
  })

  it('what stands before the first question is a turn too', () => {
    const [, greeting] = turn('', 'Welcome.')
    assert.ok(greeting)
    assert.deepEqual(plan([[greeting], long('a'), long('b')], 900).older, [0, 1])
  })
})

describe('endsUnanswered', () => {
  it('knows whether the last question got a word', () => {
    assert.equal(endsUnanswered([...long('a'), ...unanswered('b')]), true)
    assert.equal(endsUnanswered([...unanswered('a'), ...long('b')]), false)
    assert.equal(endsUnanswered([]), false)
  })
})

describe('what is said to be won', () => {
  const counted = { usage: { inputTokens: 90, outputTokens: 70, reasoningTokens: 60, contextLength: 4096 } }

  it('goes by what the engine counted, without thoughts, and has two digits', () => {
    const messages = [...long('a'), ...turn('b', 'c', counted), ...long('d')]
    const measure = createMeasure({ messages, system: null })
    assert.equal(measure.isCounted, true)
    assert.equal(Math.round(measure.systemTokens + measure.tokens(messages.slice(0, 4))), 100)
    assert.equal(describeSaving(measure, messages, messages.slice(2, 4)), 'About 170 tokens became 28.')
  })

  it('is not said where nobody counted', () => {
    const messages = long('a')
    assert.equal(describeSaving(createMeasure({ messages, system: 'Be brief.' }), messages, []), '')
  })

  it('copies have no count of the prompt that they were the answer to', () => {
    const end = { type: 'end', state: 'complete', usage: { inputTokens: 9, outputTokens: 2 }, timings: { totalMs: 1 } }
    const [running] = turn('x', 'y').slice(1)
    assert.ok(running)
    const copied = toCompacted({ text: 'Herons.', end: { ...end, type: 'end', state: 'complete' } }, [
      ...turn('b', 'c', counted),
      { ...running, state: 'running' },
    ])
    assert.deepEqual(
      copied.map(({ text, state, usage }) => [text, state, usage]),
      [
        [opening, 'complete', null],
        ['Herons.', 'complete', { outputTokens: 2 }],
        ['b', 'complete', null],
        ['c', 'complete', { outputTokens: 70, reasoningTokens: 60, contextLength: 4096 }],
        ['y', 'incomplete', null],
      ],
    )
    assert.deepEqual(
      copied.map(({ parentId }) => parentId),
      [null, ...copied.slice(0, -1).map(({ id }) => id)],
    )
    assert.equal(createMeasure({ messages: copied, system: null }).isCounted, false)
  })
})
