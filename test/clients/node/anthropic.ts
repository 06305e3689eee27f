import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import type { Message, MessageCreateParamsNonStreaming, MessageParam } from '@anthropic-ai/sdk/resources/messages'
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
import { mood } from './openai-chat.ts'

export const anthropic: Subject = {
  name: '@anthropic-ai/sdk',
  packages: ['@anthropic-ai/sdk'],
  registry: 'npm',
  dialect: 'Anthropic',
  kind: 'sdk',
  stops: { end: 'end_turn', length: 'max_tokens', tools: 'tool_use' },
  has: ['leaveChat', 'tools', 'schema', 'see', 'think', 'count', 'models', 'wrongField', 'retries'],
  open: async (address, apiKey = 'none') => createClient(new Anthropic({ baseURL: address, apiKey, maxRetries: 0 })),
}

const { parameters, ...described } = weather
const tools = [{ ...described, input_schema: parameters as never }]

function createClient(client: Anthropic): Client {
  const { messages } = client
  return {
    ...nothingToClose,
    async chat(ask) {
      return toSaid(await messages.create(toBody(ask), { maxRetries: ask.retries ?? 0 }))
    },
    async stream(ask, { onText, signal }) {
      // The helper checks the order of the events, and puts the answer together from them.
      const stream = messages.stream(toBody(ask), { signal })
      stream.on('text', (text) => onText?.(text))
      return toSaid(await stream.finalMessage())
    },
    leaveChat: (ask, signal) => messages.create(toBody(ask), { signal }),
    async tools(ask, { stream }) {
      const once = (turns: MessageParam[]): Promise<Message> => {
        const body = { ...toBody(ask), messages: turns, tools }
        return stream ? messages.stream(body).finalMessage() : messages.create(body)
      }
      const question: MessageParam = { role: 'user', content: ask.prompt }
      const first = await once([question])
      const call = first.content.find((block) => block.type === 'tool_use')
      if (!call) throw new Error(`No call: ${JSON.stringify(first)}`)
      const result = { type: 'tool_result' as const, tool_use_id: call.id, content: weatherResult }
      const turns: MessageParam[] = [
        question,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [result] },
      ]
      const { name, input } = call
      return { name, arguments: input, stop: first.stop_reason, answer: toSaid(await once(turns)).text }
    },
    async schema(ask) {
      const parsed = await messages.parse({ ...toBody(ask), output_config: { format: zodOutputFormat(mood) } })
      return parsed.parsed_output
    },
    async see(ask) {
      const source = { type: 'base64' as const, media_type: 'image/png' as const, data: png }
      const content = [
        { type: 'text' as const, text: ask.prompt },
        { type: 'image' as const, source },
      ]
      return toSaid(await messages.create({ ...toBody(ask), messages: [{ role: 'user', content }] }))
    },
    async think(ask, { stream }) {
      const streamed: string[] = []
      const once = async (turns: MessageParam[]): Promise<Message> => {
        const thinking = { type: 'enabled' as const, budget_tokens: 2000 }
        const body = { ...toBody(ask), messages: turns, thinking }
        if (!stream) return await messages.create(body)
        const events = messages.stream(body)
        if (turns.length === 1) events.on('thinking', (delta) => streamed.push(delta))
        return await events.finalMessage()
      }
      const question: MessageParam = { role: 'user', content: ask.prompt }
      const first = await once([question])
      const block = first.content[0]
      if (block?.type !== 'thinking' || typeof block.signature !== 'string') throw new Error(JSON.stringify(first))
      const said: MessageParam = { role: 'assistant', content: first.content }
      const second = await once([question, said, { role: 'user', content: 'And now?' }])
      const reasoning = [block.thinking, ...(stream ? [streamed.join('')] : [])]
      return { reasoning, text: toSaid(first).text, answer: toSaid(second).text }
    },
    async count(ask) {
      const { max_tokens: _, ...body } = toBody(ask)
      return (await messages.countTokens(body)).input_tokens
    },
    async models() {
      const models = await Array.fromAsync(client.models.list())
      return models.map(({ id }) => id)
    },
    async wrongField(model) {
      // Its types no longer have this field.
      const body: object = { ...toBody({ model, prompt: 'Hi.' }), temperature: 'hot' }
      return await messages.create(body as MessageCreateParamsNonStreaming)
    },
    describeError(error) {
      if (!(error instanceof Error)) return { own: false, name: typeof error, message: String(error) }
      const own = error instanceof APIError
      return { own, name: error.constructor.name, message: error.message, ...(own && { status: error.status }) }
    },
  }
}

function toBody({ model, prompt, maxTokens = 8000 }: Ask) {
  return { model, max_tokens: maxTokens, messages: [{ role: 'user' as const, content: prompt }] }
}

function toSaid({ content, stop_reason, usage }: Message): Said {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  // What was read from the cache is told apart.
  const inputTokens = usage.input_tokens + (usage.cache_read_input_tokens ?? 0)
  return { text, stop: stop_reason, inputTokens, outputTokens: usage.output_tokens }
}
