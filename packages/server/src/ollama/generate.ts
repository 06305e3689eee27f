import type { Message } from 'lmapp-kit'
import { anything, integer, lenient, listOf, type Read, string } from '../parse/fields.ts'
import { notingLeftOut, only } from '../parse/left-out.ts'
import { type Route, withBody } from '../routes/route.ts'
import { describeAnswer, responseFields } from './answer/answer-schema.ts'
import { generateForm } from './answer/said.ts'
import { modelName } from './model-name.ts'
import { image } from './request/image.ts'
import { leftOut, settingFields, toSettings } from './request/settings.ts'
import { loadOrUnload, respond } from './respond.ts'

const empty = (value: unknown) => value === ''
const noText = { type: 'string', maxLength: 0 }

const generateRequest = notingLeftOut(
  lenient(
    { model: modelName },
    {
      prompt: string,
      system: string,
      images: listOf(image),
      context: listOf(anything),
      suffix: only(noText, empty, 'lmapp has no way to ask any backend for what stands between two texts'),
      template: only(
        noText,
        empty,
        "lmapp gives every backend messages, and it is the backend's template that is used",
      ),
      raw: only(
        { const: false },
        (value) => value === false,
        'lmapp gives every backend messages, never a bare prompt',
      ),
      width: integer(0),
      height: integer(0),
      steps: integer(0),
      ...settingFields,
    },
  ),
  {
    ...leftOut,
    context: { why: 'lmapp keeps no tokens between requests; send the messages to /api/chat', unless: isEmptyList },
    ...Object.fromEntries(
      ['width', 'height', 'steps'].map((name) => [name, { why: 'no image is made', unless: isZero }]),
    ),
  },
)
type GenerateRequest = Read<typeof generateRequest>

export const generateRoute: Route = withBody({
  method: 'POST',
  path: '/api/generate',
  access: 'inference',
  doc: {
    summary: 'Answers a prompt.',
    description: 'Without a prompt the model is loaded, or with `keep_alive: 0` unloaded.',
    answers: { 200: describeAnswer(responseFields) },
  },
  body: generateRequest,
  async handle(context, body) {
    if (!body.prompt) return loadOrUnload(context, body, generateForm)
    const ask = { messages: toMessages(body), ...toSettings(body) }
    await respond(context, body, ask, { form: generateForm, images: 'images' })
  },
})

function toMessages({ system = '', prompt = '', images = [] }: GenerateRequest): Message[] {
  return [
    ...(system === '' ? [] : [{ role: 'system' as const, content: [{ type: 'text' as const, text: system }] }]),
    { role: 'user', content: [{ type: 'text', text: prompt }, ...images] },
  ]
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function isZero(value: unknown): boolean {
  return value === 0
}
