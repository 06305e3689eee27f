/** What a terminal is told when the editor begins to listen, and when it ends. */
export interface Modes {
  readonly on: string
  readonly off: string
}

/** An answer that is being drawn hides the cursor: whoever gets the terminal then sees it again. */
const pasteMarks: Modes = { on: '\u001b[?2004h', off: '\u001b[?2004l\u001b[?25h' }
/** Escape without doubt, all keys with modifiers, and where they are on an American keyboard. */
const kittyKeys: Modes = { on: '\u001b[>5u', off: '\u001b[<u' }
/** Xterm's own way, which tmux knows too. */
const modifiedKeys: Modes = { on: '\u001b[>4;1m', off: '\u001b[>4m' }

/** Families whose members understand, or pass over, what begins with CSI >. */
const knowing = /^(xterm|tmux|foot|alacritty|wezterm|ghostty|rio|contour|konsole|vte|iterm)/

/**
 * Asks for pastes to be marked and, where that is safe, for keys that can be told apart, such as Shift-Enter.
 * A terminal that knows half of it could take CSI u for "go to the saved place" and CSI m for a colour:
 * so the place is saved before and restored behind, and colours are none.
 */
export function findModes({ TERM = '', TERM_PROGRAM, TMUX, STY }: NodeJS.ProcessEnv): Modes {
  if (STY || TERM_PROGRAM === 'Apple_Terminal') return pasteMarks
  if (TMUX) return join([pasteMarks, safely([modifiedKeys])])
  return knowing.test(TERM) ? join([pasteMarks, safely([kittyKeys, modifiedKeys])]) : pasteMarks
}

/** Xterm and rxvt cut rows that became too long; the others break them anew. */
export function findReflow({ TERM = '', XTERM_VERSION, TMUX, STY }: NodeJS.ProcessEnv): boolean {
  if (TMUX) return true
  return !STY && XTERM_VERSION === undefined && !/^(rxvt|screen|linux|vt\d)/.test(TERM)
}

function safely(modes: readonly Modes[]): Modes {
  const { on, off } = join(modes)
  return { on: `\u001b7${on}\u001b[m\u001b8`, off: `\u001b7${off}\u001b[m\u001b8` }
}

function join(modes: readonly Modes[]): Modes {
  return { on: modes.map(({ on }) => on).join(''), off: modes.map(({ off }) => off).join('') }
}
