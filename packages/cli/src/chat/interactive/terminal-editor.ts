import { createInterface, type Interface } from 'node:readline'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { isLmappError } from 'lmapp-kit'
import type { CommandContext } from '../../context.ts'
import { editText } from '../../input/editor.ts'
import { printError } from '../../output/print-error.ts'
import { createKeyFilter, type Key } from './key-filter.ts'
import type { LineEditor, LineEditorOptions, ReadResult } from './line-editor.ts'
import { createLineText, newlineMark } from './line-text.ts'
import { createTypedSignals } from './typed-signals.ts'

const bracketedPaste = { on: '\u001b[?2004h', off: '\u001b[?2004l' }
const mostRemembered = 1000

/** Edits on a terminal by `node:readline`, to which several lines are one; `createLineText` says how. */
export function openTerminalEditor(context: CommandContext, options: LineEditorOptions): LineEditor {
  const keyboard = context.stdin.stream
  const signals = createTypedSignals(context.signals)
  const filter = createKeyFilter()
  const lineText = createLineText()
  const history = options.history.slice(0, mostRemembered).map(lineText.toLine)
  let ahead: Key[] = []
  let press: ((key: Key) => void) | undefined
  let isGone = false
  let onGone = () => {}

  function onData(chunk: string | Buffer): void {
    for (const key of filter.push(String(chunk))) {
      if (press) press(key)
      else if (key.type !== 'interrupt') ahead.push(key)
      else {
        ahead = []
        signals.interrupt()
      }
    }
  }

  function attach(): void {
    keyboard.setRawMode(true)
    keyboard.on('data', onData)
    keyboard.resume()
    void context.stdout.write(bracketedPaste.on)
  }

  function detach(): void {
    void context.stdout.write(bracketedPaste.off)
    keyboard.off('data', onData)
    keyboard.pause()
    keyboard.setRawMode(false)
  }

  function leave(): void {
    isGone = true
    onGone()
  }

  /** Ctrl-G: the line goes through the user's own editor. */
  async function openEditor(lines: Interface): Promise<void> {
    const release = context.signals.listen(() => {})
    detach()
    try {
      replaceLine(lines, lineText.toLine(await editText(lineText.toText(lines.line), context)))
    } catch (error) {
      if (!isLmappError(error)) throw error
      await context.stderr.write('\n')
      await printError(context.stderr, error)
    } finally {
      attach()
      release()
      lines.prompt(true)
    }
  }

  /** What was typed before the terminal was in raw mode is there at once, and has line feeds for Enter. */
  async function takeEarlyKeys(): Promise<void> {
    await setImmediate()
    await setImmediate()
    ahead = ahead.map((key) => (key.type === 'newline' ? { type: 'enter' } : key))
  }

  keyboard.setEncoding('utf8')
  keyboard.once('end', leave)
  keyboard.once('error', leave)
  attach()
  const started = takeEarlyKeys()

  return {
    signals,
    remember(message) {
      history.unshift(lineText.toLine(message))
    },
    async read(prompt) {
      await started
      if (isGone) return { type: 'end' }
      const { promise, resolve } = Promise.withResolvers<ReadResult>()
      const input = Object.assign(new Readable({ read() {} }), {
        setRawMode: (raw: boolean) => keyboard.setRawMode(raw),
      })
      const output = context.stdout.stream as NodeJS.WriteStream
      const completer = (line: string) => [options.complete(line), line]
      const lines = createInterface({ input, output, terminal: true, prompt, history: [...history], completer })
      let isOver = false
      const end = (result: ReadResult) => {
        isOver = true
        press = undefined
        resolve(result)
      }
      const interrupt = () => end({ type: 'interrupt', hadText: lines.line !== '' })
      onGone = () => end({ type: 'end' })
      lines.on('line', (line) => end({ type: 'line', text: lineText.toText(line) }))
      lines.on('close', () => end({ type: 'end' }))
      const release = context.signals.listen((signal) =>
        signal === 'SIGINT' ? interrupt() : end({ type: 'signal', signal }),
      )
      const type = (text: string) => input.emit('data', text)

      press = (key) => {
        if (key.type === 'interrupt') interrupt()
        else if (key.type === 'editor') void openEditor(lines)
        else if (key.type === 'newline') type(newlineMark)
        else if (key.type === 'paste') type(lineText.toLine(key.text.replace(/\n+$/, '')))
        else if (key.type === 'text') type(key.text.includes(newlineMark) ? lineText.toLine(key.text) : key.text)
        else {
          type('\r')
          // After an Escape it was Alt-Enter.
          if (!isOver) type(newlineMark)
        }
      }

      lines.prompt()
      const waiting = ahead
      ahead = []
      for (const key of waiting) {
        if (isOver) ahead.push(key)
        else press?.(key)
      }
      try {
        return await promise
      } finally {
        release()
        lines.close()
        if (!isGone) keyboard.setRawMode(true)
      }
    },
    close() {
      keyboard.off('end', leave)
      keyboard.off('error', leave)
      if (!isGone) detach()
    },
  }
}

function replaceLine(lines: Interface, text: string): void {
  lines.write(null, { ctrl: true, name: 'e' })
  lines.write(null, { ctrl: true, name: 'u' })
  lines.write(text)
}
