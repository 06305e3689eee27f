import { createTerminalFilter } from '../output/terminal-filter.ts'
import { createOutputDecoder } from '../output/text-decoder.ts'

/** What a program says on stderr, in lines, without what a terminal would not show for long. */
export interface Messages {
  push(bytes: Uint8Array): void
  end(): void
  /** The last lines, the oldest first. */
  tail(): string[]
}

const tailLines = 20
const lineCharacters = 1000

export function createMessages(onLine: (line: string) => void): Messages {
  const decoder = createOutputDecoder()
  const filter = createTerminalFilter()
  const last: string[] = []
  let pending = ''

  function take(text: string): void {
    const lines = (pending + text).split('\n')
    // Of a line without end only its beginning is kept.
    pending = (lines.pop() ?? '').slice(0, lineCharacters)
    for (const line of lines) keep(line.slice(0, lineCharacters))
  }

  function keep(line: string): void {
    if (line.trim() === '') return
    last.push(line)
    last.splice(0, last.length - tailLines)
    onLine(line)
  }

  return {
    push: (bytes) => take(filter.push(decoder.push(bytes))),
    end() {
      take(filter.push(decoder.end()))
      take(`${filter.end()}\n`)
    },
    tail: () => [...last],
  }
}
