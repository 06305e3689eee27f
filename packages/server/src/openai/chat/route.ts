import { collectAnswer, openAnswer, streamAnswer } from '../../answer/index.ts'
import { sendJson } from '../../http/reply.ts'
import { type Context, withBody } from '../../routes/route.ts'
import { errorSchema } from '../error.ts'
import { toHead } from '../head.ts'
import { fieldNames } from '../settings.ts'
import { chatAnswerSchema, chatChunkSchema, toChatAnswer } from './answer.ts'
import { type ChatRequest, chatRequest } from './request.ts'
import { createChatEncoder } from './stream.ts'

export const chatRoute = withBody({
  method: 'POST',
  path: '/v1/chat/completions',
  access: 'inference',
  doc: {
    summary: 'Answers a conversation.',
    description:
      'What is left out of a request is told in the header `x-lmapp-warning`. A last message of the assistant is gone on with. ' +
      'A stream that breaks off ends with `{"error": …}`, without `finish_reason` and without `[DONE]`.',
    example: { model: 'smollm2-135m', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
    answers: {
      200: {
        description: 'The answer; with `stream`, chunks, then `[DONE]`.',
        schema: chatAnswerSchema,
        stream: {
          type: 'text/event-stream',
          schema: { anyOf: [chatChunkSchema, errorSchema] },
          lastData: '[DONE]',
        },
      },
    },
  },
  body: chatRequest,
  handle: answerChat,
})

async function answerChat(context: Context, { ask, ignored, stream, includeUsage }: ChatRequest): Promise<void> {
  const answer = await openAnswer(context, ask, {
    fields: fieldNames,
    ignored,
    ...(stream && { patienceMs: context.heartbeatMs }),
  })
  const { run, headers } = answer
  if (stream) return streamAnswer(context, answer, createChatEncoder(toHead('chatcmpl', run), { includeUsage }))
  const whole = await collectAnswer(answer)
  sendJson(context.response, toChatAnswer(toHead('chatcmpl', run), whole), 200, headers)
}
