import type { ApiConversation, CreatedRun, CreateRun, LmappClient } from 'lmapp-client'
import { type ChatOptions, type Content, LmappError } from 'lmapp-kit'
import type { CommandContext } from '../../context.ts'
import { type FollowedRun, followRun, leavingCode } from '../follow-run.ts'
import type { RunPrinter } from '../printer.ts'
import type { Session } from '../session.ts'
import { toSnapshot, withSnapshot } from '../snapshot.ts'
import { createUnsavedTurns } from './unsaved-turns.ts'

export interface ChatTurnsOptions {
  context: CommandContext
  session: Session
  /** One for each answer. */
  createPrinter(): RunPrinter
  /** Everything of a question but the question. */
  request: CreateRun
  /** The conversation to go on in. */
  conversation?: ApiConversation
}

/** What can be read of a conversation, saved or not. */
export type TurnsRead = Pick<
  ApiConversation,
  'id' | 'title' | 'system' | 'model' | 'head' | 'createdAt' | 'updatedAt' | 'pinned' | 'tags' | 'messages'
>

/** One conversation in the making. Each turn resolves with an exit code when the chat is over because of it. */
export interface ChatTurns {
  /** Id of the conversation; undefined until something is stored. */
  readonly conversation: string | undefined
  /** Whether it goes into the history. */
  readonly isSaved: boolean
  /** Whether there is something to go on from. */
  readonly hasAnswer: boolean
  /** Of the last answer, or what was asked for. */
  readonly model: string | undefined
  readonly system: string | undefined
  readonly options: ChatOptions
  client(): Promise<LmappClient>
  /** After the service left for idleness. */
  reconnect(): Promise<unknown>
  ask(content: readonly Content[]): Promise<number | undefined>
  /** Another question in the place of the last one, whose branch stays in the history. */
  askInstead(content: readonly Content[]): Promise<number | undefined>
  retry(): Promise<number | undefined>
  continue(): Promise<number | undefined>
  /** All of it, from the first message to the head. Throws where nothing was said yet. */
  read(): Promise<TurnsRead>
  /** Goes back to before the last question, and returns that. Nothing is deleted. */
  undo(): Promise<Undone>
  useModel(ref: string): void
  /** From the next question on; empty: none. */
  useSystem(text: string): void
  useOptions(options: ChatOptions): void
  /** Goes on there. */
  goTo(conversation: ApiConversation): void
  /** Goes on from these instead, in a chat that is not saved. */
  replaceUnsaved(messages: ApiConversation['messages']): void
  startAnew(): void
}

export interface Undone {
  question: readonly Content[]
  /** The last message that is no longer in the conversation; it is still in the history. */
  message?: string
  /** Takes it back. */
  restore(): Promise<void>
}

export function createChatTurns({ context, session, createPrinter, request, ...old }: ChatTurnsOptions): ChatTurns {
  const { system: firstSystem, conversation: _, ...settings } = request
  const unsaved = request.save === false ? createUnsavedTurns() : undefined
  let conversation = old.conversation?.id
  let answer = lastAnswerOf(old.conversation)
  let answering = old.conversation?.model ?? undefined
  let wanted = request.model
  let system = firstSystem ?? old.conversation?.system ?? undefined
  let isSystemNew = firstSystem !== undefined
  let options: ChatOptions = request.options ?? {}

  function toRequest(kind: CreateRun): CreateRun {
    return {
      ...settings,
      options,
      ...(wanted !== undefined && { model: wanted }),
      ...(conversation !== undefined && { conversation }),
      ...((isSystemNew || unsaved) && system !== undefined && { system }),
      ...(unsaved && { messages: unsaved.toMessages() }),
      ...kind,
    }
  }

  async function follow(open: (client: LmappClient) => Promise<CreatedRun>): Promise<FollowedRun> {
    const followed = await followRun({ context, session, printer: createPrinter(), request, open })
    await context.stdout.write('\n')
    return followed
  }

  async function run(kind: CreateRun, shown?: TurnsRead['messages'][number]): Promise<FollowedRun> {
    const followed = await follow(async (client) => {
      const created = await client.createRun(toRequest(kind))
      if (!shown) return created
      return {
        id: created.id,
        events: withSnapshot(toSnapshot(created.id, { id: conversation ?? '' }, shown), created.events),
      }
    })
    if (followed.message !== undefined) isSystemNew = false
    conversation = followed.conversation ?? conversation
    answer = followed.message ?? answer
    answering = followed.model ?? answering
    return followed
  }

  async function askOnce(content: readonly Content[]): Promise<FollowedRun> {
    const followed = await run({ kind: 'ask', content: [...content] })
    unsaved?.add(content, followed)
    return followed
  }

  /** Where the service took nothing, or nothing is kept of it, all is as it was before. */
  async function askInstead(content: readonly Content[]): Promise<number | undefined> {
    const { restore } = await undo()
    const followed = await askOnce(content)
    if (unsaved ? followed.text === '' : followed.message === undefined) await restore()
    return leavingCode(followed)
  }

  async function read(): Promise<TurnsRead> {
    if (unsaved) return toRead([...unsaved.messages], system)
    if (conversation === undefined) throw nothingSaid()
    return (await session.client()).getConversation(conversation)
  }

  async function undo(): Promise<Undone> {
    if (unsaved) {
      const before = unsaved.messages
      const question = unsaved.takeLast()
      if (!question) throw nothingSaid()
      return { question, restore: async () => unsaved.replace(before) }
    }
    const { id, messages } = await read()
    const question = messages.findLast(({ role }) => role === 'user')
    const last = messages.at(-1)
    if (!question || !last) throw nothingSaid()
    const moveTo = async (head: string | null) => {
      answer = lastAnswerOf(await (await session.client()).patchConversation(id, { head }))
    }
    await moveTo(question.parentId)
    return { question: question.parts, message: last.id, restore: () => moveTo(last.id) }
  }

  return {
    ask: async (content) => leavingCode(await askOnce(content)),
    read,
    undo,
    client: () => session.client(),
    reconnect: () => session.reconnect(),
    get conversation() {
      return unsaved ? undefined : conversation
    },
    isSaved: !unsaved,
    get hasAnswer() {
      return unsaved ? unsaved.messages.length > 0 : answer !== undefined
    },
    get model() {
      return answering ?? wanted
    },
    get system() {
      return system
    },
    get options() {
      return options
    },
    askInstead,
    async retry() {
      if (unsaved) return askInstead(lastQuestionOf(await read()))
      return leavingCode(await run({ kind: 'retry', ...(answer !== undefined && { message: answer }) }))
    },
    async continue() {
      if (unsaved) throw notKept('so there is nothing to go on with', '/retry')
      const shown = (await read()).messages.find(({ id }) => id === answer)
      if (shown?.state === 'complete') throw alreadyComplete()
      return leavingCode(await run({ kind: 'continue', ...(answer !== undefined && { message: answer }) }, shown))
    },
    useModel(ref) {
      wanted = ref
      answering = undefined
    },
    useSystem(text) {
      system = text
      isSystemNew = true
    },
    useOptions(next) {
      options = next
    },
    goTo(next) {
      conversation = next.id
      answer = lastAnswerOf(next)
      answering = next.model ?? undefined
      if (next.model !== null) wanted = undefined
      system = next.system ?? undefined
      isSystemNew = false
    },
    replaceUnsaved(messages) {
      unsaved?.replace(messages)
    },
    startAnew() {
      conversation = undefined
      answer = undefined
      isSystemNew = system !== undefined
      unsaved?.replace([])
    },
  }
}

export function notKept(why: string, instead?: string): LmappError {
  return new LmappError('bad-input', `Nothing of this chat is kept, ${why}.`, {
    ...(instead !== undefined && { hint: `Instead: ${instead}` }),
  })
}

function nothingSaid(): LmappError {
  return new LmappError('bad-input', 'Nothing was said yet.', { hint: 'Ask something first' })
}

function alreadyComplete(): LmappError {
  return new LmappError('bad-input', 'That answer is complete: there is nothing to go on with.', {
    hint: 'Ask on, or for another answer: /retry',
  })
}

function lastAnswerOf(conversation: TurnsRead | undefined): string | undefined {
  return conversation?.messages.findLast(({ role }) => role === 'assistant')?.id
}

function lastQuestionOf({ messages }: TurnsRead): readonly Content[] {
  const question = messages.findLast(({ role }) => role === 'user')
  if (!question) throw nothingSaid()
  return question.parts
}

function toRead(messages: TurnsRead['messages'], system: string | undefined): TurnsRead {
  const [first] = messages
  if (!first) throw nothingSaid()
  return {
    id: 'unsaved',
    title: first.text.replace(/\s+/g, ' ').trim().slice(0, 60) || 'A conversation',
    system: system || null,
    model: messages.findLast(({ model }) => model !== null)?.model ?? null,
    head: messages.at(-1)?.id ?? null,
    createdAt: first.createdAt,
    updatedAt: messages.at(-1)?.createdAt ?? first.createdAt,
    pinned: false,
    tags: [],
    messages,
  }
}
