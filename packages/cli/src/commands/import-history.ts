import { resolve } from 'node:path'
import type { LmappClient } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { type ImportSource, importSources, readImport } from '../history/import/index.ts'
import { createSender, type ImportSender, type ImportTotals } from '../history/send-import.ts'
import { formatCount, formatPlural } from '../output/format.ts'
import type { Output } from '../output/output.ts'
import { printError, printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine } from '../output/sanitize.ts'

interface Skipped {
  what: string
  where: string
  why: string
  /** How many it stands for; absent: one. */
  count?: number
}

interface ImportReport extends ImportTotals {
  files: { path: string; kind: string | null; error?: ReturnType<LmappError['toData']> }[]
  skipped: Skipped[]
}

/** One file after the other. One that cannot be read keeps nothing of the others back. */
export async function importHistory(context: CommandContext, args: Arguments): Promise<number> {
  const from = chooseSource(args.value('from'))
  const report = await withService(context, (client) => importAll(context, args, { client, from }))
  if (args.has('json')) await printJson(context.stdout, report)
  else await context.stdout.write(`${summarize(report)}\n`)
  return isComplete(report) ? 0 : 2
}

/** A script removes the files after it: one that could not be read, or gave nothing, is no success. */
function isComplete({ files, imported, extended, present, skipped }: ImportReport): boolean {
  const isTaken = imported.length + extended.length + present.length > 0 || skipped.length === 0
  return isTaken && !files.some(({ error }) => error)
}

function chooseSource(given: string | undefined): ImportSource | undefined {
  const source = importSources.find((each) => each === given)
  if (given === undefined || source) return source
  throw new LmappError('bad-input', `--from takes ${importSources.join(', ')}, and was given "${given}".`, {
    hint: 'Leave it out: the file shows what it is',
  })
}

interface Importing {
  client: LmappClient
  from: ImportSource | undefined
}

async function importAll(context: CommandContext, args: Arguments, { client, from }: Importing): Promise<ImportReport> {
  const sender = createSender(client)
  const report: ImportReport = { files: [], skipped: [], ...sender.totals }
  for (const path of args.operands) {
    const { kind, error, skipped } = await importFile(context, { quiet: args.has('quiet'), from, sender }, path)
    if (error) await printError(context.stderr, withFileName(error, path))
    report.files.push({ path, kind, ...(error && { error: error.toData() }) })
    report.skipped.push(...skipped)
    if (!args.has('quiet') && !args.has('json')) await tellSkipped(context.stderr, skipped)
  }
  return { ...report, ...sender.totals }
}

/** What went wrong inside of a file is often told without its name, and there may be several. */
function withFileName(error: LmappError, path: string): LmappError {
  if (error.message.includes(path)) return error
  const { code, message, hint, details, cause } = error
  return new LmappError(code, `${path}: ${message}`, {
    ...(hint !== undefined && { hint }),
    ...(details && { details }),
    cause,
  })
}

async function importFile(
  context: CommandContext,
  { quiet, from, sender }: { quiet: boolean; from: ImportSource | undefined; sender: ImportSender },
  path: string,
): Promise<{ kind: string | null; error?: LmappError; skipped: Skipped[] }> {
  const progress = createProgress(context.stderr, quiet)
  const skipped: Skipped[] = []
  let kind: string | null = null
  try {
    await using read = await readImport(resolve(context.directory, path), { ...(from !== undefined && { from }) })
    kind = read.kind
    try {
      for await (const conversation of read.conversations) {
        skipped.push(...(await sender.send(conversation)))
        progress.show(`${toOneLine(path)} · ${formatPlural(sender.count, 'conversation')}`)
      }
    } finally {
      skipped.push(...(await sender.flush()))
      skipped.unshift(...read.notices)
    }
    return { kind, skipped }
  } catch (error) {
    if (!isLmappError(error, 'bad-input')) throw error
    return { kind, error, skipped }
  } finally {
    progress.clear()
  }
}

const mostTold = 20

async function tellSkipped(stderr: Output, skipped: readonly Skipped[]): Promise<void> {
  for (const { where, why } of skipped.slice(0, mostTold)) await printNotice(stderr, `Not taken: ${where}: ${why}`)
  const more = countOf(skipped.slice(mostTold))
  if (more > 0) await printNotice(stderr, `${formatCount(more)} more were not taken; see: --json`)
}

function countOf(skipped: readonly Skipped[]): number {
  return skipped.reduce((sum, { count = 1 }) => sum + count, 0)
}

function summarize({ imported, extended, present, messages, skipped }: ImportReport): string {
  const facts = [
    `Imported ${formatPlural(imported.length, 'conversation')} with ${formatPlural(messages, 'new message')}`,
    extended.length > 0 && `${formatCount(extended.length)} of those there were extended`,
    present.length > 0 && `${formatCount(present.length)} were there already`,
    skipped.length > 0 && `${formatPlural(countOf(skipped), 'thing')} not taken`,
  ]
  return `${facts.filter(Boolean).join('; ')}.`
}

/** One line that overwrites itself; nothing where the stream cannot. */
function createProgress(stderr: Output, quiet: boolean) {
  const draws = stderr.canRedraw && !quiet
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    show(text: string) {
      if (!draws || performance.now() - shownAt < 80) return
      shownAt = performance.now()
      void stderr.write(`\r\u001b[K${stderr.style('dim', text.slice(0, stderr.columns - 1))}`)
    },
    clear() {
      if (draws) void stderr.write('\r\u001b[K')
    },
  }
}
