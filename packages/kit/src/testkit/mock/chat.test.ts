import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text as readAll } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ask, codeOf, fail, open, say } from '../fixtures/ask-mock.ts'
import { createInstantClock } from '../fixtures/instant-clock.ts'
import { readChat, tryChat } from '../read-chat.ts'

describe('the time that a mock takes', () => {
  it('is its pace, for each token', async () => {
    const clock = createInstantClock()
    await say({ reply: 'one two three', paceMs: 20 }, 'Hi.', {}, { clock })
    assert.deepEqual(clock.waits, [20, 20, 20])
  })

  it('keeps to a rate that is finer than a timer', async () => {
    const clock = createInstantClock()
    await say({ reply: 'one ', repeatTokens: 4000, tokensPerSecond: 2000 }, 'Hi.', {}, { clock })
    assert.equal(clock.now(), 2000)
    assert.equal(clock.waits.length, 2000)
  })

  it('lets others have a turn in the middle of a flood', async () => {
    await using mock = await open({ models: { m: { reply: 'one ', repeatTokens: 5000 } } })
    let turns = 0
    const turn = () => {
      turns += 1
      timer = setImmediate(turn)
    }
    let timer = setImmediate(turn)
    await readChat(mock.chat(ask('Hi.')))
    clearImmediate(timer)
    assert.ok(turns >= 5, `${turns} turns`)
  })

  it('is reported while the prompt is read and the model loads, and counted', async () => {
    const clock = createInstantClock()
    const script = { promptMs: 400, load: { steps: 4, stepMs: 50 }, paceMs: 10 }
    const { statuses, finishes } = await say(script, 'one two three', {}, { clock })
    assert.deepEqual(
      statuses.map(({ phase, progress }) => `${phase} ${progress?.done}/${progress?.total} ${progress?.unit}`),
      [
        ...[0, 25, 50, 75].map((done) => `loading ${done}/100 percent`),
        ...[1, 2, 3, 4].map((done) => `prompt ${done}/4 tokens`),
      ],
    )
    assert.deepEqual(finishes[0]?.timings, { loadMs: 200, promptMs: 400, generationMs: 30 })
  })
})

describe('the faults of a mock', () => {
  const kinds = [
    ['drop', 'stream-incomplete'],
    ['clean-end', 'stream-incomplete'],
    ['error', 'engine-died'],
    ['malformed', 'stream-malformed'],
  ] as const
  for (const [kind, code] of kinds) {
    it(`${kind}: ${code} after so many tokens`, async () => {
      const { transcript, error } = await fail({ fault: { kind, afterTokens: 2 } }, 'one two three')
      assert.equal(transcript.text, 'one two ')
      assert.equal(codeOf(error), code)
    })
  }

  it('come at the end, when the answer is shorter', async () => {
    const { transcript, error } = await fail({ fault: { kind: 'clean-end' } }, 'one two')
    assert.equal(transcript.text, 'one two')
    assert.equal(codeOf(error), 'stream-incomplete')
  })

  it('come before the first token: refuse, fail-at-once, error after none', async () => {
    const codes: unknown[] = []
    for (const fault of [{ kind: 'refuse' }, { kind: 'fail-at-once' }, { kind: 'error', afterTokens: 0 }] as const) {
      const { transcript, error } = await fail({ fault }, 'one two three')
      assert.equal(transcript.text, '')
      codes.push(codeOf(error))
    }
    assert.deepEqual(codes, ['backend-refused', 'engine-failed', 'engine-failed'])
  })

  it('have another code when one is scripted', async () => {
    const { error } = await fail({ fault: { kind: 'refuse', code: 'rate-limited' } }, 'Hi.')
    assert.equal(codeOf(error), 'rate-limited')
  })

  it('are met by so many chats, and by no other', async () => {
    await using mock = await open({ models: { m: { fault: { kind: 'fail-at-once', times: 2 } } } })
    const errors: unknown[] = []
    for (let chat = 0; chat < 3; chat += 1) errors.push((await tryChat(mock.chat(ask('Hi.')))).error)
    assert.deepEqual(errors.map(codeOf), ['engine-failed', 'engine-failed', undefined])
  })

  it('crash-process kills the process that runs the mock, after so many tokens', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../fixtures/crash.ts', import.meta.url))])
    const [output, [, signal]] = await Promise.all([readAll(child.stdout), once(child, 'close')])
    assert.equal(signal, 'SIGKILL')
    assert.ok('one two '.startsWith(output), output)
  })
})
