/** Several lines of text as one line of an editor, and back. */
export interface LineText {
  /** For the line that is edited: few short lines with marks, more of them as one token. */
  toLine(text: string): string
  /** What was meant by the line. */
  toText(line: string): string
}

export const newlineMark = '↵'

const mostShown = 300

// biome-ignore lint/suspicious/noControlCharactersInRegex: an editor would take them for keys
const keys = /[\u0000-\u0009\u000b-\u001f\u007f]/

export function createLineText(): LineText {
  const pasted = new Map<string, string>()

  function toToken(text: string): string {
    const lines = text.split('\n').length
    const size = lines > 1 ? `${lines} lines` : `${text.length} characters`
    const token = `[text ${pasted.size + 1}: ${size}]`
    pasted.set(token, text)
    return token
  }

  return {
    toLine(text) {
      const known = [...pasted].find(([, each]) => each === text)
      if (known) return known[0]
      const isPlain = text.length <= mostShown && !text.includes(newlineMark) && !keys.test(text)
      return isPlain ? text.replaceAll('\n', newlineMark) : toToken(text)
    },
    toText(line) {
      const text = line.replaceAll(newlineMark, '\n')
      return text.replace(/\[text \d+: \d+ (?:lines|characters)\]/g, (token) => pasted.get(token) ?? token)
    },
  }
}
