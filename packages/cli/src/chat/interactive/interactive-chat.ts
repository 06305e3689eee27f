import { join } from 'node:path'
import type { CreateRun } from 'lmapp-client'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { findPlaces } from '../../service/service-places.ts'
import { version } from '../../version.ts'
import { findConversation } from '../find-conversation.ts'
import { createSession } from '../session.ts'
import { createChatTurns } from './chat-turns.ts'
import { createCommandRunner } from './command-runner.ts'
import { loadInputHistory, noInputHistory } from './input-history.ts'
import type { LineEditor, LineEditorOptions } from './line-editor.ts'
import { openPlainEditor } from './plain-editor.ts'
import { readMessage } from './read-message.ts'
import { completeCommand, parseTyped } from './slash-commands.ts'
import { openTerminalEditor } from './terminal-editor.ts'

export interface InteractiveChatOptions {
  args: Arguments
  /** Everything of a question but the question. */
  request: CreateRun
}

/** Asks and answers until the user leaves. What goes wrong with an answer never ends it. */
export async function interactiveChat(context: CommandContext, options: InteractiveChatOptions): Promise<number> {
  const { args, request } = options
  const session = createSession(context)
  const inputs = request.save === false ? noInputHistory : await loadInputHistory(inputFile(context))
  try {
    const wantsOld = args.has('continue') || args.has('conversation')
    const old = wantsOld ? await findConversation(await session.client(), args, request) : {}
    if (!args.has('quiet')) await greet(context)
    const editor = openEditor(context, { history: inputs.messages, complete: completeCommand })
    try {
      const turns = createChatTurns({
        context: { ...context, signals: editor.signals },
        session,
        args,
        request,
        ...old,
      })
      return await converse({ context, editor, turns, inputs })
    } finally {
      editor.close()
    }
  } finally {
    await session.close()
  }
}

interface Converse {
  context: CommandContext
  editor: LineEditor
  turns: ReturnType<typeof createChatTurns>
  inputs: typeof noInputHistory
}

async function converse({ context, editor, turns, inputs }: Converse): Promise<number> {
  const runCommand = createCommandRunner(context, turns)
  for (;;) {
    const message = await readMessage(editor, context)
    if (message.type === 'leave') return message.exitCode
    editor.remember(message.text)
    await inputs.add(message.text)
    const typed = parseTyped(message.text)
    const left = typed.type === 'message' ? await turns.ask(message.text) : await runCommand(typed)
    if (left !== undefined) return left
  }
}

function openEditor(context: CommandContext, options: LineEditorOptions): LineEditor {
  return context.stdout.canRedraw ? openTerminalEditor(context, options) : openPlainEditor(context)
}

async function greet({ stdout }: CommandContext): Promise<void> {
  await stdout.write(`${stdout.style('dim', `lmapp ${version} · /help · Ctrl-D leaves`)}\n`)
}

function inputFile(context: CommandContext): string {
  return join(findPlaces(context.environment).stateDir, 'typed.jsonl')
}
