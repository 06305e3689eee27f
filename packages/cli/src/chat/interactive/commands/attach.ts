import { basename } from 'node:path'
import { type Content, isLmappError, LmappError } from 'lmapp-kit'
import { formatBytes } from '../../../output/format.ts'
import { printNotice } from '../../../output/print-error.ts'
import { toOneLine } from '../../../output/sanitize.ts'
import type { Attached, Chat, SlashCommand } from '../chat.ts'
import { completePath } from '../complete-path.ts'
import { toPaths } from '../words.ts'

export const fileCommand: SlashCommand = {
  name: 'file',
  operand: 'PATH…',
  help: 'text, PDF, image or folder to go with the next question',
  run: (chat, operand) => attach(chat, operand, false),
  complete: completePath,
}

export const imageCommand: SlashCommand = {
  name: 'image',
  operand: 'PATH…',
  help: 'a picture to go with the next question',
  run: (chat, operand) => attach(chat, operand, true),
  complete: completePath,
}

async function attach(chat: Chat, operand: string, onlyImages: boolean): Promise<undefined> {
  const { context, editor } = chat
  if (operand === '') {
    const hint = onlyImages ? 'As: /image photo.png' : 'As: /file notes.txt'
    throw new LmappError('bad-input', 'Which file? There is no path.', { hint })
  }
  const { readAttachment } = await import('../../../input/attachments/read-attachment.ts')
  const read: { path: string; content: Content[] }[] = []
  for (const path of toPaths(operand, context)) {
    const { content, notice } = await readAttachment(path, context.directory)
    if (onlyImages && !content.every(({ type }) => type === 'image')) throw notAnImage(path)
    if (notice && !chat.quiet) await printNotice(context.stderr, notice)
    read.push({ path, content })
  }
  if (read.some(({ content }) => content.some(({ type }) => type === 'image'))) await assertSees(chat)
  for (const { path, content } of read)
    editor.insertChip({ label: describe(path, content), value: toAttached(content) })
}

function toAttached(content: readonly Content[]): Attached {
  return { content }
}

/** What a chip of this chat carries. */
export function contentOfChip(value: unknown): readonly Content[] {
  return typeof value === 'object' && value !== null && 'content' in value ? (value as Attached).content : []
}

function describe(path: string, content: readonly Content[]): string {
  const bytes = content.reduce((sum, part) => sum + sizeOf(part), 0)
  const files = content.length === 1 ? '' : `${content.length} files, `
  return `${toOneLine(basename(path) || path)} (${files}${formatBytes(bytes)})`
}

function sizeOf(part: Content): number {
  if (part.type === 'image') return Buffer.byteLength(part.data, 'base64')
  return 'text' in part ? Buffer.byteLength(part.text) : 0
}

function notAnImage(path: string): LmappError {
  return new LmappError('bad-input', `${path} is no image.`, { hint: `Attach it as it is: /file ${path}` })
}

/** Refused before anything is written around it. Where it is not known who will answer, the service refuses it. */
async function assertSees({ turns }: Chat): Promise<void> {
  const { model } = turns
  if (model === undefined) return
  const found = await turns
    .client()
    .then((client) => client.showModel(model))
    .catch(unlessBug)
  if (found?.capabilities?.vision !== 'no') return
  throw new LmappError('unsupported', `${found.ref} cannot see images.`, {
    hint: 'Choose a model that can: /model, then attach it again',
  })
}

function unlessBug(error: unknown): undefined {
  if (!isLmappError(error)) throw error
}
