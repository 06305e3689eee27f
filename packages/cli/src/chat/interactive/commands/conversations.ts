import type { ApiConversation, ApiConversationSummary } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import { toConversationText } from '../../../history/conversation-text.ts'
import { formatPlural, formatTime } from '../../../output/format.ts'
import { toOneLine } from '../../../output/sanitize.ts'
import { fitWidth } from '../../../output/width.ts'
import type { Chat, Completing, Completion, SlashCommand } from '../chat.ts'
import { notKept } from '../chat-turns.ts'
import { printLastWords } from '../last-words.ts'

export const historyCommand: SlashCommand = {
  name: 'history',
  operand: '[list]',
  help: 'what was said in this conversation, or a list of all to open by number',
  async run(chat, operand) {
    if (operand === 'list' || (operand === '' && !chat.turns.hasAnswer && chat.turns.isSaved)) await printList(chat)
    else if (operand !== '')
      throw new LmappError('bad-input', `"${operand}" is not known.`, { hint: 'As: /history list' })
    else await printConversation(chat)
    return undefined
  },
  async complete(_chat, typed) {
    return { candidates: 'list'.startsWith(typed) ? [{ insert: 'list' }] : [] }
  },
}

export const openCommand: SlashCommand = {
  name: 'open',
  operand: '[ID|NUMBER|TITLE]',
  help: 'goes on in another conversation, or in this one from another message',
  async run(chat, operand) {
    assertSaved(chat, 'and another conversation would not be either')
    if (operand === '') await printList(chat)
    else await open(chat, await find(chat, operand))
    return undefined
  },
  complete: completeConversation,
}

export const renameCommand: SlashCommand = {
  name: 'rename',
  operand: 'TITLE',
  help: 'another title for this conversation',
  async run(chat, operand) {
    assertSaved(chat, 'so there is nothing to give a title to')
    if (operand === '') throw new LmappError('bad-input', 'The title is empty.', { hint: 'As: /rename A better title' })
    const { id } = await chat.turns.read()
    const { title } = await (await chat.turns.client()).patchConversation(id, { title: operand.replace(/\s+/g, ' ') })
    await chat.say(`It is now called: ${title}`)
    return undefined
  },
}

export const forkCommand: SlashCommand = {
  name: 'fork',
  operand: '[TITLE]',
  help: 'goes on in a copy of this conversation; the old one stays as it is',
  async run(chat, operand) {
    assertSaved(chat, 'so there is nothing to copy')
    const before = await chat.turns.read()
    const client = await chat.turns.client()
    const fork = await client.forkConversation(before.id, operand === '' ? {} : { title: operand })
    chat.turns.goTo(fork)
    await chat.say(`You are now in a copy, ${fork.id}. The old one stays as it is: /open ${before.id}`)
    return undefined
  },
}

export const clearCommand: SlashCommand = {
  name: 'clear',
  help: 'begins a new conversation',
  async run({ turns, say }) {
    turns.startAnew()
    await say('A new conversation begins.')
    return undefined
  },
}

export const exitCommand: SlashCommand = {
  name: 'exit',
  help: 'leaves; so do exit, quit and Ctrl-D',
  run: async () => 0,
}

function assertSaved({ turns }: Chat, why: string): void {
  if (!turns.isSaved) throw notKept(why)
}

async function printConversation({ context: { stdout }, turns }: Chat): Promise<void> {
  const conversation = await turns.read()
  const summary = { ...conversation, messageCount: conversation.messages.length }
  await stdout.write(`${toConversationText(summary, stdout.style, true)}\n`)
}

async function printList(chat: Chat): Promise<void> {
  const { stdout } = chat.context
  const conversations = await chat.known.listConversations()
  if (conversations.length === 0) return chat.say('The history is empty.')
  const digits = String(conversations.length).length
  const lines = conversations.map((each, index) => {
    const mark = each.id === chat.turns.conversation ? '*' : ' '
    const line = `${mark}${String(index + 1).padStart(digits)}  ${describe(each, stdout.columns)}`
    return `${fitWidth(line, stdout.columns)}\n`
  })
  await stdout.write(lines.join(''))
  await chat.say('Open one: /open NUMBER. Search in all: lmapp history search WORDS')
}

function describe({ title, updatedAt, messageCount }: ApiConversationSummary, columns: number): string {
  const name = toOneLine(title)
  return columns < 60 ? name : `${formatTime(updatedAt)}  ${name} (${formatPlural(messageCount, 'message')})`
}

/** By its number in the list, by an id or the beginning of one, or by its title. */
async function find(chat: Chat, operand: string): Promise<ApiConversation> {
  const client = await chat.turns.client()
  if (/^\d{1,3}$/.test(operand)) {
    const numbered = await chat.known.conversation(Number(operand))
    if (numbered) return client.getConversation(numbered.id)
  }
  try {
    return await client.getConversation(operand)
  } catch (error) {
    if (!isLmappError(error, 'not-found') && !isLmappError(error, 'bad-input')) throw error
    const titled = await findByTitle(chat, operand)
    if (!titled) throw error
    return client.getConversation(titled.id)
  }
}

async function findByTitle({ known }: Chat, words: string): Promise<ApiConversationSummary | undefined> {
  const fitting = (await known.conversations()).filter((each) => hasWords(each, words))
  const exact = fitting.filter(({ title }) => title.toLowerCase() === words.toLowerCase())
  if (exact.length === 1) return exact[0]
  if (fitting.length <= 1) return fitting[0]
  throw new LmappError(
    'bad-input',
    `${formatPlural(fitting.length, 'conversation')} have "${words}" in their titles.`,
    {
      hint: 'Choose by number: /history list',
    },
  )
}

function hasWords({ title }: ApiConversationSummary, words: string): boolean {
  return title.toLowerCase().includes(words.toLowerCase())
}

/** The id of a message leads into its branch: what is said next comes below it. */
async function open(chat: Chat, found: ApiConversation): Promise<void> {
  const last = found.messages.at(-1)
  const summary = await (await chat.turns.client()).getConversation(found.id)
  const isElsewhere = last !== undefined && last.id !== summary.head
  const conversation = isElsewhere
    ? await (await chat.turns.client()).patchConversation(found.id, { head: last.id })
    : summary
  chat.turns.goTo(conversation)
  await printLastWords(chat.context, conversation)
}

async function completeConversation({ known }: Completing, typed: string): Promise<Completion> {
  const fitting = (await known.conversations()).filter((each) => each.id.startsWith(typed) || hasWords(each, typed))
  return {
    candidates: fitting.map(({ id, title, updatedAt }) => ({
      insert: id,
      label: toOneLine(title),
      hint: formatTime(updatedAt),
    })),
  }
}
