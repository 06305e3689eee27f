/**
 * The JSON of an answer: the whole text, else what stands in its first code block, else from its first bracket to its
 * last. Models without a grammar like to put words or a fence around it. Undefined when nothing of it is JSON.
 */
export function findJson(text: string): { text: string; value: unknown } | undefined {
  for (const candidate of candidatesOf(text)) {
    const value = parse(candidate)
    if (value !== undefined) return { text: candidate.trim(), value }
  }
  return undefined
}

function candidatesOf(text: string): string[] {
  const block = /```[^\n]*\n([\s\S]*?)```/.exec(text)?.[1]
  const start = text.search(/[[{]/)
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))
  const between = start >= 0 && end > start ? text.slice(start, end + 1) : undefined
  return [text, block, between].filter((candidate) => candidate !== undefined)
}

/** JSON knows no `undefined`, so that this can stand for what is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
