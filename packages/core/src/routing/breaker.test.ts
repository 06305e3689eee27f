import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { createBreaker } from './breaker.ts'

const unreachable = () => new LmappError('backend-unreachable', 'Nothing answers.')
const failed = () => new LmappError('engine-failed', 'It answered 500.')

describe('the circuit breaker of a backend', () => {
  it('is closed at first and stays closed while requests succeed', () => {
    const breaker = createBreaker()
    breaker.succeeded()
    assert.deepEqual(breaker.current, { state: 'closed' })
    assert.equal(breaker.admits(), true)
  })

  for (const code of ['backend-unreachable', 'stalled', 'backend-not-identified'] as const) {
    it(`opens after one ${code}`, () => {
      const breaker = createBreaker()
      breaker.failed(new LmappError(code, 'Once is enough.'))
      assert.equal(breaker.current.state, 'open')
      assert.equal(breaker.current.reason, 'Once is enough.')
      assert.equal(breaker.admits(), false)
    })
  }

  it('opens at the third failure of the engine in a row, not before', () => {
    const breaker = createBreaker()
    breaker.failed(failed())
    breaker.failed(failed())
    assert.equal(breaker.current.state, 'closed')
    breaker.succeeded()
    breaker.failed(failed())
    breaker.failed(failed())
    assert.equal(breaker.current.state, 'closed')
    breaker.failed(failed())
    assert.equal(breaker.current.state, 'open')
  })

  for (const code of ['unauthorized', 'forbidden', 'model-not-found', 'rate-limited', 'context-overflow'] as const) {
    it(`is not opened by ${code}, a refusal`, () => {
      const breaker = createBreaker()
      for (let n = 0; n < 5; n++) breaker.failed(new LmappError(code, 'No.'))
      assert.equal(breaker.current.state, 'closed')
    })
  }

  it('lets one trial through after a pause, and closes when it succeeds', () => {
    let now = 0
    const breaker = createBreaker(() => now)
    breaker.failed(unreachable())
    assert.deepEqual(breaker.current.retryAt, new Date(10_000))
    now = 10_000
    assert.equal(breaker.current.state, 'half-open')
    assert.equal(breaker.admits(), true)
    assert.equal(breaker.admits(), false, 'one trial at a time')
    breaker.succeeded()
    assert.equal(breaker.admits(), true)
  })

  it('waits twice as long after each failed trial, five minutes at most', () => {
    let now = 0
    const breaker = createBreaker(() => now)
    breaker.failed(unreachable())
    const pauses: number[] = []
    for (let n = 0; n < 7; n++) {
      const { retryAt } = breaker.current
      assert.ok(retryAt)
      pauses.push(retryAt.getTime() - now)
      now = retryAt.getTime()
      assert.equal(breaker.admits(), true)
      breaker.failed(unreachable())
    }
    assert.deepEqual(pauses, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
  })

  it('gives a trial back that told nothing, and one that was refused', () => {
    let now = 0
    const breaker = createBreaker(() => now)
    breaker.failed(unreachable())
    now = 10_000
    assert.equal(breaker.admits(), true)
    breaker.neutral()
    assert.equal(breaker.admits(), true)
    breaker.failed(new LmappError('forbidden', 'No.'))
    assert.equal(breaker.admits(), true)
  })

  it('keeps requests away as long as an engine asked for, which is no failure', () => {
    let now = 0
    const breaker = createBreaker(() => now)
    const wait = (retryAfterMs: number) =>
      breaker.failed(new LmappError('rate-limited', 'Too many.', { details: { retryAfterMs } }))
    wait(3_000)
    assert.deepEqual(breaker.current, { state: 'open', retryAt: new Date(3_000), reason: 'Too many.' })
    assert.equal(breaker.admits(), false)
    now = 3_000
    assert.deepEqual(breaker.current, { state: 'closed' })
    assert.equal(breaker.admits(), true)
    wait(Number.MAX_SAFE_INTEGER)
    assert.deepEqual(breaker.current.retryAt, new Date(603_000))
    breaker.succeeded()
    assert.equal(breaker.admits(), true)
    for (const strange of [-1, Number.NaN]) wait(strange)
    assert.equal(breaker.current.state, 'closed')
  })
})
