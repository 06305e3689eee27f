import type OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import type { Response, ResponseInput } from 'openai/resources/responses/responses'
import {
  type Ask,
  type Client,
  nothingToClose,
  png,
  type Said,
  type Subject,
  weather,
  weatherResult,
} from '../support/client.ts'
import { common, describeOpenaiError, mood, openOpenai } from './openai-chat.ts'

export const openaiResponses: Subject = {
  name: 'openai, responses',
  packages: ['openai'],
  registry: 'npm',
  dialect: 'OpenAI',
  kind: 'sdk',
  stops: { end: 'completed', length: 'max_output_tokens', tools: 'completed' },
  has: ['leaveChat', 'tools', 'schema', 'see', 'think', 'wrongField', 'retries'],
  open: async (address, key) => createClient(openOpenai(address, key)),
}

const tools = [{ type: 'function' as const, ...weather, strict: true }]

function createClient(openai: OpenAI): Client {
  const { responses } = openai
  return {
    ...nothingToClose,
    ...common(openai),
    describeError(error) {
      if (!(error instanceof FailedResponse)) return describeOpenaiError(error)
      return { own: true, name: 'response.failed', message: error.message }
    },
    async chat(ask) {
      return toSaid(await responses.create(toBody(ask), { maxRetries: ask.retries ?? 0 }))
    },
    async stream(ask, { onText, signal }) {
      // The helper checks the order of the events, and puts the answer together from them.
      const stream = responses.stream(toBody(ask), { signal })
      stream.on('response.output_text.delta', ({ delta }) => onText?.(delta))
      return toSaid(await stream.finalResponse())
    },
    leaveChat: (ask, signal) => responses.create(toBody(ask), { signal }),
    async tools(ask, { stream }) {
      const once = (more: { input: string | ResponseInput; previous_response_id?: string }): Promise<Response> => {
        const body = { model: ask.model, tools, ...more }
        return stream ? responses.stream(body).finalResponse() : responses.create(body)
      }
      const first = await once({ input: ask.prompt })
      const call = first.output.find((item) => item.type === 'function_call')
      if (!call) throw new Error(`No call: ${JSON.stringify(first.output)}`)
      const result = { type: 'function_call_output' as const, call_id: call.call_id, output: weatherResult }
      // The service remembers what went before.
      const second = await once({ input: [result], previous_response_id: first.id })
      const args = JSON.parse(call.arguments)
      return { name: call.name, arguments: args, stop: first.status, answer: second.output_text }
    },
    async schema(ask) {
      const parsed = await responses.parse({ ...toBody(ask), text: { format: zodTextFormat(mood, 'mood') } })
      return parsed.output_parsed
    },
    async see({ model, prompt }) {
      const image = { type: 'input_image' as const, detail: 'auto' as const, image_url: `data:image/png;base64,${png}` }
      const content = [{ type: 'input_text' as const, text: prompt }, image]
      return toSaid(await responses.create({ model, input: [{ role: 'user', content }] }))
    },
    async think(ask, { stream }) {
      const streamed: string[] = []
      const once = async (input: ResponseInput): Promise<Response> => {
        const body = { model: ask.model, input }
        if (!stream) return await responses.create(body)
        const events = responses.stream(body)
        events.on('response.reasoning_text.delta', ({ delta }) => streamed.push(delta))
        return await events.finalResponse()
      }
      const question = { role: 'user' as const, content: ask.prompt }
      const first = await once([question])
      const thoughts = first.output.flatMap((item) => (item.type === 'reasoning' ? (item.content ?? []) : []))
      const reasoning = [thoughts.map(({ text }) => text).join(''), ...(stream ? [streamed.join('')] : [])]
      const second = await once([question, ...(first.output as ResponseInput), { role: 'user', content: 'And now?' }])
      return { reasoning, text: first.output_text, answer: second.output_text }
    },
    wrongField: (model) => responses.create({ ...toBody({ model, prompt: 'Hi.' }), temperature: 'hot' as never }),
  }
}

function toBody({ model, prompt, maxTokens }: Ask) {
  return { model, input: prompt, ...(maxTokens !== undefined && { max_output_tokens: maxTokens }) }
}

/** The client resolves with a response whose status says that it failed. */
class FailedResponse extends Error {}

function toSaid({ output_text, status, error, incomplete_details, usage }: Response): Said {
  if (status === 'failed') throw new FailedResponse(error?.message)
  return {
    text: output_text,
    stop: incomplete_details?.reason ?? status,
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
  }
}
