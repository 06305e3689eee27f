import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { createWatchdog, type WatchdogOptions } from './watchdog.ts'

/** Virtual time: the timers of the watchdog run only when the test lets time pass. */
function withVirtualTime(test: (pass: (milliseconds: number) => Promise<void>) => Promise<void>) {
  return async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    try {
      await test(async (milliseconds) => {
        for (let left = milliseconds; left > 0; left -= 50) {
          mock.timers.tick(Math.min(50, left))
          await new Promise((resolve) => setImmediate(resolve))
        }
      })
    } finally {
      mock.timers.reset()
    }
  }
}

function watch(options: Partial<WatchdogOptions> = {}) {
  const seen: { error?: unknown } = {}
  const watchdog = createWatchdog({ stallMs: 1_000, loadMs: 10_000, probe: async () => {}, ...options })
  watchdog.tripped.catch((error) => {
    seen.error = error
  })
  return { watchdog, error: (): unknown => seen.error }
}

const loading = (done: number) =>
  ({ type: 'status', phase: 'loading', progress: { done, total: 100, unit: 'percent' } }) as const

describe('the watchdog of an attempt', () => {
  it(
    'grants a silent phase its whole time, and then says which phase stopped',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      watchdog.saw({ type: 'status', phase: 'loading' })
      await pass(9_900)
      assert.equal(error(), undefined)
      await pass(200)
      const tripped = error()
      assert.ok(isLmappError(tripped, 'stalled'))
      assert.deepEqual(tripped.details, { phase: 'loading', milliseconds: 10_000 })
    }),
  )

  it(
    'never limits a load that moves',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      for (let percent = 0; percent < 60; percent++) {
        watchdog.saw(loading(percent))
        await pass(900)
      }
      assert.equal(error(), undefined)
      watchdog[Symbol.dispose]()
    }),
  )

  it(
    'trips when progress stands still, although it is reported again and again',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      watchdog.saw(loading(43))
      for (let n = 0; n < 5; n++) {
        await pass(250)
        watchdog.saw(loading(43))
      }
      const tripped = error()
      assert.ok(isLmappError(tripped, 'stalled'))
    }),
  )

  it(
    'trips between two tokens',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      watchdog.saw({ type: 'text-delta', text: 'a' })
      await pass(900)
      watchdog.saw({ type: 'text-delta', text: 'b' })
      await pass(900)
      assert.equal(error(), undefined)
      await pass(200)
      const tripped = error()
      assert.ok(isLmappError(tripped, 'stalled'))
      assert.equal(tripped.details?.phase, 'generating')
    }),
  )

  it(
    'lets those who queue wait as long as it takes',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      watchdog.saw({ type: 'status', phase: 'queued' })
      await pass(60_000)
      assert.equal(error(), undefined)
      watchdog[Symbol.dispose]()
    }),
  )

  it(
    'ends a silent phase early when three probes in a row fail, with what the third said',
    withVirtualTime(async (pass) => {
      let probes = 0
      const { error } = watch({
        probe: async () => {
          probes += 1
          throw new LmappError('backend-unreachable', `Probe ${probes} found nothing.`)
        },
      })
      await pass(7_600)
      assert.equal(probes, 3)
      const tripped = error()
      assert.ok(isLmappError(tripped, 'backend-unreachable'))
      assert.equal(tripped.message, 'Probe 3 found nothing.')
    }),
  )

  it(
    'does not count probes that fail now and then',
    withVirtualTime(async (pass) => {
      let probes = 0
      const { watchdog, error } = watch({
        loadMs: 40_000,
        probe: async () => {
          probes += 1
          if (probes % 3 !== 0) throw new LmappError('backend-unreachable', 'Not now.')
        },
      })
      await pass(30_000)
      assert.ok(probes >= 5)
      assert.equal(error(), undefined)
      watchdog[Symbol.dispose]()
    }),
  )

  it(
    'asks nobody while tokens come',
    withVirtualTime(async (pass) => {
      let probes = 0
      const { watchdog } = watch({
        probe: async () => {
          probes += 1
        },
      })
      for (let n = 0; n < 20; n++) {
        watchdog.saw({ type: 'text-delta', text: 'a' })
        await pass(900)
      }
      assert.equal(probes, 0)
      watchdog[Symbol.dispose]()
    }),
  )

  it(
    'counts no time while lmapp itself holds the engine back, and grants it anew afterwards',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      watchdog.saw({ type: 'text-delta', text: 'a' })
      const room = Promise.withResolvers<void>()
      const holding = watchdog.hold(room.promise)
      await pass(30_000)
      assert.equal(error(), undefined)
      room.resolve()
      await holding
      await pass(900)
      assert.equal(error(), undefined)
      await pass(200)
      assert.ok(isLmappError(error(), 'stalled'))
    }),
  )

  it(
    'starts no clock for what is over',
    withVirtualTime(async (pass) => {
      const { watchdog, error } = watch()
      const room = Promise.withResolvers<void>()
      const holding = watchdog.hold(room.promise)
      watchdog[Symbol.dispose]()
      room.resolve()
      await holding
      await pass(30_000)
      assert.equal(error(), undefined)
    }),
  )
})
