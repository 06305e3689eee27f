import type { Message } from 'lmapp-kit'

/** Tells the model what is wanted: a grammar bounds what it can write, but not what it means. */
export function withSchemaInstruction(messages: readonly Message[], schema: Record<string, unknown>): Message[] {
  const text = `Answer with one JSON value that satisfies this JSON Schema, and with nothing else:\n${JSON.stringify(schema)}`
  const [first, ...rest] = messages
  if (first?.role !== 'system') return [{ role: 'system', content: [{ type: 'text', text }] }, ...messages]
  return [{ ...first, content: [...first.content, { type: 'text', text: `\n\n${text}` }] }, ...rest]
}

/** The turns that ask once more after an answer that does not satisfy the schema. */
export function toCorrection(answer: string, problem: string): Message[] {
  const ask = `That does not satisfy the schema: ${problem}. Answer again, with the corrected JSON only.`
  return [
    { role: 'assistant', content: [{ type: 'text', text: answer }] },
    { role: 'user', content: [{ type: 'text', text: ask }] },
  ]
}
