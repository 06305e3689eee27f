import { LmappError } from 'lmapp-kit'
import { exportVersion } from '../export-json.ts'
import { trimLineEnds } from '../export-markdown.ts'
import { describeConversation, type ReadContext } from './context.ts'
import type { ImportedConversation } from './imported.ts'
import { parseLmappConversation } from './lmapp-conversation.ts'
import { type Fields, parseJson, toCleanText, toFields, toList, toNonEmpty } from './values.ts'

const commentPattern = /^<!-- lmapp:([a-z-]+)(?: (\{[\s\S]*\}))? -->\s*$/

export function isLmappMarkdown(text: string): boolean {
  return text.trimStart().startsWith('<!-- lmapp:conversation {')
}

/** Reads the Markdown that lmapp exports: each conversation when its last line has been seen. */
export async function* readLmappMarkdown(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
): AsyncGenerator<ImportedConversation> {
  let conversation: OpenConversation | undefined
  let number = 0
  for await (const { kind, json, line, lines } of splitSections(chunks)) {
    if (kind === 'conversation') {
      if (conversation) yield* finish(conversation, number, context)
      number++
      const facts = parseFacts(json, line)
      assertVersion(facts)
      conversation = { facts, messages: [] }
    } else if (kind === 'message' && conversation) {
      const isFirst = conversation.facts.version === 1
      conversation.messages.push(toMessage(parseFacts(json, line), lines, isFirst))
    }
  }
  if (conversation) yield* finish(conversation, number, context)
}

interface OpenConversation {
  facts: Fields
  messages: Fields[]
}

function* finish({ facts, messages }: OpenConversation, number: number, context: ReadContext) {
  const where = describeConversation(number, toCleanText(facts.title))
  for (const message of messages) {
    for (const image of toList(message.left))
      context.notices.add('image', where, `${String(image)}: Markdown does not hold images`)
  }
  const conversation = parseLmappConversation({ ...facts, messages }, number, context)
  if (conversation) yield conversation
}

export function assertVersion({ version }: Fields): void {
  if (typeof version === 'number' && version >= 1 && version <= exportVersion) return
  const isNewer = typeof version === 'number' && version > exportVersion
  throw new LmappError(
    'bad-input',
    `It was exported as version ${String(version)}, and this lmapp reads up to ${exportVersion}.`,
    {
      hint: isNewer ? 'Update lmapp, then import again' : 'Export it again: lmapp history export',
      details: { version, known: exportVersion },
    },
  )
}

function parseFacts(json: string | undefined, line: number): Fields {
  const facts = toFields(parseJson(json))
  if (facts) return facts
  throw new LmappError('bad-input', `The comment at line ${line} is not as lmapp writes it.`, {
    hint: 'Keep the lines that begin with "<!-- lmapp:" as they are',
    details: { line },
  })
}

interface Section {
  kind: string
  json: string | undefined
  /** Of the comment, counted from 1. */
  line: number
  /** What follows the comment. */
  lines: string[]
}

async function* splitSections(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Section> {
  let section: Section | undefined
  let number = 0
  for await (const line of readTextLines(chunks)) {
    number++
    const [, kind, json] = commentPattern.exec(line) ?? []
    if (kind !== undefined) {
      if (section) yield section
      section = { kind, json, line: number, lines: [] }
    } else section?.lines.push(line)
  }
  if (section) yield section
}

/** Only LF ends a line: a text may hold CR. */
async function* readTextLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let held: string[] = []
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n')
    held.push(first)
    for (const line of others) {
      yield held.join('')
      held = [line]
    }
  }
  yield held.join('') + decoder.decode()
}

/** The text stands below the heading and an empty line; line breaks at its end are in the comment. */
function toMessage(facts: Fields, lines: readonly string[], isFirst: boolean): Fields {
  const text = trimLineEnds(lines.slice(2).join('\n')).replace(/^<!-- \\(\\*)lmapp:/gm, '<!-- $1lmapp:')
  const whole = text + (toCleanText(facts.textEnd) ?? '')
  const listed = toList(facts.parts)
  const parts = listed.map((part) => (isPlace(part) ? { type: 'text', text: whole } : part))
  const isImage = (part: unknown) => toFields(part)?.type === 'image'
  const kept = parts.filter((part) => !isImage(part) || toNonEmpty(toFields(part)?.data) !== undefined)
  const left = parts.filter((part) => !kept.includes(part)).map((part) => toFields(part)?.mediaType)
  // Version 1 left the text out of the parts.
  const whereTextWas = isFirst && whole !== '' ? [{ type: 'text', text: whole }] : []
  return { ...facts, text: whole, parts: [...kept, ...whereTextWas], left }
}

/** Where the message's own text stands among its parts. */
function isPlace(part: unknown): boolean {
  const fields = toFields(part)
  return fields?.type === 'text' && fields.text === undefined
}
