import { type Content, LmappError, type Message, type ToolCall, toText } from 'lmapp-kit'
import { createId } from '../store/ids.ts'
import type { BeginRun, Conversation, Id, RunSnapshotRecord, Store, StoredMessage } from '../store/store.ts'
import { type AnswerCheck, compileSchema } from '../structured/index.ts'
import { cutAtWord } from '../text/cut-at-word.ts'
import type { KeptPrompt, RunRequest } from './run.ts'

/** What a run will do, before anything is stored or asked. */
export interface RunPlan {
  begin: BeginRun
  /** Model reference, if any was named now or before. */
  reference: string | undefined
  /** What the model will read, without the partial answer. */
  messages: Message[]
  /** What the message holds already, when it is continued. */
  earlier: { text: string; reasoning: string; toolCalls: ToolCall[] }
  request: Pick<RunRequest, 'options' | 'tools' | 'toolChoice' | 'schema' | 'reasoning'>
  /** Of `request.schema`, where there is one. */
  answerCheck?: AnswerCheck
}

const titleLength = 60
/** Answers that hold something a model may read again. */
const readable = new Set(['complete', 'length', 'stopped', 'incomplete', 'crashed'])

/** Reads what the request refers to and writes down the whole of what it means. Throws `bad-input` or `not-found`. */
export async function planRun(request: RunRequest, store: Store): Promise<RunPlan> {
  const plan = await planKind(request, store)
  const { schema } = plan.request
  return schema ? { ...plan, answerCheck: await compileSchema(schema) } : plan
}

function planKind(request: RunRequest, store: Store): Promise<RunPlan> {
  switch (request.kind) {
    case 'ask':
      return planQuestion(request, store)
    case 'retry':
      return planRetry(request, store)
    case 'continue':
      return planContinue(request, store)
    default:
      return request.kind satisfies never
  }
}

async function planQuestion(request: RunRequest, store: Store): Promise<RunPlan> {
  if (request.kept) return planKept(request, request.kept)
  const stored = request.message ?? request.conversation
  if (request.content === undefined && stored !== undefined) return planPath(stored, request, store)
  if (request.content === undefined && !request.save) return planPrompt(request)
  const content = request.content ?? []
  if (!content.some((item) => item.type !== 'text' || item.text.trim() !== '')) {
    throw new LmappError('bad-input', 'The question is empty.')
  }
  const conversation =
    request.conversation === undefined ? undefined : await store.getConversation(request.conversation, request.owner)
  const system = request.system ?? conversation?.system ?? null
  const text = toVisibleText(content)
  const question = { id: createId(), content, text }
  const path = conversation?.messages ?? []
  return {
    reference: request.model ?? conversation?.model ?? undefined,
    messages: [...toMessages(system, path), ...(request.messages ?? []), { role: 'user', content }],
    earlier: nothing,
    request: pickRequest(request),
    begin: {
      ...beginBase(request, conversation, system),
      question,
      ...(!conversation && {
        newConversation: { title: toTitle(text), system, model: request.model ?? null },
      }),
      answer: { kind: 'new', id: createId() },
    },
  }
}

/** The answer to what a path ends in: a question, or the result of a tool. */
async function planPath(id: Id, request: RunRequest, store: Store): Promise<RunPlan> {
  const conversation = await store.getConversation(id, request.owner)
  const last = conversation.messages.at(-1)
  if (!last || last.role === 'assistant') throw new LmappError('bad-input', 'The question is empty.')
  const system = request.system ?? conversation.system
  return {
    reference: request.model ?? conversation.model ?? undefined,
    messages: toMessages(system, conversation.messages),
    earlier: nothing,
    request: pickRequest(request),
    begin: {
      ...beginBase(request, conversation, system),
      answer: { kind: 'new', id: createId(), parentId: last.id },
    },
  }
}

/** What the request itself says, written where it stands in the history. */
function planKept(request: RunRequest, { conversation, newConversation, ...path }: KeptPrompt): RunPlan {
  const plan = planPrompt(request)
  return {
    ...plan,
    begin: {
      ...plan.begin,
      conversationId: conversation,
      path,
      ...(newConversation && { newConversation }),
    },
  }
}

/** Nothing but what the request itself says, and nothing is stored. */
function planPrompt(request: RunRequest): RunPlan {
  const { messages = [], system = null } = request
  const last = messages.at(-1)
  if (!last) throw new LmappError('bad-input', 'The question is empty.')
  const partial = last.role === 'assistant' ? toText(last.content) : ''
  if (last.role === 'assistant' && last.content.some(({ type }) => type === 'tool-call')) {
    throw new LmappError('bad-input', 'The last message calls a tool, and nothing says what the tool answered.', {
      hint: 'Add the result of the tool as the last message',
    })
  }
  return {
    reference: request.model,
    messages: [...toMessages(system, []), ...(partial === '' ? messages : messages.slice(0, -1))],
    earlier: { ...nothing, text: partial },
    request: pickRequest(request),
    begin: { ...beginBase(request, undefined, system), answer: { kind: 'new', id: createId() } },
  }
}

async function planRetry(request: RunRequest, store: Store): Promise<RunPlan> {
  const { conversation, answer } = await findAnswer(request, store)
  const path = conversation.messages.slice(0, conversation.messages.indexOf(answer))
  const system = request.system ?? conversation.system
  const before = await store.getRunSnapshot(answer.id)
  return {
    reference: request.model ?? answer.model ?? before?.candidates[0],
    messages: toMessages(system, path),
    earlier: nothing,
    request: mergeRequests(before, request),
    begin: {
      ...beginBase(request, conversation, system),
      answer: { kind: 'new', id: createId(), ...(answer.parentId && { parentId: answer.parentId }) },
    },
  }
}

async function planContinue(request: RunRequest, store: Store): Promise<RunPlan> {
  const { conversation, answer } = await findAnswer(request, store)
  if (answer.state === 'complete') {
    throw new LmappError('bad-input', 'That answer is complete: there is nothing to go on with.', {
      hint: 'Ask on: lmapp -c "…"',
      details: { message: answer.id },
    })
  }
  const toolCalls = answer.parts.filter((part) => part.type === 'tool-call')
  const path = conversation.messages.slice(0, conversation.messages.indexOf(answer))
  const before = await store.getRunSnapshot(answer.id)
  const system = before?.system ?? conversation.system
  const merged = mergeRequests(before, request)
  if (merged.schema) throw boundToSchema(answer)
  const reasoning = answer.parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])).join('')
  return {
    reference: request.model ?? answer.model ?? before?.candidates[0],
    messages: toMessages(system, path),
    earlier: { text: answer.text, reasoning, toolCalls },
    request: answer.state === 'length' ? withoutBound(merged, request) : merged,
    begin: { ...beginBase(request, conversation, system), answer: { kind: 'continue', id: answer.id } },
  }
}

function boundToSchema({ id }: StoredMessage): LmappError {
  return new LmappError('bad-input', 'An answer that was asked for under a schema cannot be continued.', {
    hint: 'Ask again, with more room: -o max_tokens=N',
    details: { message: id },
  })
}

const nothing = { text: '', reasoning: '', toolCalls: [] }

async function findAnswer(
  request: RunRequest,
  store: Store,
): Promise<{ conversation: Conversation; answer: StoredMessage }> {
  const id = request.message ?? request.conversation
  if (id === undefined) throw new LmappError('bad-input', `A ${request.kind} names a message or a conversation.`)
  const conversation = await store.getConversation(id, request.owner)
  const named = conversation.messages.find((message) => message.id.startsWith(request.message ?? ' '))
  const answer = named?.role === 'assistant' ? named : conversation.messages.findLast(isAnswer)
  if (answer) return { conversation, answer }
  throw new LmappError('not-found', 'There is no answer yet in this conversation.', { hint: 'Ask on: lmapp -c "…"' })
}

function isAnswer(message: StoredMessage): boolean {
  return message.role === 'assistant'
}

function beginBase(
  request: RunRequest,
  conversation: Conversation | undefined,
  system: string | null,
): Omit<BeginRun, 'answer'> {
  return {
    runId: createId(),
    owner: request.owner,
    conversationId: conversation?.id ?? createId(),
    snapshot: toSnapshot(request, system),
  }
}

function toSnapshot(request: RunRequest, system: string | null): RunSnapshotRecord {
  return {
    candidates: request.model === undefined ? [] : [request.model],
    system,
    options: { ...request.options },
    request: { ...pickRequest(request) },
  }
}

/** What shaped the answer before shapes it again, except where the new request says otherwise. */
function mergeRequests(before: RunSnapshotRecord | null, request: RunRequest): RunPlan['request'] {
  const earlier = before?.request as RunPlan['request'] | undefined
  const options = { ...earlier?.options, ...request.options }
  return { ...earlier, ...pickRequest(request), options }
}

/** The bound that cut an answer must not cut what goes on from there, unless it is said again. */
function withoutBound(merged: RunPlan['request'], request: RunRequest): RunPlan['request'] {
  const { maxTokens: _earlier, ...options } = merged.options ?? {}
  const { maxTokens } = request.options ?? {}
  return { ...merged, options: { ...options, ...(maxTokens !== undefined && { maxTokens }) } }
}

function pickRequest(request: RunRequest): RunPlan['request'] {
  const { options, tools, toolChoice, schema, reasoning } = request
  return {
    ...(options && { options }),
    ...(tools && { tools }),
    ...(toolChoice && { toolChoice }),
    ...(schema && { schema }),
    ...(reasoning !== undefined && { reasoning }),
  }
}

/** The path as a model reads it: failed and empty answers left out, questions that no context held, and reasoning. */
export function toMessages(system: string | null, path: readonly StoredMessage[]): Message[] {
  const messages: Message[] = system ? [{ role: 'system', content: [{ type: 'text', text: system }] }] : []
  for (const [index, message] of path.entries()) {
    if (!readable.has(message.state) || isTooLong(path[index + 1])) continue
    const content = message.parts.filter((part) => part.type !== 'reasoning')
    if (content.length > 0) messages.push({ role: message.role, content })
  }
  return messages
}

/** Asked once more, such a question would make every later one overflow as well. */
function isTooLong(answer: StoredMessage | undefined): boolean {
  return answer?.state === 'failed' && answer.error?.code === 'context-overflow'
}

/** What a person typed, files by their name. */
export function toVisibleText(content: readonly Content[]): string {
  const texts = content.flatMap((item) => (item.type === 'text' ? [item.text] : []))
  const files = content.flatMap((item) => (item.type === 'file' ? [`[${item.name}]`] : []))
  return [...files, ...texts].join('\n')
}

/** The first words, on one line. */
export function toTitle(text: string): string {
  return cutAtWord(text.replace(/\s+/gu, ' ').trim(), titleLength)
}
