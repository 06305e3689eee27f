import type { Content, FileContent, ImageContent } from 'lmapp-kit'
import type { Attachments } from './attachments.ts'
import type { Sql } from './sql.ts'
import type { Id } from './store.ts'

/** An image as it stands in the database; its bytes are an attachment. */
export interface ImageReference {
  type: 'image'
  mediaType: string
  sha256: string
  /** Length of the file. */
  bytes: number
}

/** Content as it is stored. An image with `data` is of a version that had no attachments. */
export type StoredPart = Content | ImageReference

/** Puts the images of a message into files; what is left is what the database keeps. Before the transaction. */
export function detach(parts: readonly Content[], attachments: Attachments): StoredPart[] {
  return parts.map((part) => {
    if (part.type !== 'image') return part
    const bytes = Buffer.from(part.data, 'base64')
    return { type: 'image', mediaType: part.mediaType, sha256: attachments.keep(bytes), bytes: bytes.length }
  })
}

/** Notes which files a new message needs. */
export function noteAttachments(sql: Sql, messageId: Id, parts: readonly StoredPart[]): void {
  for (const part of parts) {
    if (!isReference(part)) continue
    sql.run('INSERT OR IGNORE INTO attachments (sha256, message_id) VALUES (?, ?)', part.sha256, messageId)
  }
}

/**
 * So many bytes of images are read for one conversation, those of the last messages first: it must fit into one string
 * of JSON, which has half a gigabyte at most.
 */
const longestInline = 256 * 1024 * 1024

/** The messages with their images in them again. One that cannot be read is a text that says so. */
export function attachAll<M extends { parts: StoredPart[] }>(
  messages: readonly M[],
  attachments: Attachments,
  limit: number = longestInline,
): (Omit<M, 'parts'> & { parts: Content[] })[] {
  let room = limit
  const attach = (part: StoredPart): Content => {
    if (!isReference(part)) return part
    if (part.bytes > room) return toNote(part, 'the conversation has more images than are read at once')
    const read = attachments.read(part.sha256)
    if ('lost' in read) return toNote(part, `its file is ${read.lost}`)
    room -= read.bytes.length
    return { type: 'image', mediaType: part.mediaType, data: read.bytes.toString('base64') } satisfies ImageContent
  }
  const newestFirst = messages.toReversed().map((message) => ({ ...message, parts: message.parts.map(attach) }))
  return newestFirst.reverse()
}

function isReference(part: StoredPart): part is ImageReference {
  return part.type === 'image' && 'sha256' in part
}

function toNote({ mediaType, bytes }: ImageReference, why: string): FileContent {
  const text = `This image (${mediaType}, ${bytes} bytes) could not be read from the history: ${why}.`
  return { type: 'file', name: 'image', mediaType, text }
}
