import type { CommandContext } from '../../context.ts'
import { exitCodeOfSignal } from '../../signals.ts'
import type { LineEditor } from './line-editor.ts'

export type MessageResult = { type: 'message'; text: string } | { type: 'leave'; exitCode: number }

const fence = '"""'

/** The next message that is not empty. Ctrl-C throws the line away, hints on an empty one, and leaves the second time. */
export async function readMessage(editor: LineEditor, { stdout }: CommandContext): Promise<MessageResult> {
  let hinted = false
  let block: string[] | undefined
  for (;;) {
    const result = await editor.read(block ? '… ' : '> ')
    if (result.type !== 'line') await stdout.write('\n')
    if (result.type === 'end') return { type: 'leave', exitCode: 0 }
    if (result.type === 'signal') return { type: 'leave', exitCode: exitCodeOfSignal[result.signal] }
    if (result.type === 'interrupt') {
      const isEmpty = !result.hadText && !block
      if (isEmpty && hinted) return { type: 'leave', exitCode: 0 }
      if (isEmpty) await stdout.write(stdout.style('dim', 'Ctrl-C again, Ctrl-D or /exit leaves.\n'))
      hinted = isEmpty
      block = undefined
      continue
    }
    hinted = false
    const text = block ? continueBlock(block, result.text) : beginMessage(result.text)
    if (typeof text === 'object') block = text
    else {
      block = undefined
      if (text.trim() !== '') return { type: 'message', text }
    }
  }
}

/** The message, or the lines so far of one that began with `"""`. */
function beginMessage(line: string): string | string[] {
  if (!line.trimStart().startsWith(fence)) return line
  const inner = line.trimStart().slice(fence.length)
  return continueBlock([], inner)
}

function continueBlock(block: readonly string[], line: string): string | string[] {
  const end = line.trimEnd()
  if (!end.endsWith(fence)) return block.length === 0 && line === '' ? [''] : [...block, line]
  const lines = [...block, end.slice(0, -fence.length)]
  return lines.join('\n').replace(/^\n|\n$/g, '')
}
