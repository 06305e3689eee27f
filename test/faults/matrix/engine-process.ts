/**
 * An engine without a model, as a process: `node engine-process.ts DIALECT MODEL PORT FOLDER`. The name of its model says
 * how it fails, until there is a file `healed` in the folder; the model `echo` says slowly what it was asked. It notes in
 * `asked` there what it was asked for, prints its port, and ends with its stdin.
 */
import { appendFileSync, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Asked, type Chat, type Dialect, type EngineState, type Reply, restOf } from './dialect.ts'
import { llamaServer } from './llama-server.ts'
import { ollama } from './ollama.ts'
import { openaiCompatible } from './openai-compatible.ts'

const dialects: Record<string, Dialect> = {
  ollama,
  'openai-compatible': openaiCompatible,
  'llama-server': llamaServer,
}

/** Tokens that arrive before what goes wrong in mid-answer. */
const begun = 3

interface Answering {
  response: ServerResponse
  chat: Chat
  /** What is due of the answer. */
  pieces: string[]
}

type Behaviour = (answering: Answering) => unknown

const [name = '', model = '', port = '', folder = ''] = process.argv.slice(2)
const dialect = dialects[name] as Dialect
const { slowLoad } = dialect
const state: EngineState = { model, loading: model === 'slow-load' || model === 'stop-starting' }
const isHealed = () => existsSync(join(folder, 'healed'))

const behaviours: Record<string, Behaviour> = {
  hang: () => {},
  '500': ({ response }) => send(response, dialect.failure),
  'drop-first': ({ response, chat }) => {
    response.writeHead(200, chat.headers).flushHeaders()
    response.socket?.destroySoon()
  },
  'drop-later': (answering) => {
    begin(answering)
    answering.response.socket?.destroySoon()
  },
  'clean-end': (answering) => begin(answering).end(),
  'error-line': (answering) => begin(answering).end(answering.chat.error),
  garbage: (answering) => begin(answering).end(answering.chat.garbage + answering.chat.end(begun)),
  stall: begin,
  echo,
  'kill-engine': begin,
  'kill-service': begin,
  'slow-load': answerSlowly,
  'stop-starting': async (answering) => {
    await until(isHealed)
    state.loading = false
    answerWell(answering)
  },
}

const server = createServer(async (request, response) => {
  response.on('error', () => {})
  const asked: Asked = { route: `${request.method} ${request.url}`, body: await readBody(request) }
  if (model === 'slow-load') void loadOnce()
  if (isHealed()) state.loading = false
  const reply = dialect.reply(asked, state)
  if (reply) return send(response, reply)
  const chat = dialect.toChat(asked, state)
  if (!chat) return response.writeHead(404).end()
  appendFileSync(join(folder, 'asked'), `${chat.question}\n`)
  const answering = { response, chat, pieces: restOf(dialect.pieces, chat.partial) }
  const behaviour = isHealed() ? undefined : behaviours[model]
  await (behaviour ?? answerWell)(answering)
})
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))

function answerWell({ response, chat, pieces }: Answering): void {
  response.writeHead(200, chat.headers).end(pieces.map(chat.piece).join('') + chat.end(pieces.length))
}

function begin({ response, chat, pieces }: Answering): ServerResponse {
  response.writeHead(200, chat.headers).write(pieces.slice(0, begun).map(chat.piece).join(''))
  return response
}

/** Milliseconds between two of its tokens. */
const echoMs = 3

async function echo({ response, chat }: Answering): Promise<void> {
  const pieces = restOf(chat.question.split(/(?<= )/), chat.partial)
  response.writeHead(200, chat.headers).flushHeaders()
  for (const piece of pieces) {
    await pause(echoMs)
    response.write(chat.piece(piece))
  }
  response.end(chat.end(pieces.length))
}

/** The load begins with the first question, whatever that is. */
let loaded: Promise<void> | undefined

function loadOnce(): Promise<void> {
  loaded ??= pause(slowLoad.loadingMs).then(() => {
    state.loading = false
  })
  return loaded
}

async function answerSlowly({ response, chat, pieces }: Answering): Promise<void> {
  await loadOnce()
  await pause(slowLoad.silentMs)
  response.writeHead(200, chat.headers).flushHeaders()
  for (const done of chat.reading ? [11, 22, 33] : []) {
    await pause(slowLoad.readingMs)
    response.write(chat.reading?.(done))
  }
  for (const piece of pieces.slice(0, begun)) {
    await pause(slowLoad.pieceMs)
    response.write(chat.piece(piece))
  }
  response.end(pieces.slice(begun).map(chat.piece).join('') + chat.end(pieces.length))
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers).end(body)
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = await Array.fromAsync(request)
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10)
}
