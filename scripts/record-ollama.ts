/**
 * Records what the real Ollama answers, for the tests of its adapter:
 *
 *   scripts/install-engines.sh model ollama
 *   node scripts/record-ollama.ts [NAME…]      (default: all)
 *
 * Each file holds one exchange: the engine and its version, the request, and status, headers and body of the answer as
 * they came. Only what is too long and says nothing is cut, and the file says so under `trimmed`.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { importModel, startOllama } from '../test/engines/start-ollama.ts'

const folder = join(import.meta.dirname, '../packages/backends/src/ollama/fixtures')
/** What was built and installed; the binary itself says 0.0.0, as every build of one's own. */
const built = 'github.com/ollama/ollama@v0.17.4 (go install)'
const model = 'smollm2:latest'
const greedy = { temperature: 0, seed: 1, num_ctx: 4096 }

interface Exchange {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: Record<string, unknown>
  /** Members of the answer that are cut. */
  trim?: readonly string[]
}

function ask(content: string, more: Record<string, unknown> = {}): Exchange {
  const body = { model, messages: [{ role: 'user', content }], stream: true, truncate: false, shift: false, ...more }
  return { method: 'POST', path: '/api/chat', body }
}

const get = (path: string): Exchange => ({ method: 'GET', path })
const post = (path: string, body: Record<string, unknown>): Exchange => ({ method: 'POST', path, body })
const hundredWords = 'one two three four five six seven eight nine ten '.repeat(10)
const halfAnAnswer = [
  { role: 'user', content: 'Name the days of the week in order.' },
  { role: 'assistant', content: 'The days of the week' },
]
const days = 'Name the days of the week in order.'
/** As Ollama renders that question; the recording `render` holds it. */
const daysPrompt = `<|im_start|>user\n${days}<|im_end|>\n<|im_start|>assistant\n`
const raw = { model, raw: true, truncate: false, shift: false }
/** The next token behind a part of the answer, and what could stand in its place. */
const next = (kept: string): Exchange =>
  post('/api/generate', {
    ...{ ...raw, prompt: daysPrompt + kept, stream: false, logprobs: true, top_logprobs: 20 },
    options: { ...greedy, num_predict: 1 },
  })
const goOn = (kept: string, length: number): Exchange =>
  post('/api/generate', {
    ...{ ...raw, prompt: daysPrompt + kept, stream: true },
    options: { ...greedy, num_predict: length },
  })
const tool = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } }
const schema = { type: 'object', properties: { answer: { type: 'integer' } }, required: ['answer'] }

/** In this order: some change what the later ones see. */
const exchanges: Record<string, Exchange> = {
  greeting: get('/'),
  version: get('/api/version'),
  'not-found': get('/api/nowhere'),
  tags: get('/api/tags'),
  'ps-empty': get('/api/ps'),
  show: { ...post('/api/show', { model }), trim: ['license', 'modelfile', 'tensors'] },
  'show-missing': post('/api/show', { model: 'nope:latest' }),
  load: post('/api/chat', { model, messages: [], stream: false, options: { num_ctx: 4096 } }),
  'ps-loaded': get('/api/ps'),
  chat: ask('Say hello.', { options: { ...greedy, num_predict: 64 } }),
  'chat-length': ask('Count to one hundred.', { options: { ...greedy, num_predict: 6 } }),
  'chat-cached': ask('Count to one hundred.', { options: { ...greedy, num_predict: 6 } }),
  'chat-schema': ask('What is six times seven?', { format: schema, options: { ...greedy, num_predict: 32 } }),
  'chat-logprobs': ask('Repeat exactly: 🐟 é 漢字', {
    ...{ logprobs: true, top_logprobs: 3 },
    options: { ...greedy, num_predict: 12 },
  }),
  'chat-days': ask('Name the days of the week in order.', { options: { ...greedy, num_predict: 24 } }),
  render: ask(days, { stream: false, _debug_render_only: true, options: { ...greedy, num_predict: 1 } }),
  'next-comma': next('The days of the week are: Monday, Tuesday'),
  'next-day': next('The days of the week are: Monday, Tuesday,'),
  'raw-rest': goOn('The days of the week are: Monday, Tuesday, Wednesday', 12),
  'next-colon': next('The days of the week are'),
  'next-monday': next('The days of the week are:'),
  'raw-mended': goOn('The days of the week are: Monday', 5),
  'chat-continued': ask('', { messages: halfAnAnswer, options: { ...greedy, num_predict: 12 } }),
  'chat-missing': ask('Say hello.', { model: 'nope:latest' }),
  'chat-think': ask('Say hello.', { think: true }),
  'chat-tools': ask('Say hello.', { tools: [tool] }),
  'chat-overflow': ask(hundredWords, { options: { ...greedy, num_ctx: 64, num_predict: 4 } }),
  'chat-truncated': ask(hundredWords, { truncate: true, options: { ...greedy, num_ctx: 64, num_predict: 4 } }),
  'chat-bad-option': ask('Say hello.', { options: { top_k: 'many' } }),
  embed: post('/api/embed', { model, input: ['The sea.', 'Bread.'], truncate: false }),
  'embed-missing': post('/api/embed', { model: 'nope:latest', input: ['The sea.'], truncate: false }),
  unload: post('/api/chat', { model, messages: [], stream: false, keep_alive: 0 }),
  'delete-missing': { method: 'DELETE', path: '/api/delete', body: { model: 'nope:latest' } },
  delete: { method: 'DELETE', path: '/api/delete', body: { model } },
}

const wanted = process.argv.slice(2)
const ollama = await startOllama()
const registry = await startRegistry()
try {
  await mkdir(folder, { recursive: true })
  await importModel(ollama, 'smollm2')
  for (const [name, exchange] of Object.entries(exchanges)) await record(name, exchange)
  const address = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
  await record('pull', post('/api/pull', { model: `${address}/library/tiny`, insecure: true, stream: true }))
  await record('pull-missing', post('/api/pull', { model: `${address}/library/nope`, insecure: true, stream: true }))
} finally {
  registry.close()
  registry.closeAllConnections()
  await ollama[Symbol.asyncDispose]()
}

async function record(name: string, { trim = [], ...exchange }: Exchange): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(name)) return
  const response = await send(exchange)
  const body = trim.length > 0 ? trimmed(response.body, trim) : response.body
  const file = {
    engine: { name: 'ollama', built, version: ollama.version },
    command: 'node scripts/record-ollama.ts',
    ...(trim.length > 0 && { trimmed: trim }),
    request: exchange,
    response: { ...response, body },
  }
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(file, undefined, 2)}\n`)
  console.log(`${name}: ${response.status}, ${body.length} characters`)
}

function trimmed(body: string, members: readonly string[]): string {
  const value: Record<string, unknown> = JSON.parse(body)
  for (const member of members) delete value[member]
  // The temporary folder of this recording.
  return JSON.stringify(value).replace(/"[^"]*lmapp-ollama-[^/"]*/g, '"/home/ollama')
}

async function send({ method, path, body }: Exchange) {
  const bytes = Buffer.from(body ? JSON.stringify(body) : '')
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
  const outgoing = request(new URL(path, ollama.url), { method, headers })
  outgoing.end(bytes)
  const [response] = await once(outgoing, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { 'content-type': contentType } = response.headers
  return {
    status: response.statusCode,
    headers: { 'content-type': contentType },
    body: Buffer.concat(chunks).toString(),
  }
}

/**
 * A registry with one model, `library/tiny`, that is too small to be one: pulling does not look into it. As the real one
 * it sends who wants a blob to another host, where it is read in ranges.
 */
async function startRegistry(): Promise<Server> {
  const layer = Buffer.alloc(300_000, 'tiny')
  const config = Buffer.from(JSON.stringify({ model_format: 'gguf', model_family: 'tiny', rootfs: { type: 'layers' } }))
  const describe = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: describe(config, 'application/vnd.docker.container.image.v1+json'),
    layers: [describe(layer, 'application/vnd.ollama.image.model')],
  }
  const files = new Map([
    ['/v2/library/tiny/manifests/latest', Buffer.from(JSON.stringify(manifest))],
    [`/v2/library/tiny/blobs/${digestOf(config)}`, config],
    [`/v2/library/tiny/blobs/${digestOf(layer)}`, layer],
  ])
  const server = createServer(({ method, url = '', headers }, response) => {
    const file = files.get(url.replace('/elsewhere', ''))
    if (!file) return response.writeHead(404).end()
    if (method === 'GET' && url.startsWith('/v2/library/tiny/blobs')) {
      const { port } = server.address() as AddressInfo
      return response.writeHead(307, { location: `http://localhost:${port}/elsewhere${url}` }).end()
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
    const part = range ? file.subarray(Number(range[1]), Number(range[2]) + 1) : file
    response.writeHead(range ? 206 : 200, { 'content-length': part.length })
    return response.end(method === 'HEAD' ? undefined : part)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
