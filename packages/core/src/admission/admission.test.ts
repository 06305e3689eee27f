import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { type AdmissionOptions, createAdmission, mostWaiting, type Slot } from './admission.ts'
import { slotsOfSilent } from './slot-count.ts'

const stays = new AbortController().signal

function open(options: Partial<AdmissionOptions> = {}) {
  const admission = createAdmission({ id: 'box', ...options })
  const entered: string[] = []
  /** Of `client model`, as `a` or `a m`. */
  const enter = async (who: string, signal = stays, onPlace?: (place: number) => void): Promise<Slot> => {
    const [client = '', model = 'm'] = who.split(' ')
    const slot = await admission.enter({ client, model, signal, ...(onPlace && { onPlace }) })
    entered.push(who)
    return slot
  }
  return { admission, entered, enter }
}

/** Resolves when all that could happen by itself has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

function leave(slot: Slot | undefined): void {
  slot?.[Symbol.dispose]()
}

describe('the slots of a backend', () => {
  it('are given at once as long as there are some, and then in turn', async () => {
    const { admission, enter } = open({ parallel: 2 })
    const first = await enter('a')
    await enter('a')
    const third = enter('a')
    assert.deepEqual([admission.slots, admission.active, admission.waiting], [2, 2, 1])
    leave(first)
    assert.equal((await third).waited, true)
    assert.equal(first.waited, false)
    assert.deepEqual([admission.active, admission.waiting], [2, 0])
  })

  it('are given back once, however often that is said', async () => {
    const { admission, enter } = open({ parallel: 2 })
    const [first] = [await enter('a'), await enter('a')]
    leave(first)
    leave(first)
    assert.equal(admission.active, 1)
  })

  it('go round between clients: one single request does not wait behind fifty', async () => {
    const { enter, entered } = open({ parallel: 1 })
    let slot = await enter('many')
    const many = Array.from({ length: 50 }, () => enter('many'))
    const single = enter('single')
    leave(slot)
    slot = await (many[0] as Promise<Slot>)
    leave(slot)
    leave(await single)
    await settled()
    assert.deepEqual(entered.slice(0, 4), ['many', 'many', 'single', 'many'])
  })

  it('are waited for by at most 64: who comes then is told when to come again', async () => {
    let now = 0
    const { admission, enter } = open({ parallel: 2, now: () => now })
    const first = await enter('a')
    now = 500
    leave(first)
    const active = [await enter('a'), await enter('a')]
    for (let n = 0; n < mostWaiting; n += 1) enter(`client-${n}`).then(leave, () => {})
    assert.equal(admission.waiting, 64)
    await assert.rejects(enter('late'), (error) => {
      assert.ok(isLmappError(error, 'busy'))
      // Half a second each, sixty-five of them, two at a time.
      assert.deepEqual(error.details, { retryAfterMs: 16_250, backend: 'box', slots: 2, waiting: 64 })
      assert.equal(error.hint, 'Try again in 17 s')
      return true
    })
    active.forEach(leave)
    await settled()
    assert.deepEqual([admission.active, admission.waiting], [0, 0])
    leave(await enter('late'))
  })

  it('promise neither less than a second nor more than a minute', async () => {
    for (const [tookMs, expected] of [
      [1, 1_000],
      [3_600_000, 60_000],
    ] as const) {
      let now = 0
      const { enter } = open({ parallel: 1, now: () => now })
      const first = await enter('a')
      now += tookMs
      leave(first)
      await enter('a')
      for (let n = 0; n < mostWaiting; n += 1) enter('a').catch(() => {})
      const refused = await enter('late').catch((error: unknown) => error)
      assert.ok(isLmappError(refused, 'busy'))
      assert.equal(refused.details?.retryAfterMs, expected)
    }
  })

  it('tell who waits its place, when it changes and only then', async () => {
    const { enter } = open({ parallel: 1 })
    const places: Record<string, number[]> = { a: [], b: [], c: [] }
    const wait = (who: string) => enter(who, stays, (place) => places[who]?.push(place))
    const holder = await enter('x')
    const [a, b, c] = [wait('a'), wait('b'), wait('c')]
    leave(holder)
    leave(await a)
    leave(await b)
    leave(await c)
    assert.deepEqual(places, { a: [1], b: [2, 1], c: [3, 2, 1] })
  })

  it('are not waited for any more by who leaves; those behind move up at once', async () => {
    const { admission, enter } = open({ parallel: 1 })
    const holder = await enter('x')
    const leaving = new AbortController()
    const places: number[] = []
    const left = enter('a', leaving.signal)
    const stayed = enter('b', stays, (place) => places.push(place))
    const reason = new LmappError('cancelled', 'Enough.')
    leaving.abort(reason)
    await assert.rejects(left, (error) => error === reason)
    assert.deepEqual([admission.waiting, places], [1, [2, 1]])
    leave(holder)
    leave(await stayed)
    await assert.rejects(enter('a', leaving.signal), (error) => error === reason)
    assert.equal(admission.active, 0)
  })
})

describe('how many slots there are', () => {
  it('is what the configuration says, whatever the engine says', async () => {
    const { admission, enter } = open({ parallel: 3, parallelOf: () => 1, ask: () => assert.fail('Nobody asks.') })
    const slot = await enter('a')
    slot.started()
    assert.equal(admission.slots, 3)
  })

  it('is 64 where there is nobody to be asked', () => {
    assert.equal(open().admission.slots, slotsOfSilent)
  })

  it('is what the engine says: until the first request has started it, the others wait', async () => {
    const { admission, enter, entered } = open({ ask: async () => 2 })
    const first = await enter('a')
    const others = [enter('a'), enter('a')]
    await settled()
    assert.equal(entered.length, 1)
    first.started()
    await others[0]
    assert.deepEqual([admission.slots, admission.active, admission.waiting], [2, 2, 1])
    leave(first)
    leave(await others[1])
  })

  it('is 64 where the engine says nothing, or fails to', async () => {
    for (const ask of [async () => undefined, () => Promise.reject(new Error('It is broken.'))]) {
      const { admission, enter } = open({ ask })
      const first = await enter('a')
      const second = enter('a')
      first.started()
      await second
      assert.equal(admission.slots, 64)
    }
  })

  it('is not waited for when the first request fails before it could be asked', async () => {
    let asked = 0
    const ask = async () => {
      asked += 1
      return 1
    }
    const { admission, enter } = open({ ask })
    const first = await enter('a')
    const others = [enter('a'), enter('a')]
    leave(first)
    const slots = await Promise.all(others)
    assert.deepEqual([admission.active, asked], [2, 0])
    slots[0]?.started()
    await settled()
    assert.deepEqual([admission.slots, asked], [1, 1])
  })

  it('is asked again after a minute, and what was said holds where the engine then fails to answer', async () => {
    let now = 0
    const answers = [2, 3, new Error('It is broken.')]
    const ask = async () => {
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer
    }
    const { admission, enter } = open({ ask, now: () => now })
    const seen: number[] = []
    for (const at of [0, 59_999, 60_000, 120_000]) {
      now = at
      const slot = await enter('a')
      slot.started()
      await settled()
      seen.push(admission.slots)
      leave(slot)
    }
    assert.deepEqual(seen, [2, 2, 3, 3])
  })

  it('is of one model alone where the model says so, and who waits for it keeps nobody from another', async () => {
    const parallelOf = (model: string) => (model === 'small' ? 1 : undefined)
    const { admission, enter } = open({ parallelOf })
    const holder = await enter('a small')
    const waiting = enter('a small')
    leave(await enter('a large'))
    assert.deepEqual([admission.slots, admission.active, admission.waiting], [1, 1, 1])
    leave(holder)
    leave(await waiting)
    assert.deepEqual([admission.active, admission.waiting], [0, 0])
  })
})
