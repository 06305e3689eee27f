/** Lets only the inside of the first fenced code block through, line by line as it comes. */
export interface CodeExtractor {
  push(text: string): string
  /** What is left when the answer ends; a block without its closing fence counts. */
  end(): string
  readonly found: boolean
}

const openingFence = /^ {0,3}(`{3,}|~{3,})[^`]*$/

export function createCodeExtractor(): CodeExtractor {
  let state: 'before' | 'inside' | 'after' = 'before'
  let fence = ''
  let rest = ''

  function takeLine(line: string): string {
    if (state === 'after') return ''
    if (state === 'inside') {
      if (isClosing(line, fence)) {
        state = 'after'
        return ''
      }
      return line
    }
    const opening = openingFence.exec(line.trimEnd())?.[1]
    if (opening) {
      state = 'inside'
      fence = opening
    }
    return ''
  }

  return {
    push(text) {
      const lines = (rest + text).split(/(?<=\n)/)
      rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '')
      return lines.map(takeLine).join('')
    },
    end() {
      const last = rest
      rest = ''
      return takeLine(last)
    },
    get found() {
      return state !== 'before'
    },
  }
}

function isClosing(line: string, fence: string): boolean {
  const text = line.trim()
  return text.length >= fence.length && text === (fence[0] ?? '').repeat(text.length) && !/^ {4}/.test(line)
}
