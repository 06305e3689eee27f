import type { PruneConversations } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { confirm } from '../input/confirm.ts'
import { formatBytes, formatPlural, formatTime } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toHistoryTable } from './history.ts'
import { findAll } from './history-change.ts'

const overwritten =
  'It is overwritten in the history file. Copies that were made before an update may still hold it: ' +
  'lmapp history vacuum removes them, and gives the space back.'

/** Looks all of them up before it deletes the first. */
export async function deleteHistory(context: CommandContext, args: Arguments): Promise<number> {
  const deleted = await withService(context, async (client) => {
    const ids = await findAll(client, args.operands)
    for (const id of ids) await client.deleteConversation(id)
    return ids
  })
  if (args.has('json')) await printJson(context.stdout, { deleted })
  else {
    await context.stdout.write(deleted.map((id) => `Deleted ${id}.\n`).join(''))
    await printNotice(context.stderr, overwritten)
  }
  return 0
}

export async function pruneHistory(context: CommandContext, args: Arguments): Promise<number> {
  const request = toRequest(args)
  const due = await withService(context, (client) => client.pruneConversations({ ...request, dryRun: true }))
  const count = formatPlural(due.conversations.length, 'conversation')
  if (args.has('dry-run') || due.conversations.length === 0) return reportPlan(context, args, due.conversations)
  if (!args.has('yes')) {
    const question = `Delete ${count}, last used before ${formatTime(request.before)}?`
    const tag = request.tag === undefined ? '' : ` --tag ${request.tag}`
    const sayYes = `lmapp history prune --older-than ${args.value('older-than')}${tag} --yes`
    if (!(await confirm(context, question, sayYes))) {
      await printNotice(context.stderr, 'Nothing was deleted.')
      return 0
    }
  }
  const { conversations } = await withService(context, (client) => client.pruneConversations(request))
  if (args.has('json')) await printJson(context.stdout, { deleted: conversations.map(({ id }) => id) })
  else {
    await context.stdout.write(`Deleted ${formatPlural(conversations.length, 'conversation')}.\n`)
    await printNotice(context.stderr, overwritten)
  }
  return 0
}

async function reportPlan(
  context: CommandContext,
  args: Arguments,
  due: Parameters<typeof toHistoryTable>[0],
): Promise<number> {
  const isTrial = args.has('dry-run')
  if (args.has('json')) {
    const ids = due.map(({ id }) => id)
    await printJson(context.stdout, isTrial ? { deleted: [], wouldDelete: ids } : { deleted: ids })
  } else if (due.length === 0) {
    const tagged = args.value('tag') === undefined ? 'all of it is pinned' : 'what is has another tag or is pinned'
    await printNotice(context.stderr, `Nothing is that old, or ${tagged}.`)
  } else {
    await context.stdout.write(toHistoryTable(due, context.stdout.columns))
    await printNotice(context.stderr, `${formatPlural(due.length, 'conversation')} would be deleted.`)
  }
  return 0
}

const unitHours: Readonly<Record<string, number>> = { h: 1, d: 24, w: 7 * 24, y: 365 * 24 }

/** `90d` before now. */
function toRequest(args: Arguments): PruneConversations {
  const age = args.value('older-than')
  const tag = args.value('tag')
  const [, count, unit = ''] = /^(\d{1,6})([hdwy])$/.exec(age ?? '') ?? []
  const before = new Date(Date.now() - Number(count) * (unitHours[unit] ?? 0) * 3_600_000)
  if (age !== undefined && !Number.isNaN(before.getTime()) && before.getFullYear() >= 0) {
    return { before: before.toISOString(), ...(tag !== undefined && { tag }) }
  }
  const given = age === undefined ? 'is missing' : `takes hours, days, weeks or years, and was given "${age}"`
  throw new LmappError('bad-input', `--older-than ${given}.`, { hint: 'As: lmapp history prune --older-than 90d' })
}

export async function vacuumHistory(context: CommandContext, args: Arguments): Promise<number> {
  const vacuumed = await withService(context, (client) => client.vacuumHistory())
  const { freedBytes, sizeBytes, damaged } = vacuumed
  if (args.has('json')) await printJson(context.stdout, vacuumed)
  else {
    const freed = `${formatBytes(freedBytes)} are free again; the history has ${formatBytes(sizeBytes)}.\n`
    await context.stdout.write(`Nothing of what was deleted is left in the history. ${freed}`)
    for (const path of damaged) {
      const kept = `A damaged history was set aside and is left alone; it may hold what you deleted: ${path}`
      await printNotice(context.stderr, kept)
    }
  }
  return 0
}
