import type { Content } from 'lmapp-kit'
import type { CommandContext } from '../../context.ts'
import type { ChatTurns } from './chat-turns.ts'
import type { Candidate, ChatEditor } from './editor/index.ts'
import type { Known } from './known.ts'

/** What a command can be about. */
export interface Chat {
  readonly context: CommandContext
  readonly turns: ChatTurns
  readonly editor: ChatEditor
  readonly known: Known
  /** Nothing is drawn twice. */
  readonly plain: boolean
  readonly quiet: boolean
  /** Remarks on what was done; on stdout, for nothing here is read by a program. */
  say(text: string): Promise<void>
  /** Anything but yes is no. */
  confirm(question: string): Promise<boolean>
}

export interface SlashCommand {
  readonly name: string
  readonly operand?: string
  readonly help: string
  /** Resolves with an exit code when the chat is over because of it. Throws what is to be said. */
  run(chat: Chat, operand: string): Promise<number | undefined>
  /** Candidates for what was typed behind the name: they replace all of it, or what begins at `from`. */
  complete?(chat: Completing, typed: string): Promise<Completion>
}

export type Completing = Pick<Chat, 'context' | 'turns' | 'known'>

export interface Completion {
  readonly candidates: readonly Candidate[]
  /** Within what was typed. Default 0. */
  readonly from?: number
}

/** What a chip carries to the next question. */
export interface Attached {
  readonly content: readonly Content[]
}
