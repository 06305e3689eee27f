import type { Key } from '../keys/key.ts'
import { createKeyParser } from '../keys/key-parser.ts'
import type { Modes } from './modes.ts'

/** A terminal in raw mode. However the process ends, the terminal is left as it was found. */
export interface Keyboard {
  attach(): void
  detach(): void
  /** Stops the process, as Ctrl-Z does elsewhere; comes back by `onContinue`. Not on Windows. */
  suspend(): void
  close(): void
}

export interface KeyboardOptions {
  stream: NodeJS.ReadStream
  modes: Modes
  write(text: string): void
  onKeys(keys: readonly Key[]): void
  /** The terminal is gone. */
  onGone(): void
  /** The process goes on after it was stopped: the shell may have written anything. */
  onContinue(): void
  /** Calls back after so many milliseconds, unless it is called off. */
  later?: (ms: number, callback: () => void) => () => void
}

/** How long what has begun waits for its rest. Over a slow line a sequence may come in two pieces. */
const patienceMs = { escape: 50, sequence: 500, paste: 5000 }
/** Where the system does not stop a process that nobody could wake, it goes on at once. */
const wakeMs = 100

export function openKeyboard(options: KeyboardOptions): Keyboard {
  const { stream, modes, write, onKeys, onGone, onContinue, later = timer } = options
  const parser = createKeyParser()
  let isAttached = false
  let isSuspended = false
  let callOff = () => {}

  function onData(chunk: string | Buffer): void {
    give(parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
  }

  function give(keys: readonly Key[]): void {
    callOff()
    const { waitsFor } = parser
    callOff = waitsFor === 'nothing' ? () => {} : later(patienceMs[waitsFor], () => give(parser.flush()))
    if (keys.length > 0) onKeys(keys)
  }

  function attach(): void {
    if (isAttached) return
    isAttached = true
    stream.setRawMode(true)
    stream.on('data', onData)
    stream.resume()
    write(modes.on)
  }

  function detach(): void {
    if (!isAttached) return
    isAttached = false
    callOff()
    write(modes.off)
    stream.off('data', onData)
    stream.pause()
    stream.setRawMode(false)
  }

  /** The shell set the terminal's mode; raw mode is only set anew when it was not set before. */
  function wake(): void {
    if (!isAttached && !isSuspended) return
    isSuspended = false
    detach()
    attach()
    onContinue()
  }

  /** Raw mode ends with the process by itself, and the other modes do not. */
  const restore = () => {
    if (isAttached) write(modes.off)
  }

  stream.once('end', onGone)
  stream.once('error', onGone)
  process.on('SIGCONT', wake)
  process.on('exit', restore)

  return {
    attach,
    detach,
    suspend() {
      detach()
      isSuspended = true
      process.kill(0, 'SIGTSTP')
      later(wakeMs, () => isSuspended && wake())
    },
    close() {
      detach()
      isSuspended = false
      stream.off('end', onGone)
      stream.off('error', onGone)
      process.off('SIGCONT', wake)
      process.off('exit', restore)
    },
  }
}

function timer(ms: number, callback: () => void): () => void {
  const timeout = setTimeout(callback, ms)
  return () => clearTimeout(timeout)
}
