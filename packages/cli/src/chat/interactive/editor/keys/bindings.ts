import type { EditCommand } from '../text/editor-state.ts'

export type Action =
  | EditCommand
  | 'send'
  | 'up'
  | 'down'
  | 'older'
  | 'newer'
  | 'complete'
  | 'complete-back'
  | 'search'
  | 'search-forward'
  | 'open-editor'
  | 'interrupt'
  | 'end-or-delete'
  | 'escape'
  | 'repaint'
  | 'suspend'

/** As in a shell; what tells Shift-Enter from Enter differs between terminals. */
const bindings: Record<string, Action> = {
  enter: 'send',
  'ctrl-m': 'send',
  'ctrl-j': 'newline',
  'shift-enter': 'newline',
  'alt-enter': 'newline',
  'ctrl-enter': 'newline',
  'ctrl-alt-j': 'newline',
  left: 'left',
  'ctrl-b': 'left',
  right: 'right',
  'ctrl-f': 'right',
  up: 'up',
  down: 'down',
  'ctrl-p': 'older',
  'ctrl-n': 'newer',
  'ctrl-left': 'word-left',
  'alt-left': 'word-left',
  'alt-b': 'word-left',
  'ctrl-right': 'word-right',
  'alt-right': 'word-right',
  'alt-f': 'word-right',
  home: 'line-start',
  'ctrl-a': 'line-start',
  end: 'line-end',
  'ctrl-e': 'line-end',
  'ctrl-home': 'text-start',
  'alt-<': 'text-start',
  'ctrl-end': 'text-end',
  'alt->': 'text-end',
  backspace: 'backspace',
  'shift-backspace': 'backspace',
  'ctrl-h': 'backspace',
  delete: 'delete',
  'ctrl-d': 'end-or-delete',
  'ctrl-w': 'cut-blank-word-left',
  'alt-backspace': 'cut-word-left',
  'ctrl-backspace': 'cut-word-left',
  'alt-d': 'cut-word-right',
  'alt-delete': 'cut-word-right',
  'ctrl-delete': 'cut-word-right',
  'ctrl-u': 'cut-to-start',
  'ctrl-k': 'cut-to-end',
  'ctrl-y': 'put-back',
  'ctrl-t': 'transpose',
  'ctrl-_': 'undo',
  'ctrl-/': 'undo',
  'ctrl--': 'undo',
  tab: 'complete',
  'ctrl-i': 'complete',
  'shift-tab': 'complete-back',
  'ctrl-r': 'search',
  'ctrl-s': 'search-forward',
  'ctrl-g': 'open-editor',
  'ctrl-c': 'interrupt',
  escape: 'escape',
  'ctrl-[': 'escape',
  'ctrl-l': 'repaint',
  'ctrl-z': 'suspend',
}

export function actionOf(chord: string): Action | undefined {
  return Object.hasOwn(bindings, chord) ? bindings[chord] : undefined
}
