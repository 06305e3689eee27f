import type { Output } from '../output/output.ts'

/**
 * How an answer is shown on stdout. `text`: as it comes; `markdown`: rendered while it comes; `plain`: for a screen
 * reader, line by line, without marks, and nothing on stderr is drawn again either.
 */
export type AnswerLook = 'text' | 'markdown' | 'plain'

/** What is no terminal, or one that cannot move its cursor, gets the text. */
export function chooseLook(stdout: Output, { plain }: { plain: boolean }): AnswerLook {
  if (!stdout.isTerminal) return 'text'
  if (plain) return 'plain'
  return stdout.canRedraw ? 'markdown' : 'text'
}

/** What the terminal can show, as far as its environment tells. */
export function findAbilities(environment: NodeJS.ProcessEnv): { unicode: boolean; hyperlinks: boolean } {
  return { unicode: hasUnicode(environment), hyperlinks: hasHyperlinks(environment) }
}

/** Where no locale is set, as over many an ssh, the terminal is of today all the same. */
function hasUnicode({ TERM, LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || 'UTF-8'
  return TERM !== 'linux' && /utf-?8/i.test(locale)
}

const linking = new Set(['iTerm.app', 'WezTerm', 'vscode', 'ghostty', 'Hyper', 'rio'])
const firstLinkingVte = 5000

/** Only where it is known: elsewhere the address is shown. */
function hasHyperlinks(environment: NodeJS.ProcessEnv): boolean {
  const { TERM = '', TERM_PROGRAM = '', VTE_VERSION, WT_SESSION, TMUX, STY } = environment
  if (TMUX || STY) return false
  if (linking.has(TERM_PROGRAM) || WT_SESSION || Number(VTE_VERSION) >= firstLinkingVte) return true
  return /^(xterm-kitty|alacritty|foot|xterm-ghostty|contour)/.test(TERM)
}
