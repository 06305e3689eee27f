import { createInterface } from 'node:readline'
import type { CommandContext } from '../../../context.ts'
import { toOneLine } from '../../../output/sanitize.ts'
import { exitCodeOfSignal, type StopSignal } from '../../../signals.ts'
import type { ChatEditor, ReadResult } from './chat-editor.ts'
import { leaveNote } from './prompt.ts'
import { isOpenBlock, unwrapBlock } from './text/block.ts'
import { type Chip, toPlainText } from './text/chips.ts'

export interface PlainEditorOptions {
  /** Absent: the user wants it so. Else why nothing better is possible, which is said once. */
  because?: string
}

type Came = { type: 'line'; text: string } | { type: 'end' } | { type: 'signal'; signal: StopSignal }

const signs = { first: '> ', more: '… ' }
/** For those who hear them. */
const words = { first: 'You: ', more: 'More: ' }

/** For terminals that can do no more than print: the system edits the line, and Ctrl-C is a signal. */
export function openPlainEditor(context: CommandContext, { because }: PlainEditorOptions = {}): ChatEditor {
  const { stdin, stdout, signals } = context
  const lines = createInterface({ input: stdin.stream, terminal: false })
  const prompts = because === undefined ? words : signs
  const ready: Came[] = []
  let reader: ((came: Came) => void) | undefined
  let unsaid = because
  let chips: Chip[] = []

  function deliver(came: Came): void {
    if (reader) reader(came)
    else ready.push(came)
  }
  lines.on('line', (text) => deliver({ type: 'line', text }))
  lines.on('close', () => deliver({ type: 'end' }))

  async function readLine(prompt: string): Promise<Came> {
    await stdout.write(prompt)
    const { promise, resolve } = Promise.withResolvers<Came>()
    const came = ready.shift()
    if (came) return came
    reader = resolve
    const release = signals.listen((signal) => resolve({ type: 'signal', signal }))
    try {
      return await promise
    } finally {
      reader = undefined
      release()
    }
  }

  /** The lines of one message. */
  async function read(): Promise<ReadResult> {
    if (unsaid !== undefined) await stdout.write(`${stdout.style('dim', unsaid)}\n`)
    unsaid = undefined
    let text = ''
    let hinted = false
    for (;;) {
      const came = await readLine(text === '' ? prompts.first : prompts.more)
      if (came.type !== 'line') await stdout.write('\n')
      if (came.type === 'end') return { type: 'leave', exitCode: 0 }
      if (came.type === 'line') {
        hinted = false
        text = toPlainText(text + came.text)
        const message = isOpenBlock(text) ? undefined : takeMessage(text)
        if (message) return message
        text = isOpenBlock(text) ? `${text}\n` : ''
        continue
      }
      if (came.signal !== 'SIGINT') return { type: 'leave', exitCode: exitCodeOfSignal[came.signal] }
      if (text === '' && hinted) return { type: 'leave', exitCode: 0 }
      hinted = text === ''
      text = ''
      if (hinted) await stdout.write(`${stdout.style('dim', leaveNote)}\n`)
    }
  }

  function takeMessage(written: string): ReadResult | undefined {
    const text = [...chips.flatMap((chip) => chip.text ?? []), unwrapBlock(written)].join('\n')
    if (text.trim() === '' && chips.length === 0) return undefined
    const taken = chips
    chips = []
    return { type: 'message', text, chips: taken }
  }

  return {
    signals,
    read,
    remember() {},
    insertChip(chip) {
      chips.push(chip)
      void stdout.write(`${stdout.style('dim', `With the next message: [${toOneLine(chip.label)}]`)}\n`)
    },
    async release(work) {
      lines.pause()
      try {
        return await work()
      } finally {
        lines.resume()
      }
    },
    close: () => lines.close(),
  }
}
