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

/** The code blocks of an answer, without their fences; one without its closing fence counts. */
export function findCodeBlocks(answer: string): string[] {
  const blocks: string[] = []
  let fence: string | undefined
  for (const line of answer.match(/[^\n]*\n|[^\n]+/g) ?? []) {
    if (fence === undefined) {
      fence = openingFence.exec(line.trimEnd())?.[1]
      if (fence !== undefined) blocks.push('')
    } else if (isClosing(line, fence)) fence = undefined
    else blocks.push(`${blocks.pop()}${line}`)
  }
  return blocks
}

/** The line that opened the code block in which the text ends. */
export function openFence(text: string): string | undefined {
  let opening: string | undefined
  let fence = ''
  for (const line of text.split('\n')) {
    if (opening !== undefined) {
      if (isClosing(line, fence)) opening = undefined
      continue
    }
    const found = openingFence.exec(line.trimEnd())?.[1]
    if (!found) continue
    opening = line
    fence = found
  }
  return opening
}

function isClosing(line: string, fence: string): boolean {
  const text = line.trim()
  return text.length >= fence.length && text === (fence[0] ?? '').repeat(text.length) && !/^ {4}/.test(line)
}
