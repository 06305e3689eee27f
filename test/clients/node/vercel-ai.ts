import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { AISDKError, APICallError, generateText, type LanguageModel, streamText } from 'ai'
import { createOllama } from 'ollama-ai-provider-v2'
import { type Ask, type Client, nothingToClose, type Subject } from '../support/client.ts'
import { faultsMidAnswer } from '../support/world.ts'

const common = {
  registry: 'npm',
  kind: 'framework',
  stops: { end: 'stop', length: 'length', tools: 'tool-calls' },
  has: ['leaveChat', 'retries'],
} as const

export const vercelOpenai: Subject = {
  ...common,
  name: 'Vercel AI SDK, @ai-sdk/openai-compatible',
  packages: ['ai', '@ai-sdk/openai-compatible'],
  dialect: 'OpenAI',
  async open(address) {
    const provider = createOpenAICompatible({ name: 'lmapp', baseURL: `${address}/v1`, includeUsage: true })
    return createClient((model) => provider(model))
  },
}

export const vercelOllama: Subject = {
  ...common,
  name: 'Vercel AI SDK, ollama-ai-provider-v2',
  packages: ['ai', 'ollama-ai-provider-v2'],
  dialect: 'Ollama',
  shortcomings: {
    'errors: a model that nobody has': 'the provider looks for the words of an error where OpenAI has them',
    ...Object.fromEntries(
      faultsMidAnswer.map((fault) => [
        `faults in mid-answer: ${fault}, streamed`,
        'the provider passes over the line that says so, and ends with the finish reason "other"',
      ]),
    ),
  },
  async open(address) {
    const provider = createOllama({ baseURL: `${address}/api` })
    return createClient((model) => provider(model))
  },
}

function createClient(toModel: (model: string) => LanguageModel): Client {
  const toCall = ({ model, prompt, maxTokens, retries = 0 }: Ask) => ({
    model: toModel(model),
    prompt,
    maxRetries: retries,
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
  })
  return {
    ...nothingToClose,
    async chat(ask) {
      const { text, finishReason, usage } = await generateText(toCall(ask))
      return { text, stop: finishReason, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }
    },
    async stream(ask, { onText, signal }) {
      const result = streamText({ ...toCall(ask), ...(signal && { abortSignal: signal }), onError() {} })
      let text = ''
      let stop = ''
      for await (const part of result.fullStream) {
        if (part.type === 'error') throw part.error
        if (part.type === 'finish') stop = part.finishReason
        if (part.type !== 'text-delta') continue
        text += part.text
        onText?.(part.text)
      }
      return { text, stop }
    },
    leaveChat: (ask, signal) => generateText({ ...toCall(ask), abortSignal: signal }),
    describeError(error) {
      // An error in the middle of a stream is handed on as the service told it.
      if (!(error instanceof Error)) return { own: true, name: typeof error, message: JSON.stringify(error) }
      const status = APICallError.isInstance(error) ? error.statusCode : undefined
      return { own: AISDKError.isInstance(error), name: error.name, message: error.message, status }
    },
  }
}
