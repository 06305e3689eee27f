import { createHmac } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

/** A request as a test wants it, headers and all, over TCP (`address`) or a socket (`socketPath`). */
export interface RawRequest {
  address?: string
  socketPath?: string
  method?: string
  path: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** Leaves out the header `host`. */
  noHost?: boolean
}

export interface RawResponse {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The error's code, when the body is one. */
  code: string | undefined
  message: string | undefined
}

export function rawRequest(raw: RawRequest): Promise<RawResponse> {
  const { address, socketPath, method = 'GET', path, headers, body, noHost = false } = raw
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>()
  const { hostname, port } = new URL(address ?? 'http://localhost')
  const target = socketPath === undefined ? { host: hostname.replace(/[[\]]/g, ''), port } : { socketPath }
  const request = httpRequest(
    { ...target, method, path, headers: headers ?? {}, agent: false, setHost: !noHost },
    (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject).on('end', () => {
        const error = response.headers['content-type']?.startsWith('application/json') ? errorOf(text) : undefined
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          code: error?.code,
          message: error?.message,
        })
      })
    },
  )
  request.on('error', reject).end(body)
  return promise
}

export const jsonType = { 'content-type': 'application/json' }

/** The header of one who knows the token. */
export function ownerHeaders(token: string, nonce = 'ab'.repeat(16)): Record<string, string> {
  const shown = createHmac('sha256', token).update(`client:${nonce}`).digest('hex')
  return { 'x-lmapp-auth': `${nonce}.${shown}` }
}

function errorOf(text: string): { code: string; message: string } | undefined {
  return text === '' ? undefined : JSON.parse(text).error
}
