import type OpenAI from 'openai'
import { type Ask, type Client, nothingToClose, type Subject } from '../support/client.ts'
import { common, openOpenai } from './openai-chat.ts'

export const openaiCompletions: Subject = {
  name: 'openai, completions',
  packages: ['openai'],
  registry: 'npm',
  dialect: 'OpenAI',
  kind: 'sdk',
  stops: { end: 'stop', length: 'length', tools: '' },
  has: ['leaveChat', 'wrongField', 'retries'],
  open: async (address, key) => createClient(openOpenai(address, key)),
}

function createClient(openai: OpenAI): Client {
  const { completions } = openai
  return {
    ...nothingToClose,
    ...common(openai),
    async chat(ask) {
      const { choices, usage } = await completions.create(toBody(ask), { maxRetries: ask.retries ?? 0 })
      return {
        text: choices[0]?.text ?? '',
        stop: choices[0]?.finish_reason,
        inputTokens: usage?.prompt_tokens,
        outputTokens: usage?.completion_tokens,
      }
    },
    async stream(ask, { onText, signal }) {
      const body = { ...toBody(ask), stream: true as const, stream_options: { include_usage: true } }
      const said = { text: '', stop: null as string | null, outputTokens: undefined as number | undefined }
      for await (const { choices, usage } of await completions.create(body, { signal })) {
        const text = choices[0]?.text ?? ''
        said.text += text
        onText?.(text)
        said.stop = choices[0]?.finish_reason ?? said.stop
        said.outputTokens = usage?.completion_tokens ?? said.outputTokens
      }
      return said
    },
    leaveChat: (ask, signal) => completions.create(toBody(ask), { signal }),
    wrongField: (model) => completions.create({ ...toBody({ model, prompt: 'Hi.' }), temperature: 'hot' as never }),
  }
}

function toBody({ model, prompt, maxTokens }: Ask) {
  return { model, prompt, ...(maxTokens !== undefined && { max_tokens: maxTokens }) }
}
