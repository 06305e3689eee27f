import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import { type AssetSource, isChatGptConversation, readChatGptConversation } from './chatgpt.ts'
import { describeConversation, type ReadContext } from './context.ts'
import type { ImportedConversation, ImportKind } from './imported.ts'
import { createJsonSplitter, type JsonItem } from './json-splitter.ts'
import { parseLmappConversation } from './lmapp-conversation.ts'
import { assertVersion } from './lmapp-markdown.ts'
import { isOpenWebUiChat, readOpenWebUiChat } from './open-webui.ts'
import { type Fields, parseJson, toFields, toTime } from './values.ts'

/** Larger conversations are skipped: one is held as a whole. A text of JavaScript ends at 512 MB. */
const mostItemBytes = 256 * 1024 * 1024
const mostDepth = 500

export interface JsonSource extends ReadContext {
  /** One file, or the pieces that one export was split into. */
  paths: readonly string[]
  assets?: AssetSource
}

export interface JsonIndex {
  kind: ImportKind
  items: readonly IndexedItem[]
  /** Why the file could not be read to its end. */
  failure?: LmappError
}

interface IndexedItem {
  path: string
  start: number
  end: number
  number: number
  kind: ImportKind
  /** When it was last used, for the order. */
  time: string
}

/**
 * Reads a JSON file once to find its conversations, what they are and when they were used; their text is read again
 * when it is their turn. Throws `bad-input` where nothing at all can be read.
 */
export async function indexJson(source: JsonSource): Promise<JsonIndex> {
  const items: IndexedItem[] = []
  let failure: LmappError | undefined
  let isOurs = false
  let number = 0
  for (const path of source.paths) {
    try {
      const file = await indexFile(path, source, number)
      items.push(...file.items)
      number = file.number
      isOurs ||= file.isOurs
    } catch (error) {
      if (!(error instanceof PartlyRead)) throw error
      items.push(...error.items)
      isOurs ||= error.isOurs
      failure ??= error.failure
    }
  }
  const kind = isOurs ? 'lmapp-json' : items[0]?.kind
  if (failure && items.length === 0) throw failure
  if (!kind) throw toUnknown(source.notices.list[0]?.why)
  items.sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0))
  return { kind, items, ...(failure && { failure }) }
}

/** The conversations, those that were used last at the end. Throws at its end when the file broke off. */
export async function* readJson(index: JsonIndex, source: JsonSource): AsyncGenerator<ImportedConversation> {
  const seen = new Set<string>()
  const files = new Map<string, FileHandle>()
  try {
    for (const item of index.items) {
      const file = files.get(item.path) ?? (await open(item.path))
      files.set(item.path, file)
      const value = toFields(parseJson(await readRange(file, item)))
      const conversation = value && (await readItem(value, item, source))
      if (!conversation) continue
      if (seen.has(conversation.id)) {
        source.notices.add('conversation', describeConversation(item.number, conversation.title), 'it is there twice')
        continue
      }
      seen.add(conversation.id)
      yield conversation
    }
  } finally {
    for (const file of files.values()) await file.close()
  }
  if (index.failure) throw index.failure
}

class PartlyRead extends Error {
  readonly items: IndexedItem[]
  readonly isOurs: boolean
  readonly failure: LmappError

  constructor(items: IndexedItem[], isOurs: boolean, failure: LmappError) {
    super(failure.message)
    this.items = items
    this.isOurs = isOurs
    this.failure = failure
  }
}

async function indexFile(path: string, source: JsonSource, before: number) {
  const splitter = createJsonSplitter({ listKey: 'conversations', maxBytes: mostItemBytes, maxDepth: mostDepth })
  const items: IndexedItem[] = []
  const header: Fields = {}
  let number = before
  let size = 0
  let headerBytes = 0
  const take = (item: JsonItem) => {
    if (item.key !== undefined) {
      headerBytes += item.bytes?.length ?? 0
      if (headerBytes > mostItemBytes || Object.hasOwn(header, item.key)) return
      header[item.key] = parseJson(item.bytes?.toString('utf8'))
      if (isOurs(header)) assertNotNewer(header)
      return
    }
    const indexed = indexItem(item, ++number, path, source, isOurs(header))
    if (indexed) items.push(indexed)
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      size += chunk.length
      for (const item of splitter.push(chunk)) take(item)
    }
    splitter.end()
  } catch (error) {
    if (error instanceof LmappError && isBroken(error)) throw new PartlyRead(items, isOurs(header), error)
    throw error
  }
  if (isOurs(header)) assertVersion(header)
  else if (splitter.shape === 'object' && number === before && size <= mostItemBytes) {
    // One conversation by itself.
    const whole = indexValue(header, { path, start: 0, end: size, number: ++number })
    if (whole) items.push(whole)
  }
  return { items, number, isOurs: isOurs(header) }
}

function isOurs({ format }: Fields): boolean {
  return format === 'lmapp-conversations'
}

/** Said before a large file is read to its end. */
function assertNotNewer(header: Fields): void {
  if (header.version !== undefined) assertVersion(header)
}

/** Breaking off or wrong brackets, and not a refused version. */
function isBroken({ details }: LmappError): boolean {
  return details?.byte !== undefined
}

function indexItem(
  item: JsonItem,
  number: number,
  path: string,
  { notices }: JsonSource,
  ours: boolean,
): IndexedItem | undefined {
  const where = `${describeConversation(number, undefined)} (byte ${item.start}, line ${item.line})`
  const skip = (why: string) => {
    notices.add('conversation', where, why)
    return undefined
  }
  if (item.problem === 'too-large') return skip(`it is larger than ${mostItemBytes} bytes`)
  if (item.problem === 'too-deep') return skip(`it is nested deeper than ${mostDepth} levels`)
  if (item.bytes && !isUtf8(item.bytes))
    notices.add('characters', where, 'bytes that are no UTF-8 were replaced by \ufffd')
  let value: unknown
  try {
    value = JSON.parse(item.bytes?.toString('utf8') ?? '')
  } catch (error) {
    return skip(`it is no valid JSON: ${error instanceof Error ? error.message.slice(0, 200) : ''}`)
  }
  const place = { path, start: item.start, end: item.end, number }
  const fields = toFields(value)
  const indexed = fields && (ours ? toIndexed(fields, place, 'lmapp-json') : indexValue(fields, place))
  return indexed ?? skip('it is no conversation of a kind that is known')
}

type Place = Pick<IndexedItem, 'path' | 'start' | 'end' | 'number'>

function indexValue(value: Fields, place: Place): IndexedItem | undefined {
  if (isChatGptConversation(value)) return toIndexed(value, place, 'chatgpt')
  if (isOpenWebUiChat(value)) return toIndexed(value, place, 'open-webui')
  return undefined
}

function toIndexed(value: Fields, place: Place, kind: ImportKind): IndexedItem {
  const times = [
    value.updatedAt,
    value.update_time,
    value.updated_at,
    value.createdAt,
    value.create_time,
    value.created_at,
  ]
  const time = times.map(toTime).find((each) => each !== undefined)
  return { ...place, kind, time: time ?? '' }
}

async function readRange(file: FileHandle, { start, end }: IndexedItem): Promise<string> {
  const buffer = Buffer.alloc(end - start)
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  const text = buffer.toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

async function readItem(
  value: Fields,
  { kind, number }: IndexedItem,
  source: JsonSource,
): Promise<ImportedConversation | undefined> {
  if (kind === 'lmapp-json') return parseLmappConversation(value, number, source)
  if (kind === 'chatgpt') return await readChatGptConversation(value, number, source, source.assets)
  return readOpenWebUiChat(value, number, source)
}

export function toUnknown(first?: string): LmappError {
  const why = first === undefined ? '' : ` The first thing in it: ${first}.`
  return new LmappError('bad-input', `Nothing in the file is a conversation that lmapp knows.${why}`, {
    hint: 'It reads exports of lmapp, ChatGPT and Open WebUI, and databases of llm, Open WebUI and the Ollama app',
  })
}
