import { isLmappError } from 'lmapp-kit'
import { printError } from '../../output/print-error.ts'
import type { Chat } from './chat.ts'
import { slashCommands, toUnknown } from './commands/index.ts'
import type { Typed } from './slash-commands.ts'

export type Entered = Exclude<Typed, { type: 'message' }>

/** Runs what began with a slash. Resolves with an exit code when the chat is over because of it. */
export async function runCommand(chat: Chat, typed: Entered): Promise<number | undefined> {
  try {
    const command = slashCommands.find(({ name }) => name === typed.name)
    if (!command || typed.type === 'unknown') throw toUnknown(typed.name, slashCommands)
    return await runOnce(chat, () => command.run(chat, typed.operand))
  } catch (error) {
    if (!isLmappError(error)) throw error
    await printError(chat.context.stderr, error)
    return undefined
  }
}

/** A service that left for idleness since is replaced; nothing was sent to it yet. */
async function runOnce<Result>({ turns }: Chat, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (!isLmappError(error, 'service-unavailable') || error.details?.stage !== 'connect') throw error
    await turns.reconnect()
    return run()
  }
}
