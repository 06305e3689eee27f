import type { Content } from 'lmapp-kit'
import type { Attachment, AttachmentReader } from './attachments.ts'
import { toTextParts } from './message.ts'
import type { Notices } from './notices.ts'
import { type Fields, toCleanText, toFields, toList, toNonEmpty } from './values.ts'

export interface ContentReader {
  where: string
  notices: Notices
  attachments: AttachmentReader
  /** Files of the export, by their id. */
  assets: ReadonlyMap<string, Attachment>
}

/** What a message of ChatGPT shows, by its `content_type`; the types are those that exports have had since 2023. */
export function readChatGptContent(reader: ContentReader, message: Fields, content: Fields): Content[] {
  switch (content.content_type) {
    case 'text':
    case 'multimodal_text': {
      const parts = toList(content.parts).flatMap((part) => readPart(reader, part))
      return [...readAttached(reader, message, content), ...citeSources(message, joinTexts(parts))]
    }
    case 'code':
      return toTextParts(toFenced(toCleanText(content.text) ?? '', toCleanText(content.language)))
    case 'thoughts':
      return toList(content.thoughts).flatMap((thought) => readThought(toFields(thought) ?? {}))
    case 'reasoning_recap':
    case 'model_editable_context':
      return []
    case 'tether_quote': {
      const from = [content.title, content.url].flatMap((value) => toNonEmpty(value) ?? []).join(', ')
      return toTextParts([from, toNonEmpty(content.text) ?? ''].filter(Boolean).join(':\n'))
    }
    case 'tether_browsing_display':
      return toTextParts(toNonEmpty(content.result) ?? toNonEmpty(content.summary) ?? '')
    case 'system_error':
      return toTextParts([content.name, content.text].flatMap((value) => toNonEmpty(value) ?? []).join(': '))
    case 'computer_output':
      return readPart(reader, content.screenshot)
    default:
      return readOther(reader, content)
  }
}

/** Text and nothing else; pieces of what was one answer. */
export function toPlainText(parts: readonly Content[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

/** `file-service://file-Ab1` and `sediment://file_0a1#…` both name a file by what its name begins with. */
export function toAssetId(pointer: unknown): string | undefined {
  if (typeof pointer !== 'string') return undefined
  return /^(?:[a-z-]+:\/\/)?(file[-_][A-Za-z0-9]+)/.exec(pointer)?.[1]
}

function readOther(reader: ContentReader, content: Fields): Content[] {
  const texts = [content.text, content.result, content.output_str, content.content].flatMap(
    (value) => toNonEmpty(value) ?? [],
  )
  const parts = toList(content.parts).flatMap((part) => readPart(reader, part))
  const found = [...toTextParts(texts[0] ?? ''), ...parts]
  if (content.content_type !== 'execution_output' && found.length === 0) {
    reader.notices.add('message', reader.where, `content of the type "${String(content.content_type)}" is not known`)
  }
  return found
}

function readPart(reader: ContentReader, value: unknown): Content[] {
  if (typeof value === 'string') return toTextParts(toCleanText(value) ?? '')
  const part = toFields(value)
  if (!part) return []
  const id = toAssetId(part.asset_pointer)
  switch (part.content_type) {
    case 'image_asset_pointer':
      return readAsset(reader, id, 'image')
    case 'audio_transcription':
      return toTextParts(toCleanText(part.text) ?? '')
    case 'audio_asset_pointer':
    case 'real_time_user_audio_video_asset_pointer':
    case 'video_container_asset_pointer':
      return reader.attachments.miss(id ?? 'recording', reader.where, 'sound and video are not taken')
    default:
      return toTextParts(toCleanText(part.text) ?? '')
  }
}

function readAsset({ assets, attachments, where }: ContentReader, id: string | undefined, name: string): Content[] {
  const asset = id === undefined ? undefined : assets.get(id)
  return asset ? attachments.read(asset, where) : attachments.miss(id ?? name, where, 'it is not in the export')
}

/** Files that were given along, apart from those images that the content names itself. */
function readAttached(reader: ContentReader, message: Fields, content: Fields): Content[] {
  const named = new Set(toList(content.parts).flatMap((part) => toAssetId(toFields(part)?.asset_pointer) ?? []))
  return toList(toFields(message.metadata)?.attachments).flatMap((value) => {
    const attachment = toFields(value) ?? {}
    const id = toAssetId(attachment.id)
    if (id !== undefined && named.has(id)) return []
    const name = toNonEmpty(attachment.name) ?? id ?? 'file'
    const asset = id === undefined ? undefined : reader.assets.get(id)
    if (!asset) return reader.attachments.miss(name, reader.where, 'it is not in the export')
    return reader.attachments.read({ ...asset, name }, reader.where)
  })
}

function readThought(thought: Fields): Content[] {
  const text = [thought.summary, thought.content].flatMap((value) => toNonEmpty(value) ?? []).join('\n\n')
  return text === '' ? [] : [{ type: 'reasoning', text: `${text}\n\n` }]
}

function toFenced(code: string, language: string | undefined): string {
  if (code === '') return ''
  const longest = Math.max(2, ...(code.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const name = language === undefined || language === 'unknown' ? '' : language
  return `${fence}${name}\n${code}${code.endsWith('\n') ? '' : '\n'}${fence}`
}

/** Neighbouring texts as one, a line apart. */
function joinTexts(parts: readonly Content[]): Content[] {
  const joined: Content[] = []
  let texts: string[] = []
  const close = () => {
    if (texts.length > 0) joined.push({ type: 'text', text: texts.join('\n') })
    texts = []
  }
  for (const part of parts) {
    if (part.type === 'text') texts.push(part.text)
    else {
      close()
      joined.push(part)
    }
  }
  close()
  return joined
}

/** A source is cited by a mark between private-use characters; what to show for it stands in the metadata. */
function citeSources(message: Fields, parts: Content[]): Content[] {
  const shown = new Map<string, string>()
  for (const value of toList(toFields(message.metadata)?.content_references)) {
    const reference = toFields(value)
    const mark = toNonEmpty(reference?.matched_text)
    if (mark !== undefined) shown.set(mark, toCleanText(reference?.alt) ?? '')
  }
  return parts.map((part) =>
    part.type === 'text'
      ? { ...part, text: part.text.replace(/\ue200[^\ue201]*\ue201/g, (mark) => shown.get(mark) ?? '') }
      : part,
  )
}
