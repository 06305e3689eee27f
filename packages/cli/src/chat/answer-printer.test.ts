import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunEnd, RunEvent } from 'lmapp-kit'
import { complete, start, text } from '../testing/scripted-service.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { type AnswerPrinterOptions, createAnswerPrinter } from './answer-printer.ts'

const plain: AnswerPrinterOptions = { quiet: false, hideReasoning: false, extract: false, goOn: 'lmapp continue' }
const terminals: TestContextOptions = { stdout: { isTerminal: true }, stderr: { isTerminal: true } }

async function show(
  events: readonly Exclude<RunEvent, RunEnd>[],
  end: RunEnd,
  given: { options?: Partial<AnswerPrinterOptions>; context?: TestContextOptions } = {},
) {
  const context = createTestContext(given.context)
  const printer = createAnswerPrinter(context, { ...plain, ...given.options })
  for (const event of events) await printer.print(event)
  const code = await printer.end(end)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

describe('an answer on stdout', () => {
  it('ends with one line break, its own or ours', async () => {
    assert.equal((await show([start, text('a')], complete)).stdout, 'a\n')
    assert.equal((await show([start, text('a\n')], complete)).stdout, 'a\n')
    assert.equal((await show([start, text('a\n\n')], complete)).stdout, 'a\n\n')
  })

  it('is nothing at all when nothing arrived', async () => {
    const end: RunEnd = { ...complete, state: 'failed', error: { code: 'no-backend', message: 'Nobody.', hint: 'Do.' } }
    const shown = await show([start], end)
    assert.deepEqual(shown, { code: 3, stdout: '', stderr: 'lmapp: Nobody.\n  Do.\n' })
  })

  it('reaches a pipe byte for byte, and a terminal without control characters', async () => {
    const evil = text('a\u001b]52;c;eA==\u0007\r\nb')
    assert.equal((await show([start, evil], complete)).stdout, 'a\u001b]52;c;eA==\u0007\r\nb\n')
    assert.equal((await show([start, evil], complete, { context: terminals })).stdout, 'a␛]52;c;eA==␇\nb\n')
  })

  it('is only the first code block with --extract', async () => {
    const answer = ['Sure:\n``', '`py\nprint(1)\n', 'x = 2\n```\nDone.\n```\nno\n```\n'].map(text)
    const shown = await show([start, ...answer], complete, { options: { extract: true } })
    assert.equal(shown.stdout, 'print(1)\nx = 2\n')
    assert.equal(shown.code, 0)
  })

  it('fails with --extract when there is no code block', async () => {
    const shown = await show([start, text('No code.')], complete, { options: { extract: true } })
    assert.equal(shown.stdout, '')
    assert.equal(shown.code, 7)
    assert.match(shown.stderr, /no code block.*\n {2}See all of it: lmapp history show c1\n/)
    const { conversation: _, ...unsaved } = start
    const lost = await show([unsaved, text('No code.')], complete, { options: { extract: true } })
    assert.match(lost.stderr, /\n {2}Ask again: nothing was saved\n/)
  })
})

describe('what is said on stderr', () => {
  it('is nothing for a complete answer into a pipe', async () => {
    assert.equal((await show([start, { type: 'status', phase: 'loading' }, text('a')], complete)).stderr, '')
  })

  it('is one line of usage after the answer on a terminal', async () => {
    const shown = await show([start, text('a')], complete, { context: terminals })
    assert.equal(shown.stderr, 'box/tiny · 42 tokens · 30 tok/s · first token 0.2 s\n')
  })

  it('shows the phases on a terminal until the first word', async () => {
    const events = [start, { type: 'status', phase: 'loading', progress: { done: 43, unit: 'percent' } } as const]
    const shown = await show([...events, text('a')], complete, { context: terminals })
    assert.ok(shown.stderr.startsWith('\r\u001b[Kloading the model · 43 %\r\u001b[K'), JSON.stringify(shown.stderr))
  })

  it('does not let a phase disturb the answer on the same terminal', async () => {
    const late = { type: 'status', phase: 'generating' } as const
    const shown = await show([start, text('a'), late, text('b')], complete, { context: terminals })
    assert.doesNotMatch(shown.stderr, /answering/)
  })

  it('holds the reasoning, dimmed where there are colours', async () => {
    const events = [start, { type: 'reasoning-delta', text: 'Hm.' } as const, text('Yes.')]
    assert.equal((await show(events, complete)).stderr, 'Hm.\n\n')
    const colored = await show(events, complete, { context: { stderr: { colors: true } } })
    assert.equal(colored.stderr, '\u001b[2mHm.\u001b[22m\n\n')
    assert.equal((await show(events, complete, { options: { hideReasoning: true } })).stderr, '')
    assert.equal((await show([start, { type: 'reasoning-delta', text: 'Hm.\n' }], complete)).stderr, 'Hm.\n\n')
  })

  it('holds warnings, handovers and tool calls, on lines of their own', async () => {
    const events: Exclude<RunEvent, RunEnd>[] = [
      start,
      text('The sk'),
      { type: 'warning', code: 'other', message: 'Careful.' },
      { type: 'handover', from: 'a/x', to: 'b/y', reason: { code: 'engine-died', message: 'It died.' } },
      text('y'),
      { type: 'tool-call', id: '1', name: 'look', arguments: '{\n"up":1}' },
    ]
    const piped = await show(events, complete)
    assert.equal(piped.stdout, 'The sky\n')
    assert.equal(
      piped.stderr,
      'lmapp: warning: Careful.\nlmapp: a/x failed: It died. b/y carries on.\nlmapp: The model wants to call look({ "up":1}).\n',
    )
    const shown = await show(events, complete, { context: terminals })
    assert.match(shown.stderr, /^\nlmapp: warning/)
    assert.match(shown.stderr, /b\/y · 42 tokens/)
    assert.equal((await show(events, complete, { options: { quiet: true } })).stderr, '')
  })

  it('says that the length limit cut it, and how to go on', async () => {
    const shown = await show([start, text('a')], { ...complete, state: 'length', reason: 'length' })
    assert.equal(shown.code, 10)
    assert.equal(
      shown.stderr,
      'lmapp: The answer was cut by the length limit (42 tokens). Go on with it: lmapp continue\n',
    )
  })

  it('does not promise to go on with what was not saved', async () => {
    const { conversation: _, ...unsaved } = start
    const shown = await show([unsaved, text('a')], { ...complete, state: 'length', usage: {} })
    assert.equal(shown.stderr, 'lmapp: The answer was cut by the length limit.\n')
    const hints = [undefined, 'Go on with it: lmapp continue', 'See what was found: lmapp doctor']
    const said = hints.map(async (hint) => {
      const error = { code: 'engine-died', message: 'It died.', ...(hint && { hint }) } as const
      return (await show([unsaved, text('a')], { ...complete, state: 'incomplete', error })).stderr
    })
    assert.deepEqual(await Promise.all(said), [
      'lmapp: It died.\n  Ask again: nothing was saved\n',
      'lmapp: It died.\n  Ask again: nothing was saved\n',
      'lmapp: It died.\n  See what was found: lmapp doctor\n',
    ])
    for (const state of ['incomplete', 'crashed'] as const) {
      const cut = await show([unsaved, text('a')], { ...complete, state })
      assert.match(cut.stderr, /\.\n {2}Ask again: nothing was saved\n/)
    }
  })

  it('says what made it incomplete', async () => {
    const end: RunEnd = { ...complete, state: 'incomplete', reason: 'content-filter' }
    assert.match((await show([start, text('a')], end)).stderr, /incomplete \(content-filter\); what arrived is kept/)
    assert.match((await show([start, text('a')], { ...end, state: 'crashed' })).stderr, /service ended/)
    assert.match((await show([start], { ...end, state: 'failed', reason: 'stop' })).stderr, /No answer came\./)
    const error = { code: 'stalled', message: 'Nothing came.' } as const
    const stalled = await show([start, text('a')], { ...end, error })
    assert.equal(stalled.code, 8)
    assert.match(stalled.stderr, /Nothing came\.\n {2}Go on with it: lmapp continue/)
  })

  it('is only errors with --quiet', async () => {
    const quiet = { options: { quiet: true }, context: terminals }
    assert.equal((await show([start, text('a')], { ...complete, state: 'length' }, quiet)).stderr, '')
    assert.match((await show([start, text('a')], { ...complete, state: 'incomplete' }, quiet)).stderr, /incomplete/)
  })

  it('leaves nothing behind when the command leaves', async () => {
    const context = createTestContext(terminals)
    const printer = createAnswerPrinter(context, plain)
    await printer.print({ type: 'status', phase: 'connecting' })
    await printer.leave()
    assert.ok(context.stderr.text.endsWith('\r\u001b[K'))
  })
})
