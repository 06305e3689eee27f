import { LmappError } from 'lmapp-kit'
import { formatPlural } from '../../../output/format.ts'
import { findCodeBlocks } from '../../extract-code.ts'
import type { Chat, SlashCommand } from '../chat.ts'

export const copyCommand: SlashCommand = {
  name: 'copy',
  operand: '[N]',
  help: 'the last answer, or its code block N, to the clipboard',
  async run(chat, operand) {
    const answer = await lastAnswer(chat)
    const text = operand === '' ? answer : chooseBlock(answer, operand)
    const { copyText } = await import('../clipboard.ts')
    const { by, because } = await copyText(text, chat.context)
    const what = operand === '' ? 'the answer' : `code block ${operand}`
    const size = `${formatPlural(countLines(text), 'line')}, ${formatPlural(text.length, 'character')}`
    const not = because.length === 0 ? '' : ` (${because.join('; ')})`
    if (by.length > 0) await chat.say(`Copied ${what}, ${size}: ${by.join(', ')}${not}.`)
    else await chat.say(`Nothing could take ${what}, ${size}: ${because.join('; ')}. Write it to a file: /export`)
    return undefined
  },
}

async function lastAnswer({ turns }: Chat): Promise<string> {
  const { messages } = await turns.read()
  const answer = messages.findLast(({ role, text }) => role === 'assistant' && text !== '')
  if (answer) return answer.text
  throw new LmappError('bad-input', 'There is no answer to copy.', { hint: 'Ask something first' })
}

function chooseBlock(answer: string, operand: string): string {
  const blocks = findCodeBlocks(answer)
  const block = /^\d+$/.test(operand) ? blocks[Number(operand) - 1] : undefined
  if (block !== undefined) return block.replace(/\n$/, '')
  const there = blocks.length === 0 ? 'no code block' : formatPlural(blocks.length, 'code block')
  throw new LmappError('bad-input', `The last answer has ${there}, and no number ${operand}.`, {
    hint: blocks.length === 0 ? 'All of it: /copy' : 'As: /copy 1',
  })
}

function countLines(text: string): number {
  return text.replace(/\n$/, '').split('\n').length
}
