/** What came from the keyboard. */
export type Key =
  | { readonly type: 'text'; readonly text: string }
  /** Line feeds between its lines; `lost`: how many characters were too many. */
  | { readonly type: 'paste'; readonly text: string; readonly lost: number }
  /** As `enter`, `ctrl-a`, `alt-left`, `shift-enter`; modifiers in the order ctrl, alt, shift. */
  | { readonly type: 'chord'; readonly name: string }

export function toChord(name: string): Key {
  return { type: 'chord', name }
}
