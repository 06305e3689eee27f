import { ChatAnthropic } from '@langchain/anthropic'
import type { AIMessageChunk } from '@langchain/core/messages'
import type { IterableReadableStream } from '@langchain/core/utils/stream'
import { ChatOllama } from '@langchain/ollama'
import { ChatOpenAI } from '@langchain/openai'
import { type Ask, type Client, nothingToClose, type Subject } from '../support/client.ts'

/** What the three have in common. */
interface Model {
  invoke(prompt: string, options?: { signal: AbortSignal }): Promise<AIMessageChunk>
  stream(prompt: string, options?: { signal: AbortSignal }): Promise<IterableReadableStream<AIMessageChunk>>
}

const common = { registry: 'npm', kind: 'framework', stops: null, has: ['leaveChat', 'retries'] } as const

export const langchainOpenai: Subject = {
  ...common,
  name: 'LangChain JS, @langchain/openai',
  packages: ['@langchain/openai'],
  dialect: 'OpenAI',
  open: async (address) =>
    createClient(({ model, retries = 0 }) => {
      return new ChatOpenAI({ model, apiKey: 'none', maxRetries: retries, configuration: { baseURL: `${address}/v1` } })
    }),
}

export const langchainAnthropic: Subject = {
  ...common,
  name: 'LangChain JS, @langchain/anthropic',
  packages: ['@langchain/anthropic'],
  dialect: 'Anthropic',
  open: async (address) =>
    createClient(({ model, retries = 0 }) => {
      return new ChatAnthropic({
        model,
        apiKey: 'none',
        maxRetries: retries,
        anthropicApiUrl: address,
        maxTokens: 8000,
      })
    }),
}

export const langchainOllama: Subject = {
  ...common,
  name: 'LangChain JS, @langchain/ollama',
  packages: ['@langchain/ollama'],
  dialect: 'Ollama',
  open: async (address) =>
    createClient(({ model, retries = 0 }) => new ChatOllama({ model, baseUrl: address, maxRetries: retries })),
}

function createClient(toModel: (ask: Ask) => Model): Client {
  return {
    ...nothingToClose,
    async chat(ask) {
      return { text: (await toModel(ask).invoke(ask.prompt)).text }
    },
    async stream(ask, { onText, signal }) {
      let text = ''
      for await (const chunk of await toModel(ask).stream(ask.prompt, signal && { signal })) {
        text += chunk.text
        onText?.(chunk.text)
      }
      return { text }
    },
    leaveChat: (ask, signal) => toModel(ask).invoke(ask.prompt, { signal }),
    describeError(error) {
      if (!(error instanceof Error)) return { own: false, name: typeof error, message: String(error) }
      // It hands on the errors of the SDK below it.
      const { status, status_code = status } = error as { status?: number; status_code?: number }
      return { own: true, name: error.name, message: error.message, status: status_code }
    },
  }
}
