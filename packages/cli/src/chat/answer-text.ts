import type { CommandContext } from '../context.ts'
import type { MarkdownPrinter } from '../markdown/printer.ts'
import { toTerminalText } from '../output/sanitize.ts'
import { type AnswerLook, findAbilities } from './answer-look.ts'
import { openFence } from './extract-code.ts'

/** The text of one answer on stdout. */
export interface AnswerText {
  readonly hasBegun: boolean
  write(text: string): Promise<void>
  /** A terminal has shown the end of what was written before: this goes on below or behind it. */
  goOnFrom(text: string): Promise<void>
  /** Makes a row free, so that something else can stand there. What comes next is written below that. */
  stepAside(): Promise<void>
  /** Ends with a line break, its own or ours; nothing at all when nothing was written. */
  end(): Promise<void>
  /** Nothing more comes, and nobody waits: the terminal is left as it was found. */
  leave(): Promise<void>
}

export function createAnswerText(context: CommandContext, look: AnswerLook): AnswerText {
  return look === 'text' ? createPlainText(context) : createMarkdownText(context, look)
}

function createPlainText({ stdout, stderr }: CommandContext): AnswerText {
  const sharesTerminal = stdout.isTerminal && stderr.isTerminal
  /** Last character on stdout; empty: nothing was written yet. */
  let last = ''
  const isOpen = () => last !== '' && last !== '\n'
  return {
    get hasBegun() {
      return last !== ''
    },
    async write(text) {
      last = text.at(-1) ?? last
      await stdout.write(stdout.isTerminal ? toTerminalText(text) : text)
    },
    async goOnFrom() {
      last = ' '
    },
    async stepAside() {
      if (!sharesTerminal) return
      if (isOpen()) await stderr.write('\n')
      last = last && '\n'
    },
    async end() {
      if (isOpen()) await stdout.write('\n')
      if (last !== '') last = '\n'
    },
    async leave() {},
  }
}

/** The rendering is loaded while the model is waited for. */
function createMarkdownText({ stdout, stderr, environment }: CommandContext, look: AnswerLook): AnswerText {
  const loading = import('../markdown/printer.ts')
  loading.catch(() => {})
  let printer: MarkdownPrinter | undefined
  let isAside = false

  async function open(): Promise<MarkdownPrinter> {
    const { createMarkdownPrinter } = await loading
    printer ??= createMarkdownPrinter({
      output: stdout,
      plain: look === 'plain',
      ...findAbilities(environment),
    })
    if (isAside) printer.show()
    isAside = false
    return printer
  }

  async function end(): Promise<void> {
    await printer?.end()
    printer = undefined
    isAside = false
  }

  return {
    get hasBegun() {
      return printer !== undefined
    },
    async write(text) {
      await (printer && !isAside ? printer : await open()).write(text)
    },
    async goOnFrom(text) {
      await stderr.write('\n')
      const fence = openFence(text)
      if (fence !== undefined) await (await open()).write(`${fence}\n`)
    },
    async stepAside() {
      if (!printer || isAside) return
      isAside = true
      printer.hide()
    },
    end,
    leave: end,
  }
}
