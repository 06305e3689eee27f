import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Status } from 'lmapp-kit'
import { createTestOutput } from '../testing/test-output.ts'
import { createSaidPhases, createStatusLine, describeStatus } from './status-line.ts'

const fetching = (done: number, total?: number): Status => ({
  type: 'status',
  phase: 'fetching',
  message: 'smollm2',
  progress: { done, unit: 'bytes', ...(total !== undefined && { total }) },
})
const announced: Status = { type: 'status', phase: 'fetching', message: 'No model yet: fetching smollm2 (98 MB).' }

describe('a phase', () => {
  it('is said with what is known of its progress', () => {
    const status = (phase: Status['phase'], progress?: Status['progress']): Status => ({
      type: 'status',
      phase,
      ...(progress && { progress }),
    })
    assert.equal(describeStatus(status('queued')), 'waiting for its turn')
    assert.equal(describeStatus(status('loading', { done: 42.6, unit: 'percent' })), 'loading the model · 43 %')
    assert.equal(
      describeStatus(status('prompt', { done: 2100, total: 8000, unit: 'tokens' })),
      'reading the prompt · 2,100/8,000 tokens',
    )
    assert.equal(describeStatus(status('loading', { done: 3, total: 20, unit: 'steps' })), 'loading the model · 3/20')
    assert.equal(describeStatus(status('generating', { done: 7, unit: 'tokens' })), 'answering · 7 tokens')
    assert.equal(describeStatus(fetching(42e6, 98e6)), 'fetching · smollm2 · 42 % of 98.0 MB')
    assert.equal(describeStatus(fetching(42e6)), 'fetching · smollm2 · 42.0 MB')
    assert.equal(describeStatus({ ...status('connecting'), message: 'box\u001b1' }), 'connecting · box␛1')
  })
})

describe('the status on a terminal', () => {
  it('is one line that overwrites itself, and is taken away', () => {
    const stderr = createTestOutput({ isTerminal: true })
    const line = createStatusLine(stderr, () => 0)
    line.show({ type: 'status', phase: 'connecting' })
    line.show({ type: 'status', phase: 'loading' })
    line.clear()
    line.clear()
    assert.equal(stderr.text, '\r\u001b[Kconnecting\r\u001b[Kloading the model\r\u001b[K')
  })

  it('is drawn at most every 80 ms while only its numbers change', () => {
    const stderr = createTestOutput({ isTerminal: true })
    let now = 0
    const line = createStatusLine(stderr, () => now)
    for (now = 0; now < 160; now += 10) line.show(fetching(now, 1000))
    line.clear()
    assert.equal(stderr.text.match(/fetching/g)?.length, 2)
  })

  it('says how long a phase lasts already', (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const stderr = createTestOutput({ isTerminal: true })
    let now = 0
    const line = createStatusLine(stderr, () => now)
    line.show({ type: 'status', phase: 'loading' })
    now = 12_000
    test.mock.timers.tick(1000)
    line.clear()
    assert.match(stderr.text, /loading the model · 12 s/)
  })

  it('is cut to the width of the terminal', () => {
    const stderr = createTestOutput({ isTerminal: true, columns: 20 })
    const line = createStatusLine(stderr, () => 0)
    line.show({ type: 'status', phase: 'connecting', message: 'a very long address of an engine' })
    line.clear()
    assert.match(stderr.text, /Kconnecting · a ver…\r/)
  })

  it('lets the announcement of a fetch stand', () => {
    const stderr = createTestOutput({ isTerminal: true })
    const line = createStatusLine(stderr, () => 0)
    line.show(announced)
    line.clear()
    assert.equal(stderr.text, '\r\u001b[Klmapp: No model yet: fetching smollm2 (98 MB).\n')
  })
})

describe('the status elsewhere', () => {
  it('tells of a fetch only, and a line for every tenth of it', () => {
    for (const stderr of [createTestOutput(), createTestOutput({ isTerminal: true, dumb: true })]) {
      const line = createStatusLine(stderr)
      line.show({ type: 'status', phase: 'loading' })
      line.show(announced)
      for (let done = 0; done <= 100; done++) line.show(fetching(done, 100))
      line.clear()
      assert.equal(stderr.text.split('\n').length - 1, 12)
      assert.match(stderr.text, /^lmapp: fetching · No model yet/)
    }
  })

  it('tells of one whose size is not known every 50 MB', () => {
    const stderr = createTestOutput()
    const line = createStatusLine(stderr)
    for (let done = 0; done <= 100e6; done += 10e6) line.show(fetching(done))
    assert.equal(stderr.text.split('\n').length - 1, 3)
  })
})

describe('the status for a screen reader', () => {
  it('says each phase once, without its numbers', () => {
    const stderr = createTestOutput({ isTerminal: true })
    const line = createSaidPhases(stderr)
    for (let done = 0; done <= 100; done++) {
      line.show({ type: 'status', phase: 'loading', progress: { done, unit: 'percent' } })
      line.show(fetching(done, 100))
    }
    line.show({ type: 'status', phase: 'generating' })
    line.clear()
    assert.equal(stderr.text, 'lmapp: loading the model\nlmapp: fetching · smollm2\n')
  })
})
