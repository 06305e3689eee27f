import type { Content } from 'lmapp-kit'
import { toOneLine } from '../../../output/sanitize.ts'
import { fitWidth } from '../../../output/width.ts'
import type { SlashCommand } from '../chat.ts'

export const retryCommand: SlashCommand = {
  name: 'retry',
  help: 'another answer to the last question; the old one stays in the history',
  async run({ turns }) {
    if (!turns.hasAnswer) await turns.read()
    return turns.retry()
  },
}

export const continueCommand: SlashCommand = {
  name: 'continue',
  help: 'goes on with an answer that was cut',
  async run({ turns }) {
    return turns.continue()
  },
}

export const editCommand: SlashCommand = {
  name: 'edit',
  help: 'the last question in $EDITOR, asked anew; the old branch stays in the history',
  async run({ context, editor, turns, say }) {
    const question = (await turns.read()).messages.findLast(({ role }) => role === 'user')
    const before = textOf(question?.parts ?? [])
    const { editText } = await import('../../../input/editor.ts')
    const after = await editor.release(() => editText(before, context))
    if (after.trim() === '' || after === before) {
      await say(after === before ? 'It is as it was: nothing is asked.' : 'It is empty: nothing is asked.')
      return undefined
    }
    await context.stdout.write(`${context.stdout.style('dim', toShown(after, context.stdout.columns))}\n`)
    const others = question?.parts.filter(({ type }) => type !== 'text') ?? []
    return turns.askInstead([...others, { type: 'text', text: after }])
  },
}

export const undoCommand: SlashCommand = {
  name: 'undo',
  help: 'goes back to before the last question; nothing is deleted',
  async run({ context, turns, say }) {
    const { question, message } = await turns.undo()
    await say(`Undone: ${toShown(textOf(question), context.stdout.columns - 8)}`)
    await say(
      message === undefined ? 'Nothing of it is kept.' : `It stays in the history. Back to it: /open ${message}`,
    )
    return undefined
  },
}

function textOf(content: readonly Content[]): string {
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

function toShown(question: string, columns: number): string {
  return fitWidth(toOneLine(question), Math.max(20, columns - 1))
}
