import type { IncomingMessage, ServerResponse } from 'node:http'
import { type FakeServer, sendJson, startServer } from './fake-server.ts'

/** A server with the manners of vLLM and no model in it: the name of a model says how it fails. */
export function startFakeEngine(): Promise<FakeServer> {
  const data = Object.keys(replies).map((id) => ({
    id,
    owned_by: 'vllm',
    max_model_len: id === 'small' ? 16 : 4096,
  }))
  return startServer(async (request, response) => {
    if (request.url === '/v1/models') return sendJson(response, { object: 'list', data })
    if (request.url !== '/v1/chat/completions') return sendJson(response, { detail: 'Not Found' }, 404)
    return replies[await readModel(request)]?.(response)
  })
}

type Reply = (response: ServerResponse) => void

const words = ['One', ' two', ' three'].map((content) => word(content)).join('')
const done = 'data: [DONE]\n\n'

const replies: Readonly<Record<string, Reply>> = {
  '401': refuse(401, 'Unauthorized'),
  '403': refuse(403, 'This key may not use this model.'),
  '404': (response) => sendJson(response, { detail: 'Not Found' }, 404),
  '429': refuse(429, 'Rate limit reached.'),
  '500': refuse(500, 'Internal server error'),
  '503': refuse(503, 'The server is overloaded.'),
  'load-fails': refuse(500, 'Failed to load model.'),
  empty: stream(finish('stop'), done),
  filtered: stream(words, finish('content_filter'), done),
  'clean-end': stream(words),
  garbage: stream(words, 'data: <html>Bad Gateway</html>\n\n', finish('stop'), done),
  'reads-little': stream(words, finish('stop'), event({ choices: [], usage: { prompt_tokens: 3 } }), done),
  other: stream(word('One', 'another'), finish('stop'), done),
  another: stream(words, finish('stop'), done),
  small: stream(words, finish('stop'), done),
  silent: (response) => begin(response).write(words),
  dies: (response) => begin(response).write(words, () => response.destroy()),
}

function event(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

function word(content: string, model?: string): string {
  return event({ ...(model && { model }), choices: [{ index: 0, delta: { content } }] })
}

function finish(reason: string): string {
  return event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })
}

function refuse(status: number, message: string): Reply {
  return (response) => sendJson(response, { error: { message } }, status)
}

function stream(...events: string[]): Reply {
  return (response) => begin(response).end(events.join(''))
}

function begin(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream' })
}

async function readModel(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = await Array.fromAsync(request)
  return JSON.parse(Buffer.concat(chunks).toString()).model
}
