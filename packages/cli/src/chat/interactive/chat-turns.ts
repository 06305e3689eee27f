import type { CreateRun } from 'lmapp-client'
import { LmappError, type Message } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { createAnswerPrinter } from '../answer-printer.ts'
import { followRun } from '../follow-run.ts'
import type { Session } from '../session.ts'

export interface ChatTurnsOptions {
  context: CommandContext
  session: Session
  args: Arguments
  request: CreateRun
  /** The conversation to go on in. */
  conversation?: string
}

/** One conversation in the making. Each turn resolves with an exit code when the chat is over because of it. */
export interface ChatTurns {
  readonly session: Session
  readonly conversation: string | undefined
  /** Whether there is something to retry. */
  readonly hasAnswer: boolean
  /** Of the last answer, or what was asked for. */
  readonly model: string | undefined
  readonly system: string | undefined
  ask(text: string): Promise<number | undefined>
  retry(): Promise<number | undefined>
  continue(): Promise<number | undefined>
  useModel(ref: string): void
  /** From the next question on; empty: none. */
  useSystem(text: string): void
  startAnew(): void
}

export function createChatTurns({ context, session, args, request, ...old }: ChatTurnsOptions): ChatTurns {
  const printer = () =>
    createAnswerPrinter(context, {
      quiet: args.has('quiet'),
      hideReasoning: args.has('hide-reasoning'),
      extract: false,
      goOn: '/continue',
    })
  const { system: firstSystem, conversation: _, ...settings } = request
  let conversation = old.conversation
  let message: string | undefined
  let answering: string | undefined
  let wanted = request.model
  let system = firstSystem
  let isSystemNew = system !== undefined
  const unsaved = request.save === false ? createMemory() : undefined

  async function run(kind: CreateRun): Promise<number | undefined> {
    const whole: CreateRun = {
      ...settings,
      ...(wanted !== undefined && { model: wanted }),
      ...(conversation !== undefined && { conversation }),
      ...((isSystemNew || unsaved) && system !== undefined && { system }),
      ...(unsaved && { messages: unsaved.turns }),
      ...kind,
    }
    const followed = await followRun({
      context,
      session,
      printer: printer(),
      request,
      open: (client) => client.createRun(whole),
    })
    if (followed.message !== undefined) isSystemNew = false
    conversation = followed.conversation ?? conversation
    message = followed.message ?? message
    answering = followed.model ?? answering
    unsaved?.answered(followed.text)
    await context.stdout.write('\n')
    return followed.stoppedBy === undefined || followed.stoppedBy === 'SIGINT' ? undefined : followed.exitCode
  }

  return {
    session,
    get conversation() {
      return conversation
    },
    get hasAnswer() {
      return conversation !== undefined || (unsaved?.asks ?? false)
    },
    get model() {
      return answering ?? wanted
    },
    get system() {
      return system
    },
    ask(text) {
      unsaved?.asked(text)
      return run(toAsk(text))
    },
    async retry() {
      if (unsaved) return run(toAsk(unsaved.askedLast()))
      return run({ kind: 'retry', ...(message !== undefined && { message }) })
    },
    async continue() {
      if (unsaved) throw notKept()
      return run({ kind: 'continue', ...(message !== undefined && { message }) })
    },
    useModel(ref) {
      wanted = ref
      answering = undefined
    },
    useSystem(text) {
      system = text
      isSystemNew = true
    },
    startAnew() {
      conversation = undefined
      message = undefined
      isSystemNew = system !== undefined
      unsaved?.forget()
    },
  }
}

function toAsk(text: string): CreateRun {
  return { kind: 'ask', content: [{ type: 'text', text }] }
}

/** The turns of a chat that is not saved: they are nowhere but here. */
function createMemory() {
  let turns: Message[] = []
  let question = ''
  let isKept = false
  const toMessage = (role: 'user' | 'assistant', text: string): Message => ({ role, content: [{ type: 'text', text }] })
  return {
    /** Those before the question that is being asked. */
    get turns() {
      return turns
    },
    get asks() {
      return question !== ''
    },
    asked(text: string) {
      question = text
      isKept = false
    },
    askedLast(): string {
      if (isKept) turns = turns.slice(0, -2)
      isKept = false
      return question
    },
    answered(text: string) {
      if (text === '') return
      turns = [...turns, toMessage('user', question), toMessage('assistant', text)]
      isKept = true
    },
    forget() {
      turns = []
      question = ''
    },
  }
}

function notKept(): LmappError {
  return new LmappError('bad-input', 'Nothing of this chat is kept, so there is nothing to go on with.', {
    hint: 'Ask again: /retry',
  })
}
