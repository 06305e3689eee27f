import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Key } from '../keys/key.ts'
import { createTestKeyboard } from '../testing/test-keyboard.ts'
import { openKeyboard } from './keyboard.ts'
import { findModes, findReflow } from './modes.ts'

/** A keyboard whose time passes when the test says so. */
function open() {
  const stream = createTestKeyboard()
  const keys: Key[] = []
  const written: string[] = []
  const told: string[] = []
  let timers: { ms: number; callback: () => void }[] = []
  const keyboard = openKeyboard({
    stream: stream as unknown as NodeJS.ReadStream,
    modes: { on: 'on', off: 'off' },
    write: (text) => written.push(text),
    onKeys: (some) => keys.push(...some),
    onGone: () => told.push('gone'),
    onContinue: () => told.push('continue'),
    later(ms, callback) {
      const timer = { ms, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter((each) => each !== timer)
      }
    },
  })
  return {
    keyboard,
    stream,
    written,
    told,
    keys,
    waits: () => timers.map(({ ms }) => ms),
    pass() {
      const due = timers
      timers = []
      for (const { callback } of due) callback()
    },
    /** What is written is read in the next turn. */
    async type(text: string | Buffer) {
      const read = once(stream, 'data')
      stream.write(text)
      await read
    },
  }
}

describe('the keyboard', () => {
  it('is in raw mode while it is listened to, and left as it was', () => {
    const { keyboard, stream, written } = open()
    keyboard.attach()
    keyboard.attach()
    assert.deepEqual([stream.isRaw, written], [true, ['on']])
    keyboard.detach()
    keyboard.detach()
    keyboard.attach()
    keyboard.close()
    assert.deepEqual([stream.isRaw, written], [false, ['on', 'off', 'on', 'off']])
    assert.equal(stream.listenerCount('data'), 0)
    assert.equal(process.listenerCount('SIGCONT'), 0)
  })

  it('takes an Escape for a key when nothing follows it', async () => {
    const { keyboard, type, keys, waits, pass } = open()
    keyboard.attach()
    await type('\u001b')
    assert.deepEqual([keys, waits()], [[], [50]])
    pass()
    assert.deepEqual([keys, waits()], [[{ type: 'chord', name: 'escape' }], []])
    keyboard.close()
  })

  it('waits longer for the rest of a sequence, and longest for that of a paste', async () => {
    const { keyboard, type, keys, waits, pass } = open()
    keyboard.attach()
    await type('\u001b[')
    assert.deepEqual(waits(), [500])
    await type('A\u001b[200~some')
    assert.deepEqual([keys, waits()], [[{ type: 'chord', name: 'up' }], [5000]])
    pass()
    assert.deepEqual(keys.at(-1), { type: 'paste', text: 'some', lost: 0 })
    keyboard.close()
  })

  it('asks for raw mode anew when the process goes on after it was stopped', () => {
    const { keyboard, stream, written, told } = open()
    process.emit('SIGCONT')
    assert.deepEqual(told, [])
    keyboard.attach()
    stream.isRaw = false
    process.emit('SIGCONT')
    assert.deepEqual([stream.isRaw, written, told], [true, ['on', 'off', 'on'], ['continue']])
    keyboard.close()
  })

  it('leaves the terminal as it was when the process ends', () => {
    const { keyboard, written } = open()
    keyboard.attach()
    const [restore] = process.listeners('exit').slice(-1)
    restore?.(0)
    assert.deepEqual(written, ['on', 'off'])
    keyboard.close()
  })

  it('says that the terminal is gone', async () => {
    const { keyboard, stream, told } = open()
    keyboard.attach()
    stream.end()
    await once(stream, 'end')
    assert.deepEqual(told, ['gone'])
    keyboard.close()
  })
})

describe('what a terminal is asked for', () => {
  it('is more where it is known to understand it', () => {
    assert.match(findModes({ TERM: 'xterm-256color' }).on, />5u.*>4;1m/)
    assert.match(findModes({ TERM: 'xterm-256color' }).off, /\?2004l.*<u.*>4m/)
    assert.doesNotMatch(findModes({ TERM: 'tmux-256color', TMUX: '/tmp/x' }).on, />5u/)
    assert.match(findModes({ TERM: 'screen-256color', TMUX: '/tmp/x' }).on, />4;1m/)
    const others = [
      { TERM: 'xterm', STY: '1' },
      { TERM: 'xterm', TERM_PROGRAM: 'Apple_Terminal' },
    ]
    for (const environment of [{ TERM: 'linux' }, { TERM: 'vt220' }, {}, ...others]) {
      assert.equal(findModes(environment).on, '\u001b[?2004h')
    }
  })

  it('leaves the cursor and the colours alone where it is misunderstood', () => {
    for (const mode of Object.values(findModes({ TERM: 'xterm' }))) {
      assert.ok(mode.includes('\u001b7') && mode.endsWith('\u001b[m\u001b8'))
    }
  })

  it('is not asked: whether it breaks rows anew is known by its name', () => {
    assert.ok(findReflow({ TERM: 'xterm-256color' }))
    assert.ok(findReflow({ TERM: 'screen', TMUX: 'x' }))
    assert.ok(!findReflow({ TERM: 'xterm', XTERM_VERSION: 'XTerm(390)' }))
    assert.ok(!findReflow({ TERM: 'rxvt-unicode' }))
  })
})
