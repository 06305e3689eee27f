import { maxLineBytes, type RequestId } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import type { Child, ExitReport } from '../../processes/index.ts'
import { toEndError } from './answers.ts'
import { type ChatExchange, type ChatReceiver, createChatExchange } from './chat-exchange.ts'
import { checkEnvelope, checkNotification, checkResult } from './check-message.ts'
import { type Findings, show } from './findings.ts'
import { createRawLines, type RawLine } from './raw-lines.ts'
import { readLine } from './read-line.ts'
import type { Answer, Incoming } from './rpc.ts'

/**
 * A plugin's process, with the judge at the other end of its line. It reads whatever comes, also what a host would end the
 * process for, and notes what a requirement forbids.
 */
export interface Wire extends AsyncDisposable {
  readonly pid: number
  /** Carried by the process and what it started: see `findByNonce`. */
  readonly nonce: string
  /** The plugin's own folder, as hello tells it. */
  readonly dataDir: string
  /** False when nothing more comes. */
  readonly isOpen: boolean
  readonly ended: Promise<ExitReport>
  /** Sends a request. `answer` rejects when the process ends before. */
  ask(method: string, params?: unknown, id?: RequestId): { id: RequestId; answer: Promise<Answer> }
  /** `flows`: credit is given anew as parts come. */
  chat(request: unknown, credit: number, options?: { flows?: boolean; id?: RequestId }): ChatExchange
  notify(method: string, params?: unknown): void
  /** A message as it is. */
  send(message: Record<string, unknown>): void
  /** Bytes as they are. */
  write(bytes: string | Uint8Array): void
  /** From now on errors without id, and answers to what was no request, are no findings. */
  attack(bytes: string | Uint8Array): void
  /** What `fill` would write, for whoever writes it in another way. */
  capture(fill: () => void): Buffer
  pause(): void
  resume(): void
  endInput(): void
  kill(): void
}

export interface WireOptions {
  child: Child
  nonce: string
  dataDir: string
  findings: Findings
  /** Looked for in every message. */
  secrets: readonly string[]
}

export function createWire({ child, nonce, dataDir, findings, secrets }: WireOptions): Wire {
  const open = new Map<RequestId, { method: string; settled: PromiseWithResolvers<Answer> }>()
  const chats = new Map<RequestId, ChatReceiver>()
  const answered = new Set<RequestId>()
  const lines = createRawLines(maxLineBytes)
  let lastId = 0
  let isOpen = true
  let wasKilled = false
  let wasAttacked = false
  let held: (string | Uint8Array)[] | undefined

  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) takeLine(line)
  })
  child.stdout.on('error', () => {})
  const ended = child.exited.then((report) => {
    isOpen = false
    if (!wasKilled && lines.rest().length > 0) takeLine({ bytes: lines.rest() })
    for (const { method, settled } of open.values()) settled.reject(toEndError(method, report))
    return report
  })

  function takeLine(line: RawLine): void {
    const read = readLine(line, { findings, secrets })
    if (read) receive(read.incoming, read.message)
  }

  function receive(incoming: Incoming, message: unknown): void {
    if (incoming.kind === 'request') {
      findings.note('wire.schema', `It asks the host for "${incoming.method}"; the host takes no requests.`)
      send({ id: incoming.id, error: { code: -32601, message: 'The host takes no requests.' } })
      return
    }
    const problem = checkEnvelope(message, incoming.kind)
    if (problem !== undefined) findings.note('wire.schema', `A message is wrong (${problem}): ${show(message)}`)
    if (incoming.kind === 'response') takeResponse(incoming.id, incoming.answer)
    else hear(incoming.method, incoming.params)
  }

  function takeResponse(id: RequestId | null, answer: Answer): void {
    const request = id === null ? undefined : open.get(id)
    if (id === null || !request) {
      if (!wasAttacked) findings.note('wire.one-response', describeStray(id, answer))
      return
    }
    open.delete(id)
    answered.add(id)
    if ('result' in answer) judgeResult(request.method, answer.result)
    request.settled.resolve(answer)
    chats.get(id)?.settle()
  }

  function describeStray(id: RequestId | null, answer: Answer): string {
    if (id === null) return `An error without id came, and nothing was wrong: ${show(answer)}`
    const what = answered.has(id) ? 'A second response came for' : 'A response came for what was never asked,'
    return `${what} the request ${show(id)}: ${show(answer)}`
  }

  function judgeResult(method: string, result: unknown): void {
    const problem = checkResult(method, result)
    if (problem === undefined) return
    findings.note('wire.schema', `The result of "${method}" is wrong (${problem}): ${show(result)}`)
  }

  function hear(method: string, params: unknown): void {
    const problem = checkNotification(method, params)
    if (problem !== undefined) findings.note('wire.schema', `"${method}" is wrong (${problem}): ${show(params)}`)
    if (method !== 'parts') return
    const id = isFields(params) ? params.id : undefined
    const chat = chats.get(id as RequestId)
    if (!chat || !isFields(params)) {
      findings.note('wire.one-response', `Parts came for a chat that never was: ${show(params)}`)
      return
    }
    if (chat.answered) findings.note('wire.after-response', `Parts came after the response: ${show(params)}`)
    else chat.receive(params)
  }

  function send(message: Record<string, unknown>): void {
    writeBytes(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  function writeBytes(bytes: string | Uint8Array): void {
    if (held) held.push(bytes)
    else child.stdin.write(bytes)
  }

  function notify(method: string, params?: unknown): void {
    send({ method, ...(params !== undefined && { params }) })
  }

  function ask(method: string, params: unknown = {}, id: RequestId = ++lastId): ReturnType<Wire['ask']> {
    const settled = Promise.withResolvers<Answer>()
    settled.promise.catch(() => {})
    if (isOpen) open.set(id, { method, settled })
    else settled.reject(new Error(`The process had ended before "${method}" was asked.`))
    send({ id, method, params })
    return { id, answer: settled.promise }
  }

  return {
    pid: child.pid,
    nonce,
    dataDir,
    get isOpen() {
      return isOpen
    },
    ended,
    ask,
    chat(request, credit, { flows = false, id } = {}) {
      const asked = ask('chat', { request, credit }, id)
      const chat = createChatExchange({ ...asked, credit, flows, notify, findings })
      chats.set(asked.id, chat)
      return chat
    },
    notify,
    send,
    write: writeBytes,
    attack(bytes) {
      wasAttacked = true
      writeBytes(bytes)
    },
    capture(fill) {
      const pieces: (string | Uint8Array)[] = []
      held = pieces
      fill()
      held = undefined
      return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
    },
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    endInput: () => void child.stdin.end(),
    kill() {
      wasKilled = true
      child.kill()
    },
    async [Symbol.asyncDispose]() {
      wasKilled = true
      child.stdout.resume()
      child.kill()
      await ended
    },
  }
}
