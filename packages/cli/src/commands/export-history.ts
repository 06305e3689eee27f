import { writeFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { ApiConversation, LmappClient } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { toJsonExport } from '../history/export-json.ts'
import { toMarkdownExport } from '../history/export-markdown.ts'
import { formatPlural } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { listConversations } from './history.ts'

export async function exportHistory(context: CommandContext, args: Arguments): Promise<number> {
  const output = args.value('output')
  const format = chooseFormat(args, output)
  const conversations = await withService(context, (client) => load(client, args.operands))
  const text = format === 'json' ? toJsonExport(conversations) : toMarkdownExport(conversations)
  if (output === undefined || output === '-') await context.stdout.write(text)
  else {
    await write(resolve(context.directory, output), text)
    await printNotice(context.stderr, `Wrote ${formatPlural(conversations.length, 'conversation')} to ${output}.`)
  }
  return 0
}

function chooseFormat(args: Arguments, output: string | undefined): 'json' | 'markdown' {
  if (args.has('json')) return 'json'
  const format = args.value('format') ?? (output && extname(output).toLowerCase() === '.json' ? 'json' : 'markdown')
  if (format === 'json' || format === 'markdown') return format
  throw new LmappError('bad-input', `--format takes markdown or json, and was given "${format}".`, {
    hint: 'As: --format markdown',
  })
}

async function load(client: LmappClient, ids: readonly string[]): Promise<ApiConversation[]> {
  const wanted = ids.length > 0 ? ids : (await listConversations(client, Number.MAX_SAFE_INTEGER)).map(({ id }) => id)
  const conversations: ApiConversation[] = []
  for (const id of wanted) conversations.push(await client.getConversation(id))
  return conversations
}

/** Readable by its owner only: it is what was said. */
async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new LmappError(code === 'ENOSPC' ? 'disk-full' : 'bad-input', `${path} cannot be written (${code}).`, {
      hint: 'Choose another file: -o FILE',
      cause,
    })
  }
}
