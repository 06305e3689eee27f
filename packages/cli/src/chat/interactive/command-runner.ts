import { isLmappError, LmappError } from 'lmapp-kit'
import type { CommandContext } from '../../context.ts'
import { toConversationText } from '../../history/conversation-text.ts'
import { printError, printNotice } from '../../output/print-error.ts'
import { toTerminalText } from '../../output/sanitize.ts'
import { toFields } from '../../output/table.ts'
import type { ChatTurns } from './chat-turns.ts'
import { slashCommands, type Typed } from './slash-commands.ts'

type Entered = Exclude<Typed, { type: 'message' }>
type Handler = (operand: string) => Promise<number | undefined>

/** Runs what began with a slash. Resolves with an exit code when the chat is over because of it. */
export function createCommandRunner(
  context: CommandContext,
  turns: ChatTurns,
): (typed: Entered) => Promise<number | undefined> {
  const { stdout, stderr } = context
  const say = (text: string) => stdout.write(`${stdout.style('dim', toTerminalText(text))}\n`)

  const handlers: Record<string, Handler> = {
    async help() {
      await stdout.write(helpText(stdout.columns))
      return undefined
    },
    async model(operand) {
      if (operand === '') await say(turns.model ?? 'No model was chosen yet: the default one answers.')
      else await switchModel(operand)
      return undefined
    },
    async system(operand) {
      if (operand !== '') turns.useSystem(operand === 'off' ? '' : operand)
      await say(turns.system ? `System prompt: ${turns.system}` : 'There is no system prompt.')
      return undefined
    },
    async retry() {
      return (await hasAnswer()) ? turns.retry() : undefined
    },
    async continue() {
      return (await hasAnswer()) ? turns.continue() : undefined
    },
    async history() {
      if (!(await hasAnswer()) || turns.conversation === undefined) return undefined
      const conversation = await (await turns.session.client()).getConversation(turns.conversation)
      await stdout.write(`${toConversationText(conversation, stdout.style, true)}\n`)
      return undefined
    },
    async clear() {
      turns.startAnew()
      await say('A new conversation begins.')
      return undefined
    },
    exit: async () => 0,
  }

  async function switchModel(ref: string): Promise<void> {
    const { refs, notice } = await (await turns.session.client()).resolveModel(ref)
    if (notice) await printNotice(stderr, notice)
    turns.useModel(ref)
    await say(`From now on: ${refs.join(', ')}`)
  }

  async function hasAnswer(): Promise<boolean> {
    if (turns.hasAnswer) return true
    await printNotice(stderr, 'Nothing was said yet.')
    return false
  }

  return async (typed) => {
    try {
      if (typed.type === 'unknown') throw toUnknown(typed)
      return await handlers[typed.name]?.(typed.operand)
    } catch (error) {
      if (!isLmappError(error)) throw error
      await printError(stderr, error)
      return undefined
    }
  }
}

const keys = [
  ['Ctrl-J, Shift-Enter', 'another line; """ begins and ends several'],
  ['Up', 'what was typed before'],
  ['Ctrl-G', 'opens $EDITOR'],
  ['Ctrl-C', 'stops an answer; what arrived is kept'],
] as const

function helpText(width: number): string {
  const commands = slashCommands.map(({ name, operand = '', help }) => [`/${name} ${operand}`.trim(), help] as const)
  return toFields([...commands, ...keys], width)
}

function toUnknown({ name, nearest, later }: Extract<Typed, { type: 'unknown' }>): LmappError {
  if (later) return new LmappError('not-supported-yet', `/${name} comes in a later version of lmapp.`)
  return new LmappError('bad-input', `There is no command /${name}.`, {
    hint: nearest ? `Did you mean /${nearest}?` : 'See: /help',
  })
}
