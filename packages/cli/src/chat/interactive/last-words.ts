import type { ApiConversation } from 'lmapp-client'
import type { CommandContext } from '../../context.ts'
import { formatPlural } from '../../output/format.ts'
import { toOneLine, toTerminalText } from '../../output/sanitize.ts'
import { fitWidth } from '../../output/width.ts'

/** Of a conversation that goes on, so that it is clear where. */
export async function printLastWords({ stdout }: CommandContext, conversation: ApiConversation): Promise<void> {
  const { title, model, messages } = conversation
  const facts = [formatPlural(messages.length, 'message'), ...(model === null ? [] : [toOneLine(model)])].join(' · ')
  await stdout.write(`${stdout.style('bold', toOneLine(title))}\n`)
  await stdout.write(
    `${stdout.style('dim', `${facts}. The last words:`)}\n${toLastWords(conversation, stdout.columns)}\n`,
  )
}

const shownLines = 12

function toLastWords({ messages }: ApiConversation, columns: number): string {
  const question = messages.findLast(({ role }) => role === 'user')
  const answer = messages.at(-1)
  const asked = question ? `> ${fitWidth(toOneLine(question.text), columns - 2)}\n` : ''
  if (!answer || answer === question) return asked
  const lines = toTerminalText(answer.text).trimEnd().split('\n')
  const cut = lines.length > shownLines ? '…\n' : ''
  return `${asked}${cut}${lines.slice(-shownLines).join('\n')}\n`
}
