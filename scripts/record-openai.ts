/**
 * Records what real servers answer under their OpenAI API, for the tests of `openai-wire` and `openai-compatible`:
 *
 *   scripts/install-engines.sh model ollama llama-server
 *   node scripts/record-openai.ts [NAME…]      (default: all)
 *
 * Each file holds one exchange: the engine, the request, and status, headers and body of the answer as they came. Only the
 * folder of the model and vectors' later numbers are cut.
 */
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { startLlamaServer, usualArguments } from '../test/engines/start-llama-server.ts'
import { importModel, startOllama } from '../test/engines/start-ollama.ts'

const folder = join(import.meta.dirname, '../packages/backends/src/openai-wire/fixtures')

interface Exchange {
  method: 'GET' | 'POST'
  path: string
  body?: Record<string, unknown>
}

const get = (path: string): Exchange => ({ method: 'GET', path })
const post = (path: string, body: Record<string, unknown>): Exchange => ({ method: 'POST', path, body })
const user = (content: unknown) => ({ role: 'user', content })
const greedy = { temperature: 0, seed: 1, stream: true, stream_options: { include_usage: true } }
const days = user('Name the days of the week in order.')
const halfAnAnswer = { role: 'assistant', content: 'The days of the week' }
const schema = { type: 'object', properties: { answer: { type: 'integer' } }, required: ['answer'] }
const tool = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}
const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
const hundredWords = 'one two three four five six seven eight nine ten '.repeat(10)

function exchangesFor(model: string): Record<string, Exchange> {
  const chat = (messages: unknown[], more: Record<string, unknown> = {}) =>
    post('/v1/chat/completions', { model, messages, ...greedy, ...more })
  return {
    models: get('/v1/models'),
    'not-found': get('/v1/nowhere'),
    chat: chat([user('Say hello.')], { max_tokens: 64 }),
    'chat-length': chat([user('Count to one hundred.')], { max_tokens: 6 }),
    'chat-cached': chat([user('Count to one hundred.')], { max_tokens: 6 }),
    'chat-whole': chat([user('Say hello.')], { max_tokens: 8, stream: false, stream_options: undefined }),
    'chat-no-usage': chat([user('Say hello.')], { max_tokens: 8, stream_options: undefined }),
    'chat-schema': chat([user('What is six times seven?')], {
      max_tokens: 32,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } },
    }),
    'chat-logprobs': chat([user('Say hello.')], { max_tokens: 4, logprobs: true, top_logprobs: 1 }),
    'chat-days': chat([days], { max_tokens: 24 }),
    'chat-continued': chat([days, halfAnAnswer], { max_tokens: 12 }),
    'chat-tool': chat([user('What is the weather in Paris?')], {
      tools: [tool],
      tool_choice: 'required',
      max_tokens: 64,
    }),
    'chat-image': chat([user([picture])]),
    'chat-overflow': chat([user(hundredWords.repeat(25))], { max_tokens: 4 }),
    'chat-missing': chat([user('Say hello.')], { model: 'nope', max_tokens: 2 }),
    'chat-bad': post('/v1/chat/completions', { model, messages: 'none', stream: true }),
    embeddings: post('/v1/embeddings', { model, input: ['The sea.', 'Bread.'] }),
    'embeddings-base64': post('/v1/embeddings', { model, input: ['The sea.'], encoding_format: 'base64' }),
  }
}

const onlyProgress: Record<string, Exchange> = {
  'chat-progress': post('/v1/chat/completions', {
    messages: [user(hundredWords)],
    ...greedy,
    max_tokens: 2,
    return_progress: true,
  }),
}

interface Server {
  url: string
  name: string
  version: string
}

const wanted = process.argv.slice(2)
await recordLlamaServer()
await recordOllama()

async function recordLlamaServer(): Promise<void> {
  const name = 'llama-server'
  const model = 'SmolLM2-135M-Instruct.Q4_1.gguf'
  await using chatting = await startLlamaServer({ arguments: [...usualArguments, '--alias', model] })
  const { embeddings, 'embeddings-base64': base64, ...others } = exchangesFor(model)
  await recordAll(
    { name, version: 'b11434', url: chatting.url },
    { ...others, ...onlyProgress, 'embeddings-off': embeddings },
  )
  await using embedding = await startLlamaServer({
    arguments: [...usualArguments, '--embeddings', '--pooling', 'mean', '--alias', model],
  })
  await recordAll({ name, version: 'b11434', url: embedding.url }, { embeddings, 'embeddings-base64': base64 })
}

async function recordOllama(): Promise<void> {
  await using ollama = await startOllama()
  await importModel(ollama, 'smollm2')
  // It cuts a prompt that is too long in silence, which takes minutes to read here.
  const { 'chat-overflow': _, ...exchanges } = exchangesFor('smollm2:latest')
  await recordAll({ name: 'ollama', version: '0.17.4', url: ollama.url }, exchanges)
}

async function recordAll(server: Server, exchanges: Record<string, Exchange | undefined>): Promise<void> {
  for (const [name, exchange] of Object.entries(exchanges)) {
    const file = `${server.name}/${name}`
    if (exchange === undefined || (wanted.length > 0 && !wanted.includes(file))) continue
    const response = await send(server.url, exchange)
    const { name: engine, version } = server
    const recording = {
      engine: { name: engine, version },
      command: 'node scripts/record-openai.ts',
      request: exchange,
      response,
    }
    const path = join(folder, `${file}.json`)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `${JSON.stringify(recording, undefined, 2)}\n`)
    console.log(`${file}: ${response.status}, ${response.body.length} characters`)
  }
}

async function send(url: string, { method, path, body }: Exchange) {
  const bytes = Buffer.from(body ? JSON.stringify(body) : '')
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
  const outgoing = request(new URL(path, url), { method, headers, agent: false })
  outgoing.end(bytes)
  const [response] = await once(outgoing, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { 'content-type': contentType, server } = response.headers
  return {
    status: response.statusCode,
    headers: { 'content-type': contentType, ...(server && { server }) },
    body: shorten(Buffer.concat(chunks).toString()),
  }
}

/** 576 numbers say no more than 8. */
function shorten(body: string): string {
  return body.replace(/"embedding":\[((?:[^,\]]+,){7}[^,\]]+)[^\]]*\]/g, '"embedding":[$1]')
}
