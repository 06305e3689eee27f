/** A JSON text that is wrong, and where. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  /** From 1. */
  readonly line: number

  constructor(line: number, problem = 'It is no JSON.') {
    super(problem)
    this.line = line
  }
}

export interface JsonWithLines {
  /** As `JSON.parse` gives it. */
  value: unknown
  /** Line, from 1, on which the value at a path as `methods.2` stands; of what is absent, the line of its parent. */
  lineOf(path: string): number
}

/** More than any person writes, and little enough for whatever works on the value. */
const maxNesting = 100

/** Throws `JsonSyntaxError`, also for what is nested deeper than 100 levels. */
export function parseJsonWithLines(text: string): JsonWithLines {
  return { value: readJson(text, () => {}), lineOf: (path) => findLine(text, path) }
}

function findLine(text: string, path: string): number {
  let found = 1
  readJson(text, (names, line) => {
    if (leadsTo(names, path)) found = line
  })
  return found
}

/** Whether these are the first names of the path, or all of them. */
function leadsTo(names: readonly string[], path: string): boolean {
  let at = 0
  for (const name of names) {
    if (!path.startsWith(name, at)) return false
    at += name.length + 1
    if (at <= path.length && path[at - 1] !== '.') return false
  }
  return at <= path.length + 1
}

const token = /[ \t\r\n]*(?:([{}[\],:])|("[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true|false|null))/y
const noSpace = /[^ \t\r\n]/g

/** `visit` hears of each value before what is in it. A name that is there twice counts as the last one. */
function readJson(text: string, visit: (names: readonly string[], line: number) => void): unknown {
  const lineAt = createLineCounter(text)
  const names: string[] = []
  let at = 0

  function next(): string {
    token.lastIndex = at
    const match = token.exec(text)
    const found = match?.[1] ?? match?.[2]
    if (found === undefined) throw new JsonSyntaxError(lineAt(skipSpace(text, at)))
    at = token.lastIndex
    return found
  }

  function wrongToken(found: string, problem?: string): JsonSyntaxError {
    return new JsonSyntaxError(lineAt(at - found.length), problem)
  }

  function read(first = next()): unknown {
    if (names.length > maxNesting) throw wrongToken(first, `It is nested deeper than ${maxNesting} levels.`)
    visit(names, lineAt(at - first.length))
    if (first === '{') return readObject()
    if (first === '[') return readArray()
    return readScalar(first)
  }

  function readInside(name: string, first?: string): unknown {
    names.push(name)
    const value = read(first)
    names.pop()
    return value
  }

  function readScalar(found: string): unknown {
    try {
      return JSON.parse(found)
    } catch {
      throw wrongToken(found)
    }
  }

  function readObject(): Record<string, unknown> {
    const entries: [string, unknown][] = []
    let found = next()
    if (found === '}') return {}
    for (;;) {
      if (!found.startsWith('"')) throw wrongToken(found)
      const key = String(readScalar(found))
      expect(':')
      entries.push([key, readInside(key)])
      if (endsAfterItem('}')) return Object.fromEntries(entries)
      found = next()
    }
  }

  function readArray(): unknown[] {
    const items: unknown[] = []
    const first = next()
    if (first === ']') return items
    items.push(readInside('0', first))
    while (!endsAfterItem(']')) items.push(readInside(String(items.length)))
    return items
  }

  function expect(wanted: string): void {
    const found = next()
    if (found !== wanted) throw wrongToken(found)
  }

  function endsAfterItem(close: string): boolean {
    const found = next()
    if (found !== close && found !== ',') throw wrongToken(found)
    return found === close
  }

  const value = read()
  const rest = skipSpace(text, at)
  if (rest < text.length) throw new JsonSyntaxError(lineAt(rest))
  return value
}

function skipSpace(text: string, from: number): number {
  noSpace.lastIndex = from
  return noSpace.exec(text)?.index ?? text.length
}

/** Offsets must come in their order: the text is looked at once. */
function createLineCounter(text: string): (offset: number) => number {
  let line = 1
  let lineFeed = text.indexOf('\n')
  return (offset) => {
    while (lineFeed !== -1 && lineFeed < offset) {
      line++
      lineFeed = text.indexOf('\n', lineFeed + 1)
    }
    return line
  }
}
