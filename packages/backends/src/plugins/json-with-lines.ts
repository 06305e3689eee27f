/** A JSON text that is wrong, and where. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  /** From 1. */
  readonly line: number

  constructor(line: number) {
    super('It is no JSON.')
    this.line = line
  }
}

export interface JsonWithLines {
  value: unknown
  /** Line, from 1, on which the value at a path as `methods.2` stands; of what is absent, the line of its parent. */
  lineOf(path: string): number
}

const token = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null))/y

/** Throws `JsonSyntaxError`. */
export function parseJsonWithLines(text: string): JsonWithLines {
  const lines = new Map<string, number>()
  let at = 0

  function next(): string {
    token.lastIndex = at
    const match = token.exec(text)
    const found = match?.[1] ?? match?.[2]
    if (found === undefined) throw new JsonSyntaxError(lineAt(text, skipSpace(text, at)))
    at = token.lastIndex
    return found
  }

  function wrongToken(found: string): JsonSyntaxError {
    return new JsonSyntaxError(lineAt(text, at - found.length))
  }

  function read(path: string, first = next()): unknown {
    lines.set(path, lineAt(text, at - first.length))
    if (first === '{') return readObject(path)
    if (first === '[') return readArray(path)
    return readScalar(first)
  }

  function readScalar(found: string): unknown {
    try {
      return JSON.parse(found)
    } catch {
      throw wrongToken(found)
    }
  }

  function readObject(path: string): Record<string, unknown> {
    const entries: [string, unknown][] = []
    let found = next()
    if (found === '}') return {}
    for (;;) {
      if (!found.startsWith('"')) throw wrongToken(found)
      const key = String(readScalar(found))
      expect(':')
      entries.push([key, read(join(path, key))])
      if (endsAfterItem('}')) return Object.fromEntries(entries)
      found = next()
    }
  }

  function readArray(path: string): unknown[] {
    const items: unknown[] = []
    const first = next()
    if (first === ']') return items
    items.push(read(join(path, '0'), first))
    while (!endsAfterItem(']')) items.push(read(join(path, String(items.length))))
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

  const value = read('')
  const rest = skipSpace(text, at)
  if (rest < text.length) throw new JsonSyntaxError(lineAt(text, rest))
  return { value, lineOf: (path) => nearestLine(lines, path) }
}

function nearestLine(lines: ReadonlyMap<string, number>, path: string): number {
  const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : ''
  return lines.get(path) ?? (path === '' ? 1 : nearestLine(lines, parent))
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function skipSpace(text: string, from: number): number {
  const found = text.slice(from).search(/\S/)
  return found === -1 ? text.length : from + found
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
