import type { Content } from 'lmapp-kit'
import { toTextParts } from './message.ts'
import { type Fields, toCleanText, toFields, toList, toNonEmpty } from './values.ts'

/** The parts of an answer: newer versions keep a list of what the model put out, older ones a text with HTML in it. */
export function readOpenWebUiAnswer(message: Fields): Content[] {
  const output = toList(message.output).flatMap((item) => readItem(toFields(item) ?? {}))
  if (output.length > 0) return output
  return readMarkedText(toCleanText(message.content) ?? blocksToText(message.content))
}

function readItem(item: Fields): Content[] {
  const text = blocksToText(item.content)
  switch (item.type) {
    case 'message':
      return toTextParts(text)
    case 'reasoning': {
      const thoughts = text || blocksToText(item.summary)
      return thoughts === '' ? [] : [{ type: 'reasoning', text: thoughts }]
    }
    case 'function_call': {
      const id = toNonEmpty(item.call_id) ?? toNonEmpty(item.id) ?? ''
      const name = toCleanText(item.name) ?? ''
      return [{ type: 'tool-call', id, name, arguments: toCleanText(item.arguments) ?? '' }]
    }
    case 'function_call_output': {
      const result = toCleanText(item.output) ?? blocksToText(item.output)
      return [
        { type: 'tool-result', id: toNonEmpty(item.call_id) ?? '', name: toCleanText(item.name) ?? '', text: result },
      ]
    }
    default:
      return []
  }
}

function blocksToText(blocks: unknown): string {
  return toList(blocks)
    .map((block) => toCleanText(toFields(block)?.text) ?? '')
    .join('')
}

const [opening, closing] = ['<details', '</details>']

/** Thoughts stand in `<details type="reasoning">`, each line quoted, with a summary above them. */
function readMarkedText(text: string): Content[] {
  const parts: Content[] = []
  let from = 0
  for (let start = text.indexOf(opening); start >= 0; start = text.indexOf(opening, start + 1)) {
    const tagEnd = text.indexOf('>', start)
    if (tagEnd < 0) break
    if (!/\stype="reasoning"/.test(text.slice(start, Math.min(tagEnd, start + 500)))) continue
    const end = text.indexOf(closing, tagEnd)
    if (end < 0) break
    parts.push(...toTextParts(text.slice(from, start).trim() === '' ? '' : text.slice(from, start)))
    parts.push({ type: 'reasoning', text: unquote(text.slice(tagEnd + 1, end)) })
    from = end + closing.length
  }
  const rest = from > 0 ? text.slice(from).replace(/^\n+/, '') : text
  return [...parts, ...toTextParts(rest)]
}

function unquote(details: string): string {
  return details
    .replace(/^\s*<summary>[^<]*<\/summary>\n?/, '')
    .split('\n')
    .map((line) => decodeEntities(line.replace(/^(?:&gt;|>) ?/, '')))
    .join('\n')
    .trim()
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#x27': "'", '#39': "'", amp: '&' }

function decodeEntities(text: string): string {
  return text.replace(/&(lt|gt|quot|#x27|#39|amp);/g, (_, name: string) => entities[name] ?? '')
}
