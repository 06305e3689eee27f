import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BackendType,
  createBackendControl,
  createBackendRegistry,
  createBackendReports,
} from '@lmapp/core/backends'
import type { Config } from '@lmapp/core/config'
import { createKeys, type KeyIdentity } from '@lmapp/core/keys'
import { createRunManager } from '@lmapp/core/runs'
import { openStore } from '@lmapp/core/store'
import { createClient, type ForwardedEnvironment, type LmappClient, type PullEvent } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { LmappError } from 'lmapp-kit'
import type { Caller, ServerApp, ServeSettings } from '../app.ts'
import { createServer, type LmappServer, type ServerOptions } from '../server.ts'
import { createDictatedBackend, type DictatedBackend } from './dictated-backend.ts'

/** A service as it is, on a socket and on TCP, but for its engine: the test dictates what that says. */
export interface TestService extends AsyncDisposable {
  app: Omit<ServerApp, 'serve'> & { serve: { -readonly [key in keyof ServeSettings]: ServeSettings[key] } }
  /** Keys that are known, by their secret. */
  keys: Map<string, KeyIdentity>
  /** Programs that showed a key that is none. */
  unknownKeys: string[]
  server: LmappServer
  folder: string
  socketPath: string
  /** `http://127.0.0.1:…` */
  address: string
  backend: DictatedBackend
  /** The owner's. */
  client: LmappClient
  connect(environment?: ForwardedEnvironment): LmappClient
  /** What `onBug` took. */
  bugs: unknown[]
  /** What `models` and `backends` were called for. */
  callers: Caller[]
  /** What the next pull sends. */
  pull: (signal: AbortSignal) => AsyncIterable<Exclude<PullEvent, { type: 'error' }>>
  stopped: Promise<void>
  /** Emits `change` with `onActivity`. */
  activity: EventEmitter
}

const config: Config = {
  model: 'dictated/tiny',
  aliases: {},
  backends: { dictated: { type: 'dictated', enabled: true } },
  failover: { enabled: true, retries: 0 },
  timeouts: { connectMs: 60_000, stallMs: 60_000, loadMs: 60_000 },
  service: { keepAliveMs: 60_000 },
  models: { scan: false, folders: [] },
  engines: { startOllama: false },
  sources: {},
  history: { titles: 'first-words' },
  chat: { plain: false },
  personas: {},
  serve: { allowPull: false, requireKey: false, history: false, origins: [], hosts: [] },
}

export async function startTestService(options: ServerOptions = {}): Promise<TestService> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-server-'))
  const socketPath = join(folder, 'service.sock')
  const backend = createDictatedBackend()
  const core = await openCore(folder, backend)
  const bugs: unknown[] = []
  const keys = new Map<string, KeyIdentity>()
  const unknownKeys: string[] = []
  const callers: Caller[] = []
  const activity = new EventEmitter()
  const stop = Promise.withResolvers<void>()
  const seen = <T>(caller: Caller, value: T): Promise<T> => {
    callers.push(caller)
    return Promise.resolve(value)
  }
  const tiny = { id: 'tiny', ref: 'dictated/tiny', backend: 'dictated', name: 'tiny', path: '/models/tiny.gguf' }

  const app: TestService['app'] = {
    version: '9.8.7',
    token: 'a token of this service',
    serve: { ...config.serve },
    keys: core.keys,
    findKey: (secret) => keys.get(secret) ?? core.keys.find(secret),
    onUnknownKey: ({ userAgent }) => unknownKeys.push(userAgent),
    runs: core.runs,
    store: core.store,
    models: {
      list: (caller, { backend: name }) => seen(caller, name === undefined || name === 'dictated' ? [tiny] : []),
      async show(caller, ref) {
        if (ref !== tiny.ref) throw new LmappError('model-not-found', `No model named "${ref}".`)
        return seen(caller, tiny)
      },
      resolve: (caller, ref) => seen(caller, { refs: [`dictated/${ref}`], notice: 'By its beginning.' }),
      pull: (caller) => service.pull(caller.signal),
      remove: (caller, ref) => seen(caller, { ref, freedBytes: 7 }),
      load: (caller, ref) => seen(caller, { ref }),
      unload: (caller, ref) => seen(caller, { ref }),
      copy: (caller) => seen(caller, undefined),
      unname: (caller) => seen(caller, undefined),
      aliases: async () => Object.entries(config.aliases).map(([name, refs]) => ({ name, refs })),
    },
    backends: {
      list: (caller) => core.reports.list(caller.environment),
      show: (caller, name) => core.reports.show(name, caller.environment),
      async start(caller, name) {
        await core.control.start(name, caller.environment, caller.signal)
        return core.reports.show(name, caller.environment)
      },
      async stop(caller, name) {
        await core.control.stop(name, caller.environment)
        return core.reports.show(name, caller.environment)
      },
      logs: (caller, name, { lines }) => core.reports.logs(name, lines, caller.environment),
    },
    embed: (caller, { model = 'dictated/tiny', input }) =>
      seen(caller, { model, vectors: input.map((text) => Float32Array.of(text.length, 0.5)), inputTokens: 3 }),
    countTokens: (caller, { model = 'dictated/tiny', messages }) =>
      seen(caller, { model, tokens: messages.length, exact: true }),
    health: () => ({
      version: '9.8.7',
      apiVersion: 1,
      pid: process.pid,
      since: '2025-01-01T00:00:00.000Z',
      foreground: false,
      activeRuns: core.runs.active,
      queuedRuns: core.runs.queued,
    }),
    stop: stop.resolve,
    onActivity: () => activity.emit('change'),
    onBug: (error) => bugs.push(error),
  }
  const server = createServer(app, options)
  await server.listenSocket(socketPath)
  const connect = (environment: ForwardedEnvironment = {}) =>
    createClient({ transport: createSocketTransport({ socketPath, token: app.token }), environment })

  const service: TestService = {
    app,
    server,
    folder,
    socketPath,
    address: await server.listenTcp('127.0.0.1', 0),
    backend,
    client: connect(),
    connect,
    bugs,
    keys,
    unknownKeys,
    callers,
    pull: () => nothing(),
    stopped: stop.promise,
    activity,
    async [Symbol.asyncDispose]() {
      await core.runs.stopAll()
      await server.close()
      await core.close()
      await rm(folder, { recursive: true })
    },
  }
  return service
}

async function openCore(folder: string, { backend }: DictatedBackend) {
  const store = await openStore({ path: join(folder, 'data', 'history.db') })
  const logFile = join(folder, 'logs', 'dictated.log')
  await mkdir(join(folder, 'logs'))
  await writeFile(logFile, 'one\ntwo\nthree\n')
  const dictated: BackendType = { name: 'dictated', execution: 'built-in', owner: 'external', create: () => backend }
  const types = new Map([[dictated.name, dictated]])
  const registry = createBackendRegistry({
    types: async () => types,
    config: async () => config,
    automatic: async () => [],
    context: () => ({ timeouts: config.timeouts, dataDir: folder, logFile, modelsDir: folder }),
  })
  const library = {
    list: async () => [],
    catalogue: [],
    defaultModel: noModel,
    get: refuse,
    fetch: refuse,
    remove: refuse,
  }
  const runs = createRunManager({ store, backends: registry, library, config: async () => config })
  return {
    store,
    runs,
    keys: await createKeys({ store }),
    reports: createBackendReports(registry),
    control: createBackendControl(registry),
    async close() {
      await registry[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

const noModel = {
  name: 'none',
  description: '',
  sizeBytes: 0,
  sha256: '',
  license: '',
  parameters: '',
  quantization: '',
  contextLength: 0,
  sources: [],
}

function refuse(): never {
  throw new LmappError('model-not-found', 'There is no library here.')
}

async function* nothing(): AsyncGenerator<never> {}
