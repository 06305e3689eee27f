import { formatCount, formatDuration, formatPlural, formatTime } from '../../../output/format.ts'
import { toOneLine } from '../../../output/sanitize.ts'
import { toFields } from '../../../output/table.ts'
import { describeContext } from '../../describe-usage.ts'
import type { SlashCommand } from '../chat.ts'
import type { TurnsRead } from '../chat-turns.ts'

export const statsCommand: SlashCommand = {
  name: 'stats',
  help: 'tokens, times and the context of this conversation',
  async run({ context: { stdout }, turns }) {
    await stdout.write(toFields(toStats(await turns.read(), turns.isSaved), stdout.columns))
    return undefined
  },
}

function toStats(conversation: TurnsRead, isSaved: boolean): [string, string][] {
  const { messages } = conversation
  const answers = messages.filter(({ role }) => role === 'assistant')
  const sum = (of: (answer: (typeof answers)[number]) => number | undefined | null) =>
    answers.reduce((total, answer) => total + (of(answer) ?? 0), 0)
  const models = [...new Set(answers.flatMap(({ model }) => model ?? []))]
  const spent = sum(({ timings }) => timings?.totalMs)
  const last = answers.findLast(({ usage }) => usage)
  return [
    ['Title', toOneLine(conversation.title)],
    ['Id', isSaved ? conversation.id : 'not saved'],
    ['Begun', formatTime(conversation.createdAt)],
    ['Messages', `${formatCount(messages.length)} (${formatPlural(answers.length, 'answer')})`],
    ['Models', models.map(toOneLine).join(', ')],
    ['Tokens in', formatCount(sum(({ usage }) => usage?.inputTokens))],
    ['Tokens out', formatCount(sum(({ usage }) => usage?.outputTokens))],
    ['Waited', spent === 0 ? '' : formatDuration(spent)],
    ['Context', last?.usage ? describeContext(last.usage).replace(/^context /, '') : ''],
  ]
}
