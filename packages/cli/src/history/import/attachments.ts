import { isUtf8 } from 'node:buffer'
import type { Content } from 'lmapp-kit'
import type { Notices } from './notices.ts'

/** As large as an attachment can be that is taken along. */
export const mostAttachmentBytes = 20 * 1024 * 1024
/** Of all attachments of one conversation, which is held and sent whole. */
const mostConversationBytes = 64 * 1024 * 1024

export interface Attachment {
  name: string
  /** What the other program took it for. */
  mediaType?: string | undefined
  bytes: Uint8Array
}

/** Turns attachments of one conversation into parts, as far as lmapp can hold them; the others are noted. */
export interface AttachmentReader {
  read(attachment: Attachment, where: string): Content[]
  /** Of one that is not there as bytes. */
  miss(name: string, where: string, why: string): Content[]
}

export function createAttachmentReader(notices: Notices): AttachmentReader {
  let total = 0
  const miss = (name: string, where: string, why: string): Content[] => {
    notices.add('attachment', where, `${name}: ${why}`)
    return []
  }
  return {
    miss,
    read({ name, mediaType, bytes }, where) {
      total += bytes.length
      if (bytes.length > mostAttachmentBytes) return miss(name, where, `larger than ${mostAttachmentBytes} bytes`)
      if (total > mostConversationBytes) {
        return miss(name, where, `the conversation has more than ${mostConversationBytes} bytes of attachments`)
      }
      const image = imageType(bytes)
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (image) return [{ type: 'image', mediaType: image, data: buffer.toString('base64') }]
      if (bytes.includes(0) || !isUtf8(bytes)) return miss(name, where, 'neither an image nor a text')
      const text = buffer.toString('utf8')
      return [{ type: 'file', name, mediaType: mediaType?.startsWith('text/') ? mediaType : 'text/plain', text }]
    },
  }
}

const signatures: readonly (readonly [string, string])[] = [
  ['89504e470d0a1a0a', 'image/png'],
  ['ffd8ff', 'image/jpeg'],
  ['47494638', 'image/gif'],
]

/** What an image is by its first bytes; names and types given by others are often wrong. */
export function imageType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 12))
  if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') return 'image/webp'
  const hex = head.toString('hex')
  return signatures.find(([signature]) => hex.startsWith(signature))?.[1]
}

/** The bytes of a `data:` address, when it is one. */
export function readDataUrl(url: string): { mediaType: string; bytes: Buffer } | undefined {
  const comma = url.slice(0, 200).indexOf(',')
  const match = comma < 0 ? null : /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w=.+-]+)*?(;base64)?$/i.exec(url.slice(0, comma))
  if (!match) return undefined
  const [, mediaType = 'text/plain', base64] = match
  if (!base64) return undefined
  return { mediaType, bytes: Buffer.from(url.slice(comma + 1), 'base64') }
}
