import { collectAnswer, openAnswer, streamAnswer } from '../../answer/index.ts'
import { sendJson } from '../../http/reply.ts'
import { type Context, withBody } from '../../routes/route.ts'
import { errorSchema } from '../error.ts'
import { toHead } from '../head.ts'
import { fieldNames } from '../settings.ts'
import { completionSchema, createCompletionEncoder, toCompletion } from './answer.ts'
import { type CompletionRequest, completionRequest } from './request.ts'

export const completionRoute = withBody({
  method: 'POST',
  path: '/v1/completions',
  access: 'inference',
  doc: {
    summary: 'Answers one prompt, as older clients ask it.',
    description:
      "The prompt is taken for a user's message, in the chat template of the model, and `x-lmapp-warning` says so: no " +
      'backend reads it as it is. What would go on from it exactly is a last message of the assistant in ' +
      '`/v1/chat/completions`. Without `max_tokens` the answer has as many tokens as it takes, not 16.',
    answers: {
      200: {
        description: 'The answer; with `stream`, chunks, then `[DONE]`.',
        schema: completionSchema,
        stream: {
          type: 'text/event-stream',
          schema: { anyOf: [completionSchema, errorSchema] },
          lastData: '[DONE]',
        },
      },
    },
  },
  body: completionRequest,
  handle: complete,
})

async function complete(context: Context, { ask, ignored, stream, includeUsage }: CompletionRequest): Promise<void> {
  const answer = await openAnswer(context, ask, {
    fields: fieldNames,
    ignored,
    ...(stream && { patienceMs: context.heartbeatMs }),
  })
  const { run, headers } = answer
  if (stream) return streamAnswer(context, answer, createCompletionEncoder(toHead('cmpl', run), { includeUsage }))
  const whole = await collectAnswer(answer)
  sendJson(context.response, toCompletion(toHead('cmpl', run), whole), 200, headers)
}
