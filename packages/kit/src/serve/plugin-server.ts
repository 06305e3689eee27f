import { LmappError } from '../errors/lmapp-error.ts'
import { type Connection, createConnection, type IncomingCall, unknownMethod } from '../protocol/connection.ts'
import type { HelloParams, HelloResult, RequestId } from '../protocol/messages.ts'
import type { Output } from '../protocol/output.ts'
import { chooseVersion } from '../protocol/version.ts'
import { methods, type Session } from './answer-methods.ts'
import { parseCredit, parseHelloParams } from './parse-params.ts'
import type { Plugin, PluginContext } from './plugin.ts'

/** A plugin's side of the line. Disposing disposes its backend. */
export interface PluginServer extends AsyncDisposable {
  /** Resolves when the host is gone, with what was wrong with the line, if anything was. */
  readonly closed: Promise<LmappError | undefined>
}

/** Answers a host from now on. */
export function servePlugin(plugin: Plugin, input: AsyncIterable<Uint8Array>, output: Output): PluginServer {
  let opening: Promise<Session> | undefined
  let session: Session | undefined

  async function open(hello: HelloParams): Promise<Session> {
    connection.setOutgoingLimit(hello.limits.maxLineBytes)
    const backend = await plugin.open(createContext(connection, hello))
    session = { backend, hello, connection, outboxes: new Map() }
    return session
  }

  async function answerHello(params: unknown): Promise<HelloResult> {
    if (opening) throw new LmappError('protocol-violation', '"hello" was already said.')
    const hello = parseHelloParams(params)
    const interfaceVersion = chooseVersion(hello.interfaceVersions)
    opening = open(hello)
    const { backend } = await opening
    return { interfaceVersion, nonce: hello.nonce, info: await backend.getInfo() }
  }

  function answer(method: string, params: unknown, call: IncomingCall): unknown {
    if (method === 'hello') return answerHello(params)
    if (!session) throw new LmappError('protocol-violation', 'The first request must be "hello".')
    const implementation = Object.hasOwn(methods, method) ? methods[method] : undefined
    if (!implementation) throw unknownMethod(method)
    return implementation(session, params, call)
  }

  function hear(method: string, params: unknown): void {
    const credit = method === 'credit' ? parseCredit(params) : undefined
    if (credit) session?.outboxes.get(credit.id as RequestId)?.grant(credit.parts)
  }

  const connection = createConnection({ input, output, onRequest: answer, onNotification: hear })
  return {
    closed: connection.closed,
    async [Symbol.asyncDispose]() {
      connection.close(new LmappError('backend-stopped', 'The host has gone.'))
      const opened = await opening?.catch(() => undefined)
      await opened?.backend[Symbol.asyncDispose]()
    },
  }
}

function createContext(connection: Connection, { config, secrets, dataDir }: HelloParams): PluginContext {
  return {
    config,
    secrets,
    dataDir,
    log: (level, message) => void connection.notify('log', { level, message }),
    modelsChanged: () => void connection.notify('models_changed'),
    stateChanged: () => void connection.notify('state_changed'),
  }
}
