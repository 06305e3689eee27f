import type { ApiConversation, ApiMessage, CreatedRun, LmappClient } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { parseChatOptions } from '../chat/chat-options.ts'
import { followRun } from '../chat/follow-run.ts'
import { toEnd } from '../chat/rejoin-run.ts'
import { createSession } from '../chat/session.ts'
import { toSnapshot, withSnapshot } from '../chat/snapshot.ts'
import type { CommandContext } from '../context.ts'
import { printNotice } from '../output/print-error.ts'
import { terminalId } from '../terminal-id.ts'
import { createRunPrinter, isOffline, modelReference } from './chat.ts'

/** `lmapp continue [ID]`: joins an answer that is still being written, or has an unfinished one continued. */
export async function continueAnswer(context: CommandContext, args: Arguments): Promise<number> {
  const session = createSession(context)
  const terminal = terminalId(context.environment, context.platform)
  const model = modelReference(args)
  const request = {
    terminal,
    options: parseChatOptions(args.values('option')),
    ...(model !== undefined && { model }),
    ...(args.has('no-failover') && { failover: false }),
    ...(isOffline(context.environment) && { offline: true }),
  }

  async function open(client: LmappClient): Promise<CreatedRun> {
    const conversation = await findConversation(client, args.operands[0], terminal)
    const answer = conversation.messages.findLast(({ role }) => role === 'assistant')
    if (!answer) throw nothingToContinue(conversation)
    if (answer.state === 'running') return joinRunning(client, answer)
    if (answer.state === 'complete') return showComplete(conversation, answer)
    const { id } = conversation
    const run = await client.createRun({ ...request, kind: 'continue', conversation: id, message: answer.id })
    return { id: run.id, events: withSnapshot(toSnapshot(run.id, conversation, answer), run.events) }
  }

  async function showComplete(conversation: ApiConversation, answer: ApiMessage): Promise<CreatedRun> {
    if (!args.has('quiet')) {
      await printNotice(context.stderr, `The answer is complete. See it: lmapp history show ${conversation.id}`)
    }
    const end = { seq: 2, event: toEnd(answer, { id: '', seq: 0, text: answer.text }) }
    return { id: '', events: withSnapshot(toSnapshot('', conversation, answer), [end]) }
  }

  try {
    const printer = await createRunPrinter(context, args)
    return (await followRun({ context, session, printer, open, request })).exitCode
  } finally {
    await session.close()
  }
}

async function findConversation(client: LmappClient, id: string | undefined, terminal: string) {
  if (id !== undefined) return client.getConversation(id)
  try {
    return await client.lastConversation(terminal)
  } catch (error) {
    if (!isLmappError(error, 'not-found')) throw error
    throw new LmappError('not-found', 'Nothing was said in this terminal yet.', {
      hint: 'Name a conversation: lmapp history list, then lmapp continue ID',
      cause: error,
    })
  }
}

function nothingToContinue({ id }: ApiConversation): LmappError {
  return new LmappError('bad-input', 'There is no answer in this conversation.', {
    hint: `Ask something in it: lmapp --conversation ${id} "…"`,
  })
}

async function joinRunning(client: LmappClient, answer: ApiMessage): Promise<CreatedRun> {
  const run = (await client.listRuns()).find(({ message }) => message === answer.id)
  if (run) return { id: run.id, events: client.joinRun(run.id) }
  throw new LmappError('not-found', 'The answer has just ended.', { hint: `Ask again: lmapp continue ${answer.id}` })
}
