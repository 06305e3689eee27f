import assert from 'node:assert/strict'
import { openTerminal, type TerminalOptions } from '../../../testing/terminal.ts'
import { createEmulator } from '../editor/testing/emulator.ts'

export interface ChatTerminal extends AsyncDisposable {
  /** Everything that was written, escape sequences too. */
  readonly shown: string
  /** What can be read, from the first row. */
  readonly lines: string[]
  /** All of it as one text. */
  readonly text: string
  type(text: string): void
  /** Resolves when what can be read matches. */
  see(pattern: RegExp): Promise<void>
  /** Resolves when there is an empty prompt below the row that the cursor is on now. */
  ready(): Promise<void>
  /** Types the message and Enter; the rows from there to the next prompt, which must match. */
  say(message: string, answer: RegExp): Promise<string>
  /** By Ctrl-D. */
  leave(): Promise<void>
  readonly exited: Promise<number>
}

/** The interactive chat on a terminal, read as a person reads it. `prompt`: what an empty one looks like. */
export function openChat(options: TerminalOptions, prompt = '>'): ChatTerminal {
  const { columns = 80, rows = 24 } = options
  const terminal = openTerminal({ ...options, columns, rows })

  function read() {
    const emulator = createEmulator({ columns, rows })
    emulator.write(toReadable(terminal.shown))
    return emulator
  }

  async function untilRead(isSeen: (screen: ReturnType<typeof read>) => boolean): Promise<ReturnType<typeof read>> {
    for (;;) {
      const screen = read()
      if (isSeen(screen)) return screen
      await terminal.until(/[\s\S]+/)
    }
  }

  async function untilPrompt(below: number): Promise<string[]> {
    const { lines } = await untilRead(({ lines, cursor }) => cursor.row > below && lines[cursor.row] === prompt)
    return lines.slice(Math.max(0, below))
  }

  const isPrompt = ({ lines, cursor }: ReturnType<typeof read>) => lines[cursor.row] === prompt
  return {
    get shown() {
      return terminal.shown
    },
    get lines() {
      return read().lines
    },
    get text() {
      return read().lines.join('\n')
    },
    type: (text) => terminal.type(text),
    async see(pattern) {
      await untilRead(({ lines }) => pattern.test(lines.join('\n')))
    },
    async ready() {
      await untilRead(isPrompt)
    },
    async say(message, answer) {
      const { row } = read().cursor
      terminal.type(`${message}\r`)
      const said = (await untilPrompt(row)).join('\n')
      assert.match(said, answer)
      return said
    },
    async leave() {
      terminal.type('\u0004')
      assert.equal(await terminal.exited, 0)
    },
    exited: terminal.exited,
    [Symbol.asyncDispose]: () => terminal[Symbol.asyncDispose](),
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is taken out
const unseen = /\u001b\][^\u0007]*(?:\u0007|\u001b\\)|\u001bP[\s\S]*?\u001b\\(?!\u001b)/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the beginning of a sequence is what is taken out
const begun = /\u001b(?:\[[^A-Za-z]*|[\]P][^\u0007]*)?$/

/** Without what nobody sees, such as the clipboard, and without half a sequence at the end. */
function toReadable(shown: string): string {
  return shown.replace(unseen, '').replace(begun, '').replaceAll('\u001b[K\u001b[C\u001b[J\r', '\u001b[J\r')
}
