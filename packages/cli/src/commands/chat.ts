import type { CreateRun, LmappClient } from 'lmapp-client'
import { type Content, isLmappError, LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { chooseLook } from '../chat/answer-look.ts'
import { createAnswerPrinter } from '../chat/answer-printer.ts'
import { buildQuestion } from '../chat/build-question.ts'
import { parseChatOptions } from '../chat/chat-options.ts'
import { findConversation } from '../chat/find-conversation.ts'
import { followRun } from '../chat/follow-run.ts'
import { createJsonPrinter } from '../chat/json-printer.ts'
import type { RunPrinter } from '../chat/printer.ts'
import { readSchema } from '../chat/schema-option.ts'
import { createSession } from '../chat/session.ts'
import { wantsPlain } from '../chat/wants-plain.ts'
import type { CommandContext } from '../context.ts'
import { terminalId } from '../terminal-id.ts'

/** `lmapp [chat] [PROMPT…]`: one answer, or the interactive chat when there is nothing to ask. */
export async function chat(context: CommandContext, args: Arguments): Promise<number> {
  const printer = await createRunPrinter(context, args)
  try {
    const request = await toRequest(context, args)
    const prompt = args.operands.join(' ')
    const content = await buildQuestion(context, { prompt, files: args.values('file'), quiet: args.has('quiet') })
    return content ? await ask(context, { args, request, content, printer }) : await talk(context, args, request)
  } catch (error) {
    if (!args.has('json') || !isLmappError(error)) throw error
    await printer.fail(error.toData())
    return error.entry.exit
  }
}

export async function createRunPrinter(context: CommandContext, args: Arguments): Promise<RunPrinter> {
  if (args.has('json')) return createJsonPrinter(context)
  const extract = args.has('extract')
  return createAnswerPrinter(context, {
    quiet: args.has('quiet'),
    hideReasoning: args.has('hide-reasoning'),
    extract,
    ...(!args.has('schema') && { goOn: 'lmapp continue' }),
    ...(!extract && { look: chooseLook(context.stdout, { plain: await wantsPlain(context, args) }) }),
  })
}

export function isOffline({ LMAPP_OFFLINE }: NodeJS.ProcessEnv): boolean {
  return Boolean(LMAPP_OFFLINE) && LMAPP_OFFLINE !== '0'
}

/** Of `-m`; undefined where it was not given. */
export function modelReference(args: Arguments): string | undefined {
  const model = args.value('model')
  if (model === undefined || model.trim() !== '') return model
  throw new LmappError('bad-input', '-m needs a model reference.', { hint: 'See what is there: lmapp models list' })
}

async function toRequest(context: CommandContext, args: Arguments): Promise<CreateRun> {
  const { environment, platform, directory } = context
  if (args.has('json') && args.has('extract')) throw excluding('--json', '--extract')
  if (args.has('schema') && args.has('extract')) throw excluding('--schema', '--extract')
  if (args.has('continue') && args.has('conversation')) throw excluding('--continue', '--conversation')
  const model = modelReference(args) ?? environment.LMAPP_MODEL
  const system = args.value('system')
  const conversation = args.value('conversation')
  const schema = args.value('schema')
  return {
    kind: 'ask',
    terminal: terminalId(environment, platform),
    options: parseChatOptions(args.values('option')),
    ...(model && { model }),
    ...(system !== undefined && { system }),
    ...(conversation !== undefined && { conversation }),
    ...(schema !== undefined && { schema: await readSchema(schema, directory) }),
    ...(args.has('no-save') && { save: false }),
    ...(args.has('no-failover') && { failover: false }),
    ...(isOffline(environment) && { offline: true }),
  }
}

function excluding(left: string, right: string): LmappError {
  return new LmappError('bad-input', `${left} and ${right} exclude each other.`, { hint: 'Leave one of them out' })
}

interface Ask {
  args: Arguments
  request: CreateRun
  content: Content[]
  printer: RunPrinter
}

async function ask(context: CommandContext, { args, request, content, printer }: Ask): Promise<number> {
  const session = createSession(context)
  try {
    const open = async (client: LmappClient) =>
      client.createRun({ ...request, content, ...(await findConversation(client, args, request)) })
    const { exitCode } = await followRun({ context, session, printer, open, request })
    return exitCode
  } finally {
    await session.close()
  }
}

async function talk(context: CommandContext, args: Arguments, request: CreateRun): Promise<number> {
  const needsPrompt = ['json', 'extract'].find((option) => args.has(option))
  if (needsPrompt || !context.stdout.isTerminal) {
    throw new LmappError('bad-input', 'There is nothing to ask, and the interactive chat needs a terminal.', {
      hint: 'Give a prompt: lmapp "Why is the sky blue?"',
    })
  }
  const { interactiveChat } = await import('../chat/interactive/interactive-chat.ts')
  return interactiveChat(context, { args, request })
}
