import { randomUUID } from 'node:crypto'
import type { ImportMessage } from 'lmapp-client'
import { type ErrorData, LmappError } from 'lmapp-kit'
import { formatCount, formatPlural } from '../../../output/format.ts'
import { printError } from '../../../output/print-error.ts'
import { toCompacted } from '../../compact/compacted-messages.ts'
import { describeSaving } from '../../compact/describe-saving.ts'
import { findSummarizer } from '../../compact/find-summarizer.ts'
import { createMeasure, type Measure } from '../../compact/measure.ts'
import { type CompactionPlan, endsUnanswered, planCompaction } from '../../compact/plan-compaction.ts'
import { countParts, type Summarized, type Summary, summarize } from '../../compact/summarize.ts'
import { saidByError, unsavedHint } from '../../end-notice.ts'
import type { Chat, SlashCommand } from '../chat.ts'
import type { TurnsRead } from '../chat-turns.ts'

export const compactCommand: SlashCommand = {
  name: 'compact',
  help: 'makes room: a summary takes the place of the oldest turns, in a new conversation',
  async run(chat) {
    const before = await chat.turns.read()
    const measure = createMeasure(before)
    const { plan, result } = await summarizeOldest(chat, before, measure)
    if (result.type === 'done') await takeOver(chat, { before, measure, kept: plan.kept, summary: result.summary })
    else if (result.type === 'failed') await sayFailed(chat, result.error)
    else await chat.say('Stopped, so the conversation stays as it was.')
    return result.type === 'stopped' ? result.exitCode : undefined
  },
}

type Ended = Exclude<Summarized, { type: 'overflow' }>

/** A context that turns out to be shorter than it was taken for is planned for anew. */
async function summarizeOldest(
  chat: Chat,
  before: TurnsRead,
  measure: Measure,
): Promise<{ plan: CompactionPlan; result: Ended }> {
  const { model, ...found } = await findSummarizer(chat.turns, before)
  let { contextLength } = found
  for (;;) {
    const plan = planCompaction(before, { contextLength, measure })
    if (plan.older.length === 0) throw nothingToSummarize(plan)
    await chat.say(describePlan(plan, countParts(plan, contextLength)))
    const result = await summarize(chat, { model, contextLength }, plan)
    if (result.type !== 'overflow') return { plan, result }
    contextLength = result.contextLength
    await chat.say(`That did not fit: the context has ${formatCount(contextLength)} tokens or less. Once more:`)
  }
}

function nothingToSummarize({ kept }: CompactionPlan): LmappError {
  if (kept.length === 0) return new LmappError('bad-input', 'There is nothing to summarize yet.')
  return new LmappError('bad-input', 'The last question stays word for word, and before it is nothing to summarize.', {
    hint: 'For more room: /set num_ctx N, or a model with a longer context: /model',
  })
}

function describePlan({ older, kept }: CompactionPlan, parts: number): string {
  const inParts = parts === 1 ? '' : `, in up to ${formatCount(parts)} parts`
  const stay = kept.length === 0 ? '' : `; ${nameKept(kept)} ${countSaid(kept) === 1 ? 'stays' : 'stay'} word for word`
  return `The model summarizes ${formatPlural(countSaid(older), 'message')}${inParts}${stay}. Ctrl-C stops it.`
}

function nameKept(kept: CompactionPlan['kept']): string {
  return countSaid(kept) === 1 ? 'the last question' : `the last ${formatCount(countSaid(kept))} messages`
}

function countSaid(messages: TurnsRead['messages']): number {
  return messages.filter(({ parts }) => parts.length > 0).length
}

interface TakeOver {
  before: TurnsRead
  measure: Measure
  kept: CompactionPlan['kept']
  summary: Summary
}

async function takeOver(chat: Chat, { before, measure, kept, summary }: TakeOver): Promise<void> {
  const messages = toCompacted(summary, kept)
  if (measure.tokens(messages) >= measure.tokens(before.messages)) {
    return chat.say('The summary is no shorter than what it stands for, so the conversation stays as it was.')
  }
  await goOnWith(chat.turns, before, messages)
  const cut = summary.end.state === 'length' ? 'The summary was cut by the length limit.' : ''
  const from = `the summary${kept.length === 0 ? '' : ` and ${nameKept(kept)}`}`
  const where = chat.turns.isSaved
    ? `A new conversation goes on from ${from}. The old one stays as it was: /open ${before.id}`
    : `The chat goes on from ${from}; what was before is gone, for nothing is kept.`
  await chat.say([cut, describeSaving(measure, before.messages, messages), where].filter(Boolean).join(' '))
  if (endsUnanswered(messages)) await chat.say('The last question has no answer yet. To ask it again: /retry')
}

async function goOnWith(turns: Chat['turns'], before: TurnsRead, messages: ImportMessage[]): Promise<void> {
  if (!turns.isSaved) return turns.replaceUnsaved(messages)
  const client = await turns.client()
  const now = new Date().toISOString()
  const id = randomUUID()
  const { title, system } = before
  const conversation = {
    id,
    title,
    system: turns.system ?? system,
    model: turns.model ?? before.model,
    head: messages.at(-1)?.id ?? null,
    createdAt: now,
    updatedAt: now,
    messages,
  }
  await client.importConversations({ conversations: [conversation] })
  const wanted = turns.model
  turns.goTo(await client.getConversation(id))
  if (wanted !== undefined) turns.useModel(wanted)
}

async function sayFailed({ context }: Chat, error: ErrorData | undefined): Promise<void> {
  const said = error && saidByError(error, { kept: false, goOn: '/continue' })
  await printError(context.stderr, {
    message: `There is no whole summary, so the conversation stays as it was${said ? `: ${said.message}` : '.'}`,
    hint: said === undefined || said.hint === unsavedHint ? 'Try again: /compact' : said.hint,
  })
}
