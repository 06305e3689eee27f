import type { CommandContext } from '../../../context.ts'
import type { ChatEditor, ChatEditorOptions } from './chat-editor.ts'
import { openPlainEditor } from './plain-editor.ts'
import { openTerminalEditor } from './terminal-editor.ts'

export interface OpenEditorOptions extends ChatEditorOptions {
  /** Nothing is drawn twice, prompts are words: for a screen reader. */
  plain?: boolean
}

const cannot =
  'This terminal cannot move the cursor: no editing keys, no completion. Several lines: """ before and after.'

/** The editor that the terminal is good for. Until `close` the keyboard is its own. */
export function openEditor(context: CommandContext, { plain = false, ...options }: OpenEditorOptions): ChatEditor {
  if (plain) return openPlainEditor(context)
  const isEditable = context.stdout.canRedraw && typeof context.stdin.stream.setRawMode === 'function'
  return isEditable ? openTerminalEditor(context, options) : openPlainEditor(context, { because: cannot })
}
