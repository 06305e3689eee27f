import { createLineSplitter } from './line-splitter.ts'

/**
 * Lines of a byte stream: cut at LF only, a CR before it dropped, a last line without LF given too.
 * Throws `stream-malformed` for what is no UTF-8 and for a line of more than `maxBytes`, after the lines before it.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  { maxBytes }: { maxBytes: number },
): AsyncGenerator<string, void, undefined> {
  const splitter = createLineSplitter({ maxBytes })
  for await (const bytes of source) {
    for (const line of splitter.push(bytes)) yield line
  }
  const last = splitter.end()
  if (last !== undefined) yield last
}
