import { lenient, listOf } from '../parse/fields.ts'
import { notingLeftOut } from '../parse/left-out.ts'
import { type Route, withBody } from '../routes/route.ts'
import { describeAnswer, messageFields } from './answer/answer-schema.ts'
import { chatForm } from './answer/said.ts'
import { modelName } from './model-name.ts'
import { message, toMessages } from './request/messages.ts'
import { leftOut, settingFields, toSettings } from './request/settings.ts'
import { tool } from './request/tools.ts'
import { loadOrUnload, respond } from './respond.ts'

const chatRequest = notingLeftOut(
  lenient({ model: modelName }, { messages: listOf(message), tools: listOf(tool), ...settingFields }),
  leftOut,
)

export const chatRoute: Route = withBody({
  method: 'POST',
  path: '/api/chat',
  access: 'inference',
  doc: {
    summary: 'Answers the last message.',
    description: 'Without messages the model is loaded, or with `keep_alive: 0` unloaded.',
    example: { model: 'smollm2-135m', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
    answers: { 200: describeAnswer(messageFields) },
  },
  body: chatRequest,
  async handle(context, body) {
    const { messages = [], tools = [] } = body
    if (messages.length === 0) return loadOrUnload(context, body, chatForm)
    const ask = { messages: toMessages(messages), ...(tools.length > 0 && { tools }), ...toSettings(body) }
    await respond(context, body, ask, { form: chatForm, images: 'messages[].images' })
  },
})
