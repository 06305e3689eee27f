import { join } from 'node:path'
import type { ApiConversation, CreateRun, LmappClient } from 'lmapp-client'
import { type Content, isLmappError } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { printError } from '../../output/print-error.ts'
import { toOneLine, toTerminalText } from '../../output/sanitize.ts'
import { wrap } from '../../output/table.ts'
import { displayWidth, fitWidth } from '../../output/width.ts'
import { findPlaces } from '../../service/service-places.ts'
import { version } from '../../version.ts'
import { chooseLook } from '../answer-look.ts'
import { createAnswerPrinter } from '../answer-printer.ts'
import { findConversation } from '../find-conversation.ts'
import { createSession, type Session } from '../session.ts'
import { readConfig } from '../wants-plain.ts'
import type { Chat } from './chat.ts'
import { type ChatTurns, createChatTurns } from './chat-turns.ts'
import { runCommand } from './command-runner.ts'
import { contentOfChip } from './commands/attach.ts'
import { slashCommands } from './commands/index.ts'
import { completeTyped } from './complete-typed.ts'
import { type ChatEditor, type InputHistory, loadInputHistory, noInputHistory, openEditor } from './editor/index.ts'
import { createKnown } from './known.ts'
import { printLastWords } from './last-words.ts'
import { parseTyped } from './slash-commands.ts'

export interface InteractiveChatOptions {
  args: Arguments
  /** Everything of a question but the question. */
  request: CreateRun
}

/** Asks and answers until the user leaves. What goes wrong with an answer never ends it. */
export async function interactiveChat(context: CommandContext, options: InteractiveChatOptions): Promise<number> {
  const { args, request } = options
  const session = createSession(context)
  const [config, inputs] = await Promise.all([
    readConfig(context),
    request.save === false ? noInputHistory : loadInputHistory(inputFile(context)),
  ])
  const plain = args.has('plain') || config?.chat.plain === true
  try {
    const old = await findOld(session, options)
    const model = request.model ?? old?.model ?? config?.model
    if (!args.has('quiet')) await greet(context, model)
    if (old && !args.has('quiet')) await printLastWords(context, old)
    return await converse({ context, session, ...options, inputs, plain, ...(old && { old }) })
  } finally {
    await session.close()
  }
}

interface Converse extends InteractiveChatOptions {
  context: CommandContext
  session: Session
  inputs: InputHistory
  plain: boolean
  /** The conversation to go on in. */
  old?: ApiConversation
}

async function converse(options: Converse): Promise<number> {
  const { context, session, inputs, plain } = options
  const known = createKnown(() => session.client())
  const editor = openEditor(context, {
    plain,
    history: inputs.messages,
    complete: (text, cursor) => completeTyped(slashCommands, { context, turns, known }, { text, cursor }),
  })
  const turns = openTurns(options, editor)
  try {
    const chat = createChat(options, { editor, turns, known })
    for (;;) {
      const message = await editor.read()
      if (message.type === 'leave') return message.exitCode
      if (message.text !== '') {
        editor.remember(message.text)
        await inputs.add(message.text)
      }
      const left = await take(chat, message)
      if (left !== undefined) return left
    }
  } finally {
    editor.close()
  }
}

function openTurns({ context, session, args, request, plain, old }: Converse, editor: ChatEditor): ChatTurns {
  const answering = { ...context, signals: editor.signals }
  const createPrinter = () =>
    createAnswerPrinter(answering, {
      quiet: args.has('quiet'),
      hideReasoning: args.has('hide-reasoning'),
      extract: false,
      goOn: '/continue',
      look: chooseLook(context.stdout, { plain }),
      namesSpeaker: plain,
      makeRoom: 'Make room by a summary: /compact',
    })
  return createChatTurns({ context: answering, session, createPrinter, request, ...(old && { conversation: old }) })
}

function createChat({ context, args, plain }: Converse, parts: Pick<Chat, 'editor' | 'turns' | 'known'>): Chat {
  const { stdout } = context
  return {
    ...parts,
    context: { ...context, signals: parts.editor.signals },
    plain,
    quiet: args.has('quiet'),
    say: (text) =>
      stdout.write(`${stdout.style('dim', toRows(text, plain ? Number.POSITIVE_INFINITY : stdout.columns))}\n`),
    async confirm(question) {
      await stdout.write(`${toOneLine(question)} yes or no?\n`)
      const answer = await parts.editor.read()
      return answer.type === 'message' && /^\s*y(es)?\s*$/i.test(answer.text)
    },
  }
}

/** Broken between words, so that an id or a command stays whole. */
function toRows(text: string, columns: number): string {
  return toTerminalText(text)
    .split('\n')
    .flatMap((line) => wrap(line, columns))
    .join('\n')
}

type Message = Extract<Awaited<ReturnType<ChatEditor['read']>>, { type: 'message' }>

async function take(chat: Chat, { text, chips }: Message): Promise<number | undefined> {
  const typed = parseTyped(
    text,
    slashCommands.map(({ name }) => name),
  )
  if (typed.type === 'message') {
    const attached = chips.flatMap(({ value }) => contentOfChip(value))
    return ask(chat, [...attached, ...toText(text)])
  }
  const left = await runCommand(chat, typed)
  // What was attached before the command is for the next question still.
  for (const chip of chips) if (contentOfChip(chip.value).length > 0) chat.editor.insertChip(chip)
  return left
}

async function ask({ turns, context }: Chat, content: readonly Content[]): Promise<number | undefined> {
  try {
    return await turns.ask(content)
  } catch (error) {
    if (!isLmappError(error)) throw error
    await printError(context.stderr, error)
    return undefined
  }
}

function toText(text: string): Content[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }]
}

async function findOld(session: Session, options: InteractiveChatOptions): Promise<ApiConversation | undefined> {
  const { args, request } = options
  if (!args.has('continue') && !args.has('conversation')) return undefined
  const client: LmappClient = await session.client()
  const { conversation } = await findConversation(client, args, request)
  return conversation === undefined ? undefined : client.getConversation(conversation)
}

/** The model only where it is known without asking anybody; on one row. */
async function greet({ stdout }: CommandContext, model: string | null | undefined): Promise<void> {
  const words = [`lmapp ${version}`, ...(model ? [toOneLine(model)] : []), '/help']
  const whole = [...words, 'Ctrl-D leaves'].join(' · ')
  const text = displayWidth(whole) <= stdout.columns ? whole : fitWidth(words.join(' · '), stdout.columns)
  await stdout.write(`${stdout.style('dim', text)}\n`)
}

function inputFile(context: CommandContext): string {
  return join(findPlaces(context.environment).stateDir, 'typed.jsonl')
}
