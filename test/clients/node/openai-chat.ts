import OpenAI, { APIError } from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import { z } from 'zod'
import {
  type Ask,
  type Client,
  type ErrorTold,
  nothingToClose,
  png,
  type Subject,
  weather,
  weatherResult,
} from '../support/client.ts'

export const openaiChat: Subject = {
  name: 'openai, chat completions',
  packages: ['openai'],
  registry: 'npm',
  dialect: 'OpenAI',
  kind: 'sdk',
  stops: { end: 'stop', length: 'length', tools: 'tool_calls' },
  has: ['leaveChat', 'tools', 'schema', 'see', 'think', 'embed', 'models', 'wrongField', 'retries'],
  open: async (address, key) => createClient(openOpenai(address, key)),
}

export function openOpenai(address: string, apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 })
}

export const mood = z.object({ mood: z.enum(['happy', 'sad']), score: z.int() })

const tools = [{ type: 'function', function: { ...weather, strict: true } }] as const

function createClient(openai: OpenAI): Client {
  const { completions } = openai.chat
  return {
    ...nothingToClose,
    ...common(openai),
    async chat(ask) {
      const { choices, usage } = await completions.create(toBody(ask), { maxRetries: ask.retries ?? 0 })
      return {
        text: choices[0]?.message.content ?? '',
        stop: choices[0]?.finish_reason,
        inputTokens: usage?.prompt_tokens,
        outputTokens: usage?.completion_tokens,
      }
    },
    async stream(ask, { onText, signal }) {
      const body = { ...toBody(ask), stream: true as const, stream_options: { include_usage: true } }
      const chunks = await completions.create(body, { signal })
      const said = { text: '', stop: null as string | null, outputTokens: undefined as number | undefined }
      for await (const { choices, usage } of chunks) {
        const text = choices[0]?.delta.content ?? ''
        said.text += text
        onText?.(text)
        said.stop = choices[0]?.finish_reason ?? said.stop
        said.outputTokens = usage?.completion_tokens ?? said.outputTokens
      }
      return said
    },
    leaveChat: (ask, signal) => completions.create(toBody(ask), { signal }),
    async tools(ask, { stream }) {
      const once = async (messages: ChatCompletionMessageParam[]) => {
        const body = { model: ask.model, messages, tools: [...tools] }
        return stream ? completions.stream(body).finalChatCompletion() : completions.create(body)
      }
      const question: ChatCompletionMessageParam[] = [{ role: 'user', content: ask.prompt }]
      const first = (await once(question)).choices[0]
      const call = first?.message.tool_calls?.[0]
      if (!first || call?.type !== 'function') throw new Error(`No call: ${JSON.stringify(first)}`)
      const result = { role: 'tool', tool_call_id: call.id, content: weatherResult } as const
      const second = await once([...question, first.message, result])
      return {
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments),
        stop: first.finish_reason,
        answer: second.choices[0]?.message.content ?? '',
      }
    },
    async schema(ask) {
      const parsed = await completions.parse({ ...toBody(ask), response_format: zodResponseFormat(mood, 'mood') })
      return parsed.choices[0]?.message.parsed
    },
    async see({ model, prompt }) {
      const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${png}` } }
      const content = [{ type: 'text' as const, text: prompt }, image]
      const { choices } = await completions.create({ model, messages: [{ role: 'user', content }] })
      return { text: choices[0]?.message.content ?? '' }
    },
    async think(ask, { stream }) {
      const once = async (messages: ChatCompletionMessageParam[]): Promise<Thinking> => {
        const body = { model: ask.model, messages }
        if (!stream) return (await completions.create(body)).choices[0]?.message ?? {}
        const said = { content: '', reasoning_content: '', reasoning: '' }
        for await (const { choices } of await completions.create({ ...body, stream: true })) {
          const delta: Thinking = choices[0]?.delta ?? {}
          for (const name of ['content', 'reasoning_content', 'reasoning'] as const) said[name] += delta[name] ?? ''
        }
        return said
      }
      const question: ChatCompletionMessageParam[] = [{ role: 'user', content: ask.prompt }]
      const { content = '', reasoning_content, reasoning } = await once(question)
      const said = { role: 'assistant' as const, content, reasoning_content }
      const second = await once([...question, said, { role: 'user', content: 'And now?' }])
      return { reasoning: [reasoning_content, reasoning], text: content ?? '', answer: second.content ?? '' }
    },
    async embed(model, input) {
      const { data } = await openai.embeddings.create({ model, input })
      return data.map(({ embedding }) => embedding)
    },
    wrongField: (model) => completions.create({ ...toBody({ model, prompt: 'Hi.' }), temperature: 'hot' as never }),
  }
}

/** What local servers add to a message; the types of the client do not know it. */
interface Thinking {
  content?: string | null
  reasoning_content?: string
  reasoning?: string
}

function toBody({ model, prompt, maxTokens }: Ask) {
  const limit = maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }
  return { model, messages: [{ role: 'user' as const, content: prompt }], ...limit }
}

/** What is the same in all parts of this API. */
export function common(openai: OpenAI): Pick<Client, 'models' | 'describeError'> {
  return {
    async models() {
      const models = await Array.fromAsync(openai.models.list())
      return models.map(({ id }) => id)
    },
    describeError: describeOpenaiError,
  }
}

export function describeOpenaiError(error: unknown): ErrorTold {
  if (!(error instanceof Error)) return { own: false, name: typeof error, message: String(error) }
  const own = error instanceof APIError
  const { name } = error.constructor
  return { own, name, message: error.message, ...(own && { status: error.status, field: error.param }) }
}
