import { type Answer, collectAnswer, openAnswer, streamAnswer } from '../answer/index.ts'
import { sendJson } from '../http/reply.ts'
import { toWarningHeader } from '../http/warning-header.ts'
import { type Context, type Route, withBody } from '../routes/route.ts'
import { withAliasHint } from './errors.ts'
import { requestIdOf, toMessage } from './message.ts'
import { createMessageEncoder } from './message-encoder.ts'
import { type CountBody, countBody, type MessagesBody, messagesBody } from './request.ts'
import { eventSchema, messageSchema, tokenCountSchema } from './schemas.ts'
import { fieldNames, toAsk, toTools } from './to-ask.ts'
import { toMessages } from './to-messages.ts'

export const messageRoutes: Route[] = [
  withBody({
    method: 'POST',
    path: '/v1/messages',
    access: 'inference',
    doc: {
      summary: 'Answers a conversation.',
      description:
        'When the last message is an assistant’s the answer goes on from it. What is left out of a request is named in ' +
        'the header `x-lmapp-warning`; what would make the answer another one is refused with the name of the field.',
      example: {
        model: 'smollm2-135m',
        max_tokens: 1000,
        messages: [{ role: 'user', content: 'Why is the sky blue?' }],
      },
      answers: {
        200: {
          description: 'The answer, or its events when `stream` is true.',
          schema: messageSchema,
          stream: { type: 'text/event-stream', schema: eventSchema },
        },
      },
    },
    body: messagesBody,
    handle: answerMessages,
  }),
  withBody({
    method: 'POST',
    path: '/v1/messages/count_tokens',
    access: 'inference',
    doc: {
      summary: 'Counts the tokens that a model would read.',
      description: 'Where the engine cannot count it is an estimate, and the header `x-lmapp-warning` says so.',
      answers: { 200: { description: 'How many there are.', schema: tokenCountSchema } },
    },
    body: countBody,
    handle: countTokens,
  }),
]

async function answerMessages(context: Context, body: MessagesBody): Promise<void> {
  const { ask, ignored } = toAsk(body)
  const patience = body.stream ? { patienceMs: context.heartbeatMs } : {}
  const opened = await openAnswer(context, ask, { fields: fieldNames, ignored, ...patience }).catch((error) => {
    throw withAliasHint(error, body.model)
  })
  const answer: Answer = { ...opened, headers: { ...opened.headers, 'request-id': requestIdOf(opened) } }
  if (body.stream) return streamAnswer(context, answer, createMessageEncoder(answer))
  const whole = await collectAnswer(answer)
  sendJson(context.response, toMessage(answer, whole), 200, answer.headers)
}

async function countTokens({ app, caller, response }: Context, body: CountBody): Promise<void> {
  const { messages, ignored } = toMessages(body)
  const { definitions: tools, skipped } = toTools(body.tools ?? [])
  const request = { model: body.model, messages, ...(tools.length > 0 && { tools }) }
  const { tokens, exact } = await app.countTokens(caller, request).catch((error) => {
    throw withAliasHint(error, body.model)
  })
  const warnings = [...ignored, ...skipped, ...(exact ? [] : ['An estimate: the engine cannot count.'])]
  sendJson(response, { input_tokens: tokens }, 200, toWarningHeader(warnings))
}
