import { open, rename, rm, stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { ApiConversation, LmappClient } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { toJsonExport } from '../history/export-json.ts'
import { toMarkdownExport } from '../history/export-markdown.ts'
import { formatPlural } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { listConversations } from './history.ts'
import { findAll } from './history-change.ts'

type Format = 'json' | 'markdown'

/** A conversation at a time: what is exported may be larger than the memory. */
export async function exportHistory(context: CommandContext, args: Arguments): Promise<number> {
  const output = args.value('output')
  const format = chooseFormat(args, output)
  await withService(context, async (client) => {
    const ids = await chooseIds(client, args.operands)
    const count = { exported: 0 }
    const conversations = readAll(client, ids, format, count)
    const pieces = format === 'json' ? toJsonExport(conversations) : toMarkdownExport(conversations)
    if (output === undefined || output === '-') {
      for await (const piece of pieces) await context.stdout.write(piece)
    } else {
      await writeFile(resolve(context.directory, output), pieces)
      await printNotice(context.stderr, `Wrote ${formatPlural(count.exported, 'conversation')} to ${output}.`)
    }
  })
  return 0
}

function chooseFormat(args: Arguments, output: string | undefined): Format {
  if (args.has('json')) return 'json'
  const format = args.value('format') ?? (output && extname(output).toLowerCase() === '.json' ? 'json' : 'markdown')
  if (format === 'json' || format === 'markdown') return format
  throw new LmappError('bad-input', `--format takes markdown or json, and was given "${format}".`, {
    hint: 'As: --format markdown',
  })
}

/** Those that were named must be there before anything is written. The id of a message stays: it chooses the branch. */
async function chooseIds(client: LmappClient, named: readonly string[]): Promise<readonly string[]> {
  if (named.length === 0) return (await listConversations(client, Number.MAX_SAFE_INTEGER)).map(({ id }) => id)
  await findAll(client, named)
  return [...new Set(named)]
}

/** With all branches where the format can hold them. One that was deleted meanwhile is left out. */
async function* readAll(
  client: LmappClient,
  ids: readonly string[],
  format: Format,
  count: { exported: number },
): AsyncGenerator<ApiConversation> {
  for (const id of ids) {
    const conversation = await client.getConversation(id, { branches: format === 'json' }).catch(unlessGone)
    if (!conversation) continue
    count.exported += 1
    yield conversation
  }
}

function unlessGone(error: unknown): undefined {
  if (!isLmappError(error, 'not-found')) throw error
}

/** Readable by its owner only: it is what was said. A file that was there stays until the new one is whole. */
async function writeFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const aside = (await isReplaceable(path)) ? `${path}.part` : path
  try {
    await using file = await open(aside, 'w', 0o600)
    for await (const piece of pieces) await file.writeFile(piece)
  } catch (cause) {
    if (aside !== path) await rm(aside, { force: true })
    throw toWriteError(path, cause)
  }
  if (aside !== path) await rename(aside, path)
}

/** Not so a device or a pipe. */
async function isReplaceable(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return true
  }
}

function toWriteError(path: string, cause: unknown): unknown {
  if (isLmappError(cause)) return cause
  const { code } = cause as NodeJS.ErrnoException
  if (code === undefined) return cause
  return new LmappError(code === 'ENOSPC' ? 'disk-full' : 'bad-input', `${path} cannot be written (${code}).`, {
    hint: 'Choose another file: -o FILE',
    cause,
  })
}
