import { type Message, Ollama } from 'ollama'
import {
  type Ask,
  type Client,
  moodSchema,
  nothingToClose,
  png,
  type Subject,
  weather,
  weatherResult,
} from '../support/client.ts'

export const ollama: Subject = {
  name: 'ollama',
  packages: ['ollama'],
  registry: 'npm',
  dialect: 'Ollama',
  kind: 'sdk',
  stops: { end: 'stop', length: 'length', tools: 'stop' },
  has: ['tools', 'schema', 'see', 'think', 'embed', 'models', 'wrongField'],
  open: async (host, key = 'none') => createClient(new Ollama({ host, headers: { authorization: `Bearer ${key}` } })),
}

const tools = [{ type: 'function', function: { ...weather, parameters: weather.parameters as never } }]

function createClient(client: Ollama): Client {
  return {
    ...nothingToClose,
    async chat(ask) {
      const { message, done_reason, prompt_eval_count, eval_count } = await client.chat(toBody(ask))
      return { text: message.content, stop: done_reason, inputTokens: prompt_eval_count, outputTokens: eval_count }
    },
    async stream(ask, { onText, signal }) {
      const chunks = await client.chat({ ...toBody(ask), stream: true })
      signal?.addEventListener('abort', () => chunks.abort())
      const said = { text: '', stop: '', outputTokens: 0 }
      for await (const { message, done, done_reason, eval_count } of chunks) {
        said.text += message.content
        onText?.(message.content)
        if (done) Object.assign(said, { stop: done_reason, outputTokens: eval_count })
      }
      return said
    },
    async tools(ask, { stream }) {
      const once = async (messages: Message[]) => {
        if (!stream) return await client.chat({ model: ask.model, messages, tools })
        const chunks = await Array.fromAsync(await client.chat({ model: ask.model, messages, tools, stream: true }))
        const content = chunks.map(({ message }) => message.content).join('')
        const tool_calls = chunks.flatMap(({ message }) => message.tool_calls ?? [])
        return { message: { role: 'assistant', content, tool_calls }, done_reason: chunks.at(-1)?.done_reason }
      }
      const question = { role: 'user', content: ask.prompt }
      const first = await once([question])
      const call = first.message.tool_calls?.[0]?.function
      if (!call) throw new Error(`No call: ${JSON.stringify(first)}`)
      const second = await once([
        question,
        first.message,
        { role: 'tool', tool_name: call.name, content: weatherResult },
      ])
      return { name: call.name, arguments: call.arguments, stop: first.done_reason, answer: second.message.content }
    },
    async schema(ask) {
      return JSON.parse((await client.chat({ ...toBody(ask), format: moodSchema })).message.content)
    },
    async see({ model, prompt }) {
      const { message } = await client.chat({ model, messages: [{ role: 'user', content: prompt, images: [png] }] })
      return { text: message.content }
    },
    async think(ask, { stream }) {
      const once = async (messages: Message[]): Promise<Message> => {
        const body = { model: ask.model, messages, think: true }
        if (!stream) return (await client.chat(body)).message
        const chunks = await Array.fromAsync(await client.chat({ ...body, stream: true }))
        const join = (name: 'content' | 'thinking') => chunks.map(({ message }) => message[name] ?? '').join('')
        return { role: 'assistant', content: join('content'), thinking: join('thinking') }
      }
      const question = { role: 'user', content: ask.prompt }
      const first = await once([question])
      const second = await once([question, first, { role: 'user', content: 'And now?' }])
      return { reasoning: [first.thinking], text: first.content, answer: second.content }
    },
    async embed(model, input) {
      return (await client.embed({ model, input })).embeddings
    },
    async models() {
      return (await client.list()).models.map(({ name }) => name)
    },
    wrongField: (model) =>
      client.chat({ ...toBody({ model, prompt: 'Hi.' }), options: { temperature: 'hot' as never } }),
    describeError(error) {
      if (!(error instanceof Error)) return { own: false, name: typeof error, message: String(error) }
      // In the middle of a stream it throws a plain error with what the service said; the class of the rest is not exported.
      const own =
        error.name === 'ResponseError' || (error.constructor === Error && !/Did not receive/.test(error.message))
      const { status_code: status } = error as { status_code?: number }
      return { own, name: error.name, message: error.message, status }
    },
  }
}

function toBody({ model, prompt, maxTokens }: Ask) {
  const limit = maxTokens === undefined ? {} : { options: { num_predict: maxTokens } }
  return { model, messages: [{ role: 'user', content: prompt }], ...limit }
}
