import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { isLmappError, LmappError } from 'lmapp-kit'
import { formatPlural } from '../../../output/format.ts'
import type { Chat, SlashCommand } from '../chat.ts'
import type { TurnsRead } from '../chat-turns.ts'
import { completePath } from '../complete-path.ts'
import { toPaths } from '../words.ts'

type Format = 'json' | 'markdown'

export const exportCommand: SlashCommand = {
  name: 'export',
  operand: '[FILE]',
  help: 'this conversation as Markdown, or as JSON where FILE ends so',
  async run(chat, operand) {
    const conversation = await chat.turns.read()
    const name = await toFileName(operand, conversation, chat)
    const path = resolve(chat.context.directory, name)
    const format: Format = extname(name).toLowerCase() === '.json' ? 'json' : 'markdown'
    const text = await toText(chat, conversation, format)
    if (await write(chat, { path, name, text })) {
      await chat.say(`Wrote ${formatPlural(conversation.messages.length, 'message')} to ${name}`)
    } else await chat.say('Nothing was written.')
    return undefined
  },
  complete: completePath,
}

async function toFileName(operand: string, { title }: TurnsRead, { context }: Chat): Promise<string> {
  const [given = '', ...others] = toPaths(operand, context)
  if (others.length > 0) throw new LmappError('bad-input', 'One file is enough.', { hint: 'As: /export "my file.md"' })
  const name = `${toSlug(title)}.md`
  if (given === '') return name
  const isFolder = await stat(resolve(context.directory, given)).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(given, name) : given
}

/** Letters and digits of all scripts, joined by hyphens. */
function toSlug(title: string): string {
  const words = title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return words.join('-').slice(0, 60).replace(/-$/, '') || 'conversation'
}

/** JSON has all branches. */
async function toText({ turns }: Chat, conversation: TurnsRead, format: Format): Promise<string> {
  const isWhole = format === 'json' && turns.isSaved
  const whole = isWhole
    ? await (await turns.client()).getConversation(conversation.id, { branches: true })
    : conversation
  const pieces =
    format === 'json'
      ? (await import('../../../history/export-json.ts')).toJsonExport([whole])
      : (await import('../../../history/export-markdown.ts')).toMarkdownExport([whole])
  return (await Array.fromAsync(pieces)).join('')
}

interface Writing {
  path: string
  /** As the user said it. */
  name: string
  text: string
}

/** Readable by its owner only: it is what was said. False: there is another one, which is to stay. */
async function write(chat: Chat, { path, name, text }: Writing): Promise<boolean> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw toWriteError(name, error)
  }
  if (!(await chat.confirm(`${name} is there already. Overwrite it?`))) return false
  const aside = `${path}.part`
  try {
    await writeFile(aside, text, { mode: 0o600 })
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw toWriteError(name, error)
  }
  return true
}

function toWriteError(name: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (isLmappError(cause) || code === undefined) return cause
  return new LmappError(code === 'ENOSPC' ? 'disk-full' : 'bad-input', `${name} cannot be written (${code}).`, {
    hint: 'Choose another file: /export FILE',
    cause,
  })
}
