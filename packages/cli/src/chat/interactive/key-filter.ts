/** What came from the keyboard, sorted out before a line editor sees it. */
export type Key = { type: 'text' | 'paste'; text: string } | { type: 'enter' | 'newline' | 'editor' | 'interrupt' }

const pasteStart = '\u001b[200~'
const pasteEnd = '\u001b[201~'

/** Shift-Enter as terminals report it that tell it from Enter, Alt-Enter, Ctrl-J, Ctrl-G, Ctrl-C. */
const sequences: Record<string, Key['type']> = {
  [pasteStart]: 'paste',
  '\u001b[13;2u': 'newline',
  '\u001b[27;2;13~': 'newline',
  '\u001b\r': 'newline',
  '\n': 'newline',
  '\r': 'enter',
  '\u0007': 'editor',
  '\u0003': 'interrupt',
}
const longest = Math.max(...Object.keys(sequences).map((sequence) => sequence.length))

/** A sequence may be spread over several chunks. */
export interface KeyFilter {
  push(chunk: string): Key[]
}

export function createKeyFilter(): KeyFilter {
  let rest = ''
  let pasted: string | undefined

  function takePaste(keys: Key[]): boolean {
    const end = rest.indexOf(pasteEnd)
    const until = end < 0 ? rest.length - lengthOfBegun(rest, [pasteEnd], 1) : end
    pasted += rest.slice(0, until)
    rest = rest.slice(end < 0 ? until : end + pasteEnd.length)
    if (end < 0) return false
    keys.push({ type: 'paste', text: (pasted ?? '').replace(/\r\n?/g, '\n') })
    pasted = undefined
    return true
  }

  function takeKey(keys: Key[]): boolean {
    const found = findFirst(rest)
    const until = found ? found.index : rest.length - lengthOfBegun(rest, Object.keys(sequences), 2)
    if (until > 0) keys.push({ type: 'text', text: rest.slice(0, until) })
    rest = rest.slice(until + (found?.sequence.length ?? 0))
    const type = found && sequences[found.sequence]
    if (type === 'paste') pasted = ''
    else if (type && type !== 'text') keys.push({ type })
    return found !== undefined
  }

  return {
    push(chunk) {
      rest += chunk
      const keys: Key[] = []
      let more = true
      while (more) more = pasted === undefined ? takeKey(keys) : takePaste(keys)
      return keys
    },
  }
}

function findFirst(text: string): { sequence: string; index: number } | undefined {
  let first: { sequence: string; index: number } | undefined
  for (const sequence of Object.keys(sequences)) {
    const index = text.indexOf(sequence)
    if (index >= 0 && (!first || index < first.index)) first = { sequence, index }
  }
  return first
}

/** How many characters at the end may begin a sequence. Outside a paste a lone Escape does not: it is a key of its own. */
function lengthOfBegun(text: string, wanted: readonly string[], least: number): number {
  for (let length = Math.min(text.length, longest - 1); length >= least; length--) {
    const end = text.slice(-length)
    if (wanted.some((sequence) => sequence.startsWith(end))) return length
  }
  return 0
}
