import { readWishes } from '../../answer/ask.ts'
import { type Answer, eachEvent, openAnswer, streamAnswer } from '../../answer/index.ts'
import { sendJson } from '../../http/reply.ts'
import type { Context } from '../../routes/route.ts'
import { createDraft, type Draft } from './draft.ts'
import { keepResponse } from './keep-response.ts'
import { readConversation } from './read-conversation.ts'
import { fieldNames, type ResponseRequest } from './request.ts'
import { nowInSeconds } from './response.ts'
import { toResponseId } from './response-store.ts'
import { createDraftEncoder, streamDraft } from './stream-draft.ts'
import { endDraft, writeDraft } from './write-draft.ts'

/** How long a response in the background waits for what is wrong with it, so that the reply can say so. */
const backgroundPatienceMs = 50

export async function createResponse(context: Context, request: ResponseRequest): Promise<void> {
  const { echo, stream, ignored } = request
  const { principal, heartbeatMs } = context
  const store = context.responses
  const asked = { items: request.items, instructions: echo.instructions, previous: echo.previous_response_id }
  const conversation = readConversation(asked, store, principal.owner)
  const patienceMs = echo.background ? backgroundPatienceMs : stream ? heartbeatMs : undefined
  const answer = await openAnswer(
    context,
    { ...request.ask, messages: conversation.messages },
    { fields: fieldNames, ignored, detached: echo.background, ...(patienceMs !== undefined && { patienceMs }) },
  )
  const isDetached = echo.background || readWishes(context).detached
  const draft = toDraft(answer, request, isDetached)
  const keep = () => {
    if (echo.store) keepResponse(store, { draft, conversation, echo, owner: principal.owner, run: answer.run })
  }
  const reply = { context, answer, draft, keep }
  if (isDetached) return replyDetached(reply, request)
  return stream ? replyWithStream(reply) : replyWhole(reply)
}

interface Reply {
  context: Context
  answer: Answer
  draft: Draft
  /** From now on it can be retrieved, where that is wanted. */
  keep: () => void
}

function toDraft({ run }: Answer, { echo, stream, summary }: ResponseRequest, isDetached: boolean): Draft {
  const key = run.message.replaceAll('-', '')
  return createDraft({
    key,
    id: toResponseId(key),
    createdAt: nowInSeconds(),
    model: run.model,
    echo,
    summary,
    replay: isDetached || (stream && echo.store),
  })
}

async function replyWhole({ context, answer, draft, keep }: Reply): Promise<void> {
  await writeDraft(draft, eachEvent(answer), context.app)
  if (draft.error) throw draft.error
  if (!draft.ending) return
  keep()
  sendJson(context.response, draft.response(), 200, answer.headers)
}

/** A client that leaves ends it: then it is kept as far as it came. */
async function replyWithStream({ context, answer, draft, keep }: Reply): Promise<void> {
  keep()
  try {
    await streamAnswer(context, answer, createDraftEncoder(draft))
  } finally {
    if (!draft.ending) endDraft(draft, await answer.run.ended, context.app)
  }
}

/** It is written whether or not anybody reads it. */
async function replyDetached(
  { context, answer, draft, keep }: Reply,
  { stream, echo }: ResponseRequest,
): Promise<void> {
  keep()
  const written = writeDraft(draft, answer.run.events({ from: 0 }), context.app)
  written.catch(context.app.onBug)
  if (stream) return streamDraft(context, draft, { headers: answer.headers })
  if (!echo.background) await written
  if (draft.error && !echo.background) throw draft.error
  sendJson(context.response, draft.response(), 200, answer.headers)
}
