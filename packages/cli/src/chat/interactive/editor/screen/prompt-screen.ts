import type { Output } from '../../../../output/output.ts'
import type { Prompt } from '../prompt.ts'
import { textWidth, toFrame, type View } from './frame.ts'
import { createPainter } from './painter.ts'
import { toSentView, toView } from './prompt-view.ts'
import { sizeOf } from './size.ts'

/** The prompt where the cursor is, on a terminal of any size. */
export interface PromptScreen {
  show(prompt: Prompt): void
  /** As it stays when it is sent; what comes next is below it. */
  finish(prompt: Prompt): void
  /** Leaves what is shown; the cursor goes below it. */
  leave(): void
  /** Something else was written, and the cursor is below it. */
  forget(): void
  clear(): void
  /** How wide the text is. */
  readonly columns: number
}

export function createPromptScreen(stdout: Output, reflows: boolean): PromptScreen {
  const painter = createPainter({ write: (text) => void stdout.write(text), style: stdout.style, reflows })
  const paint = (view: View) => {
    const size = sizeOf(stdout.stream)
    painter.paint(toFrame(view, size, painter.top), size)
  }
  return {
    show: (prompt) => paint(toView(prompt, sizeOf(stdout.stream))),
    finish(prompt) {
      paint(toSentView(prompt))
      painter.leave()
    },
    leave: painter.leave,
    forget: painter.forget,
    clear: painter.clear,
    get columns() {
      return textWidth(sizeOf(stdout.stream))
    },
  }
}
